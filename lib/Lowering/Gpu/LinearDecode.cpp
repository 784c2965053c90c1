// Every code is read once, expanded in registers and multiplied with all tokens: memory is the bound, so the codes are
// all that is moved.
//
// A block of threads has a block of 32 outputs; its warps share the inputs. Four neighbouring lanes have the four
// quarters of an input's rows, so that a warp reads the words of eight inputs as one piece of memory.
#include "LinearDecode.h"

#include "Codes.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t decodeThreads = 512, warps = decodeThreads / kWarp;
static constexpr int64_t quarters = 4, quarterRows = kBlockRows / quarters, inputsAtOnce = kWarp / quarters;

bool qfa::isLinearDecode(LinearOp op) { return isa<ElasticType>(op.getWeight().getType()) && tokensOf(op.getX()) <= 8; }

namespace {
class Decode {
public:
  Decode(LinearOp op, GpuBuilder &b)
      : op(op), b(b), type(cast<ElasticType>(op.getWeight().getType())), row(b.site(op.getWeight())),
        tokens(tokensOf(op.getX())), piece(std::min<int64_t>(type.getGroup(), 64)),
        perGroup(ceilDiv(type.getGroup(), piece)), quarter(b.rem(b.lane(), quarters)),
        firstInput(b.div(b.lane(), quarters)), partials(b.shared(warps * kBlockRows * tokens)) {}

  void emit() {
    b.switchOn(row.bits, type.getBits(), [&](int64_t bits) { storePartials(sumInputs(bits)); });
    b.barrier();
    b.forThreads(kBlockRows * tokens, [&](Value i) {
      Value output = b.add(b.mul(b.block(), kBlockRows), b.rem(i, kBlockRows)), token = b.div(i, kBlockRows);
      b.ifThen(b.less(output, type.getOut()), [&] { storeOutput(i, output, token); });
    });
  }

private:
  // This lane's part of y for the rows of its quarter: [quarterRows][tokens].
  Values sumInputs(int64_t bits) {
    return b.forLoop(b.warp(), type.getGroups() * perGroup, warps, Values(quarterRows * tokens, b.f32(0)),
                     [&](Value index, ValueRange carried) -> Values {
                       Value group = b.div(index, perGroup), first = b.mul(b.rem(index, perGroup), piece);
                       Value place = b.add(b.mul(b.block(), type.getGroups()), group);
                       place = b.add(b.mul(place, kBlockRows), b.mul(quarter, quarterRows));
                       Values scales, zeros;
                       for (int64_t i = 0; i < quarterRows; ++i) {
                         scales.push_back(loadScale(b, type, row.scales, b.add(place, i)));
                         zeros.push_back(loadScale(b, type, row.zeros, b.add(place, i)));
                       }
                       Value end = b.min(b.i64(type.getGroup()), b.add(first, piece));
                       return b.forLoop(b.add(first, firstInput), end, inputsAtOnce, carried,
                                        [&](Value k, ValueRange sums) -> Values {
                                          Value input = b.add(b.mul(group, type.getGroup()), k);
                                          return multiply(bits, input, scales, zeros, sums);
                                        });
                     });
  }

  Values multiply(int64_t bits, Value input, ArrayRef<Value> scales, ArrayRef<Value> zeros, ValueRange sums) {
    Value words = b.at(row.codes, b.mul(b.add(b.mul(b.block(), type.getIn()), input), bits), b.getI32Type());
    Values codes = quarterOf(words, bits), x, out;
    for (int64_t t = 0; t < tokens; ++t)
      x.push_back(b.loadF32(b.operand(op.getX()), b.add(input, t * type.getIn())));
    for (int64_t i = 0; i < quarterRows; ++i) {
      Value w = b.fma(codes[i], scales[i], zeros[i]);
      for (int64_t t = 0; t < tokens; ++t)
        out.push_back(b.fma(w, x[t], sums[i * tokens + t]));
    }
    return out;
  }

  // The codes of the quarter's rows in the words of an input, as numbers.
  Values quarterOf(Value words, int64_t bits) {
    Values codes;
    if (bits == 3) {
      Value high = shifted(b.load(b.getI32Type(), words, 2), b.mul(quarter, quarterRows));
      Value low = wordOf(words, 2, 0);
      for (int64_t i = 0; i < quarterRows; ++i)
        codes.push_back(bitsToFloat(b, low, i * 2, 2, high, i));
      return codes;
    }
    int64_t perWord = 32 / bits, first = std::min(perWord, quarterRows); // codes of a word that are the quarter's
    for (int64_t part = 0; part < quarterRows; part += first) {
      Value word = wordOf(words, bits, part);
      for (int64_t i = 0; i < first; ++i)
        codes.push_back(bitsToFloat(b, word, i * bits, bits));
    }
    return codes;
  }

  // The word that has the code of row `part` of the quarter in its last bits.
  Value wordOf(Value words, int64_t bits, int64_t part) {
    int64_t perWord = 32 / bits;
    Value at = b.add(b.mul(quarter, quarterRows), part);
    Value word = b.load(b.getI32Type(), words, b.div(at, perWord));
    return perWord > quarterRows ? shifted(word, b.mul(b.rem(at, perWord), bits)) : word;
  }

  Value shifted(Value word, Value bits) {
    return b.shiftRight(word, arith::TruncIOp::create(b, b.getI32Type(), bits).getResult());
  }

  // partials: [warps][tokens][32]
  void storePartials(Values sums) {
    for (Value &sum : sums)
      for (int64_t mask = quarters; mask < kWarp; mask *= 2)
        sum = b.add(sum, b.shuffleXor(sum, mask));
    b.ifThen(b.equal(firstInput, 0), [&] {
      for (int64_t t = 0; t < tokens; ++t)
        for (int64_t i = 0; i < quarterRows; ++i) {
          Value at = b.add(b.mul(b.add(b.mul(b.warp(), tokens), t), kBlockRows), b.mul(quarter, quarterRows));
          b.store(sums[i * tokens + t], partials, b.add(at, i));
        }
    });
  }

  void storeOutput(Value i, Value output, Value token) {
    Value sum = b.loadF32(partials, i);
    for (int64_t warp = 1; warp < warps; ++warp)
      sum = b.add(sum, b.loadF32(partials, b.add(i, warp * kBlockRows * tokens)));
    if (op.getAdapter()) {
      int64_t rank = type.getRank();
      sum = b.forLoop(0, rank, 1, sum, [&](Value r, ValueRange carried) -> Values {
        Value a = b.loadF32(b.operand(op.getAdapter()), b.add(b.mul(token, rank), r));
        return {b.fma(a, b.loadF32(row.adapterB, b.add(b.mul(output, rank), r)), carried[0])};
      })[0];
    }
    b.store(sum, b.result(op.getResult()), b.add(b.mul(token, type.getOut()), output));
  }

  LinearOp op;
  GpuBuilder &b;
  ElasticType type;
  SiteRow row;
  int64_t tokens, piece, perGroup; // piece: inputs of a group that a warp takes at once
  Value quarter, firstInput, partials;
};
} // namespace

void qfa::planLinearDecode(LinearOp op, GpuPlan &plan) {
  int64_t out = cast<ElasticType>(op.getWeight().getType()).getOut();
  plan.run("decode", {ceilDiv(out, kBlockRows)}, decodeThreads, [&](GpuBuilder &b) { Decode(op, b).emit(); });
}
