// The assembly in NVIDIA's libdevice (about 20 texts), lop3 and prmt; what our lowering emits.
#include "qfa/GpuEmulator/AsmPatterns.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/InlineAsm.h"

using namespace llvm;
using namespace qfa::emu;

namespace {

// Wide integers of libdevice, as words of 32 bits: the text computes {$0, $1}, the lower part first.
constexpr StringLiteral add128 =
    "{.reg.u32r0,r1,r2,r3,a0,a1,a2,a3,b0,b1,b2,b3;mov.b64{a0,a1},$2;mov.b64{a2,a3},$3;mov.b64{b0,b1},$4;mov.b64{b2,b3},"
    "$5;"
    "add.cc.u32r0,a0,b0;addc.cc.u32r1,a1,b1;addc.cc.u32r2,a2,b2;addc.u32r3,a3,b3;mov.b64$0,{r0,r1};mov.b64$1,{r2,r3};}";
constexpr StringLiteral sub128 =
    "{.reg.u32r0,r1,r2,r3,a0,a1,a2,a3,b0,b1,b2,b3;mov.b64{a0,a1},$2;mov.b64{a2,a3},$3;mov.b64{b0,b1},$4;mov.b64{b2,b3},"
    "$5;"
    "sub.cc.u32r0,a0,b0;subc.cc.u32r1,a1,b1;subc.cc.u32r2,a2,b2;subc.u32r3,a3,b3;mov.b64$0,{r0,r1};mov.b64$1,{r2,r3};}";
constexpr StringLiteral mad128 =
    "{.reg.u32r0,r1,r2,r3,alo,ahi,blo,bhi,clo,chi;mov.b64{alo,ahi},$2;mov.b64{blo,bhi},$3;mov.b64{clo,chi},$4;"
    "mad.lo.cc.u32r0,alo,blo,clo;madc.hi.cc.u32r1,alo,blo,chi;madc.hi.u32r2,alo,bhi,0;mad.lo.cc.u32r1,alo,bhi,r1;"
    "madc.hi.cc.u32r2,ahi,blo,r2;madc.hi.u32r3,ahi,bhi,0;mad.lo.cc.u32r1,ahi,blo,r1;madc.lo.cc.u32r2,ahi,bhi,r2;"
    "addc.u32r3,r3,0;mov.b64$0,{r0,r1};mov.b64$1,{r2,r3};}";
constexpr StringLiteral mul128 =
    "{.reg.u32r0,r1,r2,r3,alo,ahi,blo,bhi;mov.b64{alo,ahi},$2;mov.b64{blo,bhi},$3;mul.lo.u32r0,alo,blo;mul.hi.u32r1,"
    "alo,blo;"
    "mad.lo.cc.u32r1,alo,bhi,r1;madc.hi.u32r2,alo,bhi,0;mad.lo.cc.u32r1,ahi,blo,r1;madc.hi.cc.u32r2,ahi,blo,r2;"
    "madc.hi.u32r3,ahi,bhi,0;mad.lo.cc.u32r2,ahi,bhi,r2;addc.u32r3,r3,0;mov.b64$0,{r0,r1};mov.b64$1,{r2,r3};}";
constexpr StringLiteral mad64 = "{mad.lo.cc.u32$0,$2,$3,$4;madc.hi.u32$1,$2,$3,0;}";
constexpr StringLiteral selectEqual = "{.reg.pred__$$temp3;setp.equ.f64__$$temp3,$1,$2;selp.f64$0,$3,$4,__$$temp3;}";

// Texts that are one scalar function of their operands in order.
constexpr std::pair<StringLiteral, StringLiteral> scalarTexts[] = {
    {"rcp.approx.ftz.f32$0,$1;", "rcp.approx.ftz.f"},       {"rsqrt.approx.ftz.f64$0,$1;", "rsqrt.approx.ftz.d"},
    {"bfind.shiftamt.u32$0,$1;", "asm.bfind.shiftamt.u32"}, {"prmt.b32$0,$1,$2,$3;", "prmt"},
    {"cvt.rn.bf16x2.f32$0,$1,$2;", "ff2bf16x2.rn"},
};

class Emitter {
public:
  Emitter(CallInst &call, IRBuilderBase &builder) : call(call), b(builder) {}

  Value *word(unsigned index, unsigned bits) { return b.CreateZExt(call.getArgOperand(index), b.getIntNTy(bits)); }
  Value *join(unsigned low, unsigned high) {
    unsigned half = call.getArgOperand(low)->getType()->getIntegerBitWidth();
    return b.CreateOr(word(low, 2 * half), b.CreateShl(word(high, 2 * half), half));
  }
  // A wide integer as the pair that the assembly gives.
  Value *split(Value *wide) {
    unsigned half = wide->getType()->getIntegerBitWidth() / 2;
    Type *part = b.getIntNTy(half);
    Value *pair = b.CreateInsertValue(PoisonValue::get(call.getType()), b.CreateTrunc(wide, part), 0u);
    return b.CreateInsertValue(pair, b.CreateTrunc(b.CreateLShr(wide, half), part), 1u);
  }
  Value *gather(ArrayRef<Value *> values) {
    Value *all = PoisonValue::get(call.getType());
    for (auto [i, value] : enumerate(values))
      all = b.CreateInsertValue(all, value, static_cast<unsigned>(i));
    return all;
  }
  // Bit i of the table is the result where the three operands' bits spell i.
  Value *lookUp(unsigned table) {
    Value *result = b.getInt32(0);
    for (unsigned i = 0; i < 8; ++i) {
      if (!(table >> i & 1))
        continue;
      Value *term = b.getInt32(-1);
      for (unsigned j = 0; j < 3; ++j) {
        Value *input = call.getArgOperand(j);
        term = b.CreateAnd(term, i >> (2 - j) & 1 ? input : b.CreateNot(input));
      }
      result = b.CreateOr(result, term);
    }
    return result;
  }

private:
  CallInst &call;
  IRBuilderBase &b;
};

std::string squeeze(StringRef text) {
  std::string squeezed;
  for (char c : text)
    if (!isSpace(c))
      squeezed += c;
  return squeezed;
}

} // namespace

// Operands: the registers of D, as results and then as what is added to, and the seven of WarpgroupOperands.
bool qfa::emu::describeWarpgroupMma(const CallInst &call, Site &site) {
  constexpr StringLiteral before = "wgmma.mma_async.sync.aligned.m64n", after = "k16.f32.bf16.bf16{";
  const std::string text = squeeze(cast<InlineAsm>(call.getCalledOperand())->getAsmString());
  auto [head, tail] = StringRef(text).split(before);
  unsigned columns;
  if (tail.consumeInteger(10, columns) || columns % 8 || columns < 8 || columns > 256)
    return false;
  unsigned registers = columns / 2;
  std::string wanted = (head + before + Twine(columns) + after).str();
  auto number = [](unsigned index) { return "$" + std::to_string(index); };
  for (unsigned i = 0; i < registers; ++i)
    wanted += (i ? "," : "") + number(i);
  unsigned first = 2 * registers;
  wanted += "}," + number(first) + "," + number(first + 1) + ",p";
  for (unsigned i = 3; i < 7; ++i)
    wanted += "," + number(first + i);
  wanted += ";}";
  if (head != "{.reg.predp;setp.ne.b32p," + number(first + 2) + ",0;" || text != wanted)
    return false;
  site.kind = OpKind::WarpgroupMma;
  site.count = columns / 8;
  site.operands = registers + 7;
  return true;
}

Value *qfa::emu::emitAsm(CallInst &call, IRBuilderBase &builder, CallScalar callScalar) {
  const std::string squeezed = squeeze(cast<InlineAsm>(call.getCalledOperand())->getAsmString());
  StringRef text = squeezed;
  Emitter emit(call, builder);
  SmallVector<Value *> operands(call.args());
  for (const auto &[wanted, scalar] : scalarTexts)
    if (text == wanted)
      return callScalar(scalar, operands, call.getType());
  if (text == add128)
    return emit.split(builder.CreateAdd(emit.join(0, 1), emit.join(2, 3)));
  if (text == sub128)
    return emit.split(builder.CreateSub(emit.join(0, 1), emit.join(2, 3)));
  if (text == mul128)
    return emit.split(builder.CreateMul(emit.word(0, 128), emit.word(1, 128)));
  if (text == mad128 || text == mad64) {
    unsigned bits = text == mad64 ? 64 : 128;
    Value *product = builder.CreateMul(emit.word(0, bits), emit.word(1, bits));
    return emit.split(builder.CreateAdd(product, emit.word(2, bits)));
  }
  if (auto *results = dyn_cast<StructType>(call.getType()); text.empty() && results)
    return results->getNumElements() == operands.size() ? emit.gather(operands) : nullptr; // behind what was before
  if (text == selectEqual)
    return builder.CreateSelect(builder.CreateFCmpUEQ(operands[0], operands[1]), operands[2], operands[3]);
  unsigned table;
  if (StringRef rest = text; rest.consume_front("lop3.b32$0,$1,$2,$3,") && rest.consume_back(";") &&
                             !rest.getAsInteger(0, table) && table < 256)
    return emit.lookUp(table);
  // sub.<rounding>[.ftz].f32: a sum with the second operand's sign turned.
  if (StringRef rest = text; rest.consume_front("sub.") && rest.consume_back("$0,$1,$2;")) {
    auto [form, type] = rest.rsplit('.');
    if (type == "f32" || type == "f64")
      return callScalar(("add." + form + (type == "f32" ? ".f" : ".d")).str(),
                        {operands[0], builder.CreateFNeg(operands[1])}, call.getType());
  }
  return nullptr;
}
