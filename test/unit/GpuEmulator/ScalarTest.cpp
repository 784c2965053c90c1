// Every scalar function of Intrinsics.def, called from IR, against its plain statement.
#include "ExactNumbers.h"
#include "Harness.h"
#include "ScalarCases.h"

#include "qfa/GpuEmulator/Math.h"

#include "llvm/IR/Intrinsics.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace qfa::emu;

namespace {

struct LetterType {
  const char *ir;
  int bits;
};
LetterType typeOf(char letter) {
  switch (letter) {
  case 'f':
    return {"float", 32};
  case 'd':
    return {"double", 64};
  case 'l':
    return {"i64", 64};
  case 's':
    return {"i16", 16};
  case 'h':
    return {"half", 16};
  case 'b':
    return {"bfloat", 16};
  case 'H':
    return {"<2 x half>", 32};
  case 'B':
    return {"<2 x bfloat>", 32};
  default:
    return {"i32", 32};
  }
}

// Kernel k<n>: out[i] = f(a[i], b[i], c[i]), 64 bits per element.
std::string kernelText(const ScalarCase &test, size_t number) {
  LetterType result = typeOf(test.signature[0]);
  std::string n = std::to_string(number), formals, actuals, loads;
  for (size_t i = 1; i < test.signature.size(); ++i) {
    LetterType type = typeOf(test.signature[i]);
    std::string index = std::to_string(i - 1);
    formals += (i > 1 ? ", " : "") + std::string(type.ir);
    actuals += (i > 1 ? ", " : "") + std::string(type.ir) + " %v" + index;
    loads += "  %p" + index + " = getelementptr [3 x i64], ptr %in, i32 %i, i32 " + index + "\n  %v" + index +
             " = load " + type.ir + ", ptr %p" + index + ", align 8\n";
  }
  bool assembly = test.name.starts_with("asm.");
  std::string callee = assembly ? "asm \"" + test.name.substr(4) + " $0, $1;\", \"=r,r\"" : "@llvm.nvvm." + test.name;
  return (assembly ? "" : "declare " + std::string(result.ir) + " " + callee + "(" + formals + ")\n") +
         "define ptx_kernel void @k" + n +
         "(ptr %in, ptr %out) {\n"
         "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
         "  %c = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n"
         "  %c32 = mul i32 %c, 32\n  %i = add i32 %c32, %t\n" +
         loads + "  %r = call " + result.ir + " " + callee + "(" + actuals + ")\n" +
         "  %o = getelementptr i64, ptr %out, i32 %i\n  store " + result.ir + " %r, ptr %o, align 8\n  ret void\n}\n";
}

// Numbers worth trying, by the type of the first operand: special ones first, then random ones of moderate size.
uint64_t inputFor(char letter, int element, int operandIndex, std::mt19937_64 &random) {
  static const float floats[] = {0.0f,   -0.0f,  1.0f,    -1.0f,    0.5f,      1.5f, -2.5f,         3e38f,
                                 -3e38f, 1e-40f, -1e-41f, INFINITY, -INFINITY, NAN,  2147483648.0f, 1.1754944e-38f};
  static const uint16_t bf16s[] = {0x0000, 0x8000, 0x3f80, 0xbf80, 0x7f80, 0xff80,
                                   0x7fc0, 0x0001, 0x7f7f, 0x3f81, 0x4049, 0xc2f7};
  static const uint16_t f16s[] = {0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00,
                                  0x7e00, 0x0001, 0x7bff, 0x3c01, 0x4248, 0xd7b0};
  // Different operands meet in all pairs of special values.
  int special = operandIndex == 0 ? element % 16 : operandIndex == 1 ? element / 16 % 16 : element / 7 % 16;
  bool plain = element >= 256;
  double normal = std::normal_distribution<double>()(random) * std::exp2(int(random() % 24) - 12);
  auto half = [&](const uint16_t (&table)[12], const Narrow &type) -> uint64_t {
    return plain ? type.round(normal, false) : table[special % 12];
  };
  switch (letter) {
  case 'f':
    return std::bit_cast<uint32_t>(plain ? float(normal) : floats[special]);
  case 'd':
    return std::bit_cast<uint64_t>(plain ? normal : double(floats[special]) * (special % 3 ? 1 : 1 + 1e-12));
  case 'b':
    return half(bf16s, bf16);
  case 'h':
    return half(f16s, f16);
  case 'B':
    return half(bf16s, bf16) | uint64_t(bf16.round(normal, false)) << 16;
  case 'H':
    return half(f16s, f16) | uint64_t(f16.round(normal, false)) << 16;
  default: {
    static const uint64_t integers[] = {0,
                                        1,
                                        ~uint64_t(0),
                                        0x7fffffff,
                                        0x80000000,
                                        0x7fffffffffffffff,
                                        0x8000000000000000,
                                        0x8000,
                                        0x7fff,
                                        0x800000,
                                        0x7fffff,
                                        0x01000001,
                                        0x7fffffbf,
                                        0xfedcba98,
                                        0x3210,
                                        0xffffffff7fffffff};
    return plain ? random() : integers[special];
  }
  }
}

const ScalarCases &allCases() {
  static const ScalarCases all = [] {
    ScalarCases cases;
    addArithmetic(cases);
    addConversions(cases);
    addFunctions(cases);
    addNarrow(cases);
    addIntegers(cases);
    return cases;
  }();
  return all;
}

double numberOf(char letter, uint64_t bits) { return letter == 'd' ? asDouble(bits) : asFloat(bits); }

} // namespace

// Tests that no row of the table is without a case, and that every row is an intrinsic of LLVM.
TEST(Scalar, EveryRowHasACase) {
  std::set<std::string> tested;
  for (const ScalarCase &test : allCases())
    EXPECT_TRUE(tested.insert(test.name).second) << test.name << " twice";
  for (std::string_view name : scalarNames()) {
    EXPECT_TRUE(tested.erase(std::string(name))) << name << " has no case";
    if (!name.starts_with("asm."))
      EXPECT_NE(llvm::Intrinsic::lookupIntrinsicID("llvm.nvvm." + std::string(name)), 0u) << name;
  }
  for (const std::string &name : tested)
    ADD_FAILURE() << name << " is in no row";
}

// Tests each function on special values in all pairs, and on random ones.
TEST(Scalar, AgreesWithItsStatement) {
  constexpr int elements = 512;
  const ScalarCases &cases = allCases();
  std::string text;
  for (size_t i = 0; i < cases.size(); ++i)
    text += kernelText(cases[i], i);
  IrProgram program(text);
  std::mt19937_64 random(7);
  std::byte *in = program.emptyBuffer(elements * 3 * 8), *out = program.emptyBuffer(elements * 8);
  program.memory.markInitialised(in, elements * 3 * 8);
  for (size_t number = 0; number < cases.size(); ++number) {
    const ScalarCase &test = cases[number];
    std::vector<uint64_t> inputs(elements * 3, 0);
    for (int i = 0; i < elements; ++i)
      for (size_t j = 1; j < test.signature.size(); ++j)
        inputs[3 * i + j - 1] = inputFor(test.signature[j], i, j - 1, random);
    std::memcpy(in, inputs.data(), inputs.size() * 8);
    Report report = program.run("k" + std::to_string(number), {elements / 32}, {32});
    ASSERT_TRUE(report.ok()) << report.text();
    std::vector<uint64_t> results = program.contents<uint64_t>(out, elements);
    char letter = test.signature[0];
    int wrong = 0, bits = typeOf(letter).bits;
    for (int i = 0; i < elements && wrong < 3; ++i) {
      uint64_t mask = bits == 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
      uint64_t got = results[i] & mask, wanted = test.statement(&inputs[3 * i]) & mask;
      bool same = got == wanted;
      if (!same && (letter == 'f' || letter == 'd')) {
        double x = numberOf(letter, got), y = numberOf(letter, wanted);
        same =
            (std::isnan(x) && std::isnan(y)) || (std::isfinite(y) && std::fabs(x - y) <= test.tolerance * std::fabs(y));
      }
      if (!same) {
        ++wrong;
        ADD_FAILURE() << test.name << std::hex << " of 0x" << inputs[3 * i] << " 0x" << inputs[3 * i + 1] << " 0x"
                      << inputs[3 * i + 2] << " is 0x" << got << ", wanted 0x" << wanted;
      }
    }
  }
}
