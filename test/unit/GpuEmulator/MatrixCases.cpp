// mma, ldmatrix and stmatrix: fragments spread over the lanes by the element formulas of the PTX ISA.
#include "ExactNumbers.h"
#include "Harness.h"
#include "OperationCases.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace qfa::emu;

namespace {

// ---- mma ----

struct MmaType {
  std::string element; // bf16 f16 tf32 s8 u8
  int inner, perWord;
  bool halfAccumulator, integral;
};

// Row and column of element i of a lane's fragment, with groupID = lane / 4 and threadID_in_group = lane % 4.
std::pair<int, int> placeInA(const MmaType &type, int i, int lane) {
  int group = lane / 4, thread = lane % 4, word = i / type.perWord, part = i % type.perWord;
  int columnStep = 4 * type.perWord; // of the words after the second
  return {word % 2 == 0 ? group : group + 8, thread * type.perWord + part + (word >= 2 ? columnStep : 0)};
}
std::pair<int, int> placeInB(const MmaType &type, int i, int lane) {
  int group = lane / 4, thread = lane % 4;
  return {thread * type.perWord + i % type.perWord + (i / type.perWord) * 4 * type.perWord, group};
}
std::pair<int, int> placeInC(int i, int lane) { return {i < 2 ? lane / 4 : lane / 4 + 8, lane % 4 * 2 + i % 2}; }

uint32_t encode(const MmaType &type, double value) {
  if (type.element == "bf16")
    return bf16.round(value, false);
  if (type.element == "f16")
    return f16.round(value, false);
  if (type.element == "tf32")
    return std::bit_cast<uint32_t>(float(value)) | 0x1234 % 0x2000; // the low 13 bits do not count
  return uint32_t(int(value)) & 255;
}

std::string mmaKernel(const std::string &name, const std::string &in, const std::string &accumulator, int wordsA,
                      int wordsB, int wordsC) {
  std::string types, values, structure, loads, stores;
  auto load = [&](const std::string &buffer, int count, const std::string &type) {
    for (int i = 0; i < count; ++i) {
      std::string v = buffer + std::to_string(i);
      loads += "  %o" + v + " = add i32 %" + buffer + "o, " + std::to_string(i) + "\n  %p" + v +
               " = getelementptr i32, ptr %" + buffer + ", i32 %o" + v + "\n  %" + v + " = load " + type + ", ptr %p" +
               v + "\n";
      types += (types.empty() ? "" : ", ") + type;
      values += (values.empty() ? "" : ", ") + type + " %" + v;
    }
  };
  for (auto [buffer, count] : {std::pair{"a", wordsA}, {"b", wordsB}, {"c", wordsC}})
    loads += std::string("  %") + buffer + "o = mul i32 %t, " + std::to_string(count) + "\n";
  load("a", wordsA, in);
  load("b", wordsB, in);
  load("c", wordsC, accumulator);
  for (int i = 0; i < wordsC; ++i)
    structure += (i ? ", " : "") + accumulator;
  structure = "{" + structure + "}";
  for (int i = 0; i < wordsC; ++i) {
    std::string n = std::to_string(i);
    stores += "  %d" + n + " = extractvalue " + structure + " %d, " + n + "\n  store " + accumulator + " %d" + n +
              ", ptr %pc" + n + "\n";
  }
  return "declare " + structure + " @llvm.nvvm." + name + "(" + types +
         ")\ndefine ptx_kernel void @k(ptr %a, ptr %b, ptr %c) {\n" +
         "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n" + loads + "  %d = call " + structure + " @llvm.nvvm." +
         name + "(" + values + ")\n" + stores + "  ret void\n}\n";
}

void testMma(const std::string &name, const MmaType &type) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  int wordsA = 16 * type.inner / 32 / type.perWord, wordsB = 8 * type.inner / 32 / type.perWord,
      wordsC = type.halfAccumulator ? 2 : 4;
  // Sixteenths: sums of their products are exact in every type, so that results must be equal.
  auto draw = [&] {
    return type.element == "s8"   ? int(random() % 256) - 128
           : type.element == "u8" ? random() % 256
                                  : std::round(normal(random) * 4) / 16;
  };
  double a[16][32], b[32][8], c[16][8];
  for (auto &row : a)
    for (double &x : row)
      x = draw();
  for (auto &row : b)
    for (double &x : row)
      x = draw();
  for (auto &row : c)
    for (double &x : row)
      x = std::round(normal(random) * 8);
  std::vector<uint32_t> wordsOfA(32 * wordsA), wordsOfB(32 * wordsB), wordsOfC(32 * wordsC);
  int bits = 32 / type.perWord;
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < wordsA * type.perWord; ++i) {
      auto [row, column] = placeInA(type, i, lane);
      wordsOfA[lane * wordsA + i / type.perWord] |= encode(type, a[row][column]) << bits * (i % type.perWord);
    }
    for (int i = 0; i < wordsB * type.perWord; ++i) {
      auto [row, column] = placeInB(type, i, lane);
      wordsOfB[lane * wordsB + i / type.perWord] |= encode(type, b[row][column]) << bits * (i % type.perWord);
    }
    for (int i = 0; i < 4; ++i) {
      auto [row, column] = placeInC(i, lane);
      double x = c[row][column];
      if (type.halfAccumulator)
        wordsOfC[lane * 2 + i / 2] |= uint32_t(f16.round(x, false) | (x < 0 ? 0x8000 : 0)) << 16 * (i % 2);
      else
        wordsOfC[lane * 4 + i] = type.integral ? uint32_t(int32_t(x)) : std::bit_cast<uint32_t>(float(x));
    }
  }
  IrProgram program(mmaKernel(name, type.element == "f16" ? "<2 x half>" : "i32",
                              type.halfAccumulator ? "<2 x half>"
                              : type.integral      ? "i32"
                                                   : "float",
                              wordsA, wordsB, wordsC));
  program.buffer(wordsOfA);
  program.buffer(wordsOfB);
  std::byte *out = program.buffer(wordsOfC);
  Report report = program.run("k", {}, {32});
  ASSERT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(report.counters.mmas, 1u);
  std::vector<uint32_t> d = program.contents<uint32_t>(out, wordsOfC.size());
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      auto [row, column] = placeInC(i, lane);
      double wanted = c[row][column];
      for (int k = 0; k < type.inner; ++k)
        wanted += a[row][k] * b[k][column];
      double got = type.halfAccumulator ? f16.value(d[lane * 2 + i / 2] >> 16 * (i % 2))
                   : type.integral      ? double(int32_t(d[lane * 4 + i]))
                                        : std::bit_cast<float>(d[lane * 4 + i]);
      // f16 has 11 bits: what is exact before is rounded once.
      double rounded = type.halfAccumulator ? f16.value(f16.round(wanted, false) | (wanted < 0 ? 0x8000 : 0)) : wanted;
      EXPECT_EQ(got, rounded) << "row " << row << " column " << column;
    }
}

// ---- ldmatrix and stmatrix ----

// Element e of the m-th register of a lane: row lane / 4, columns 2 (lane % 4) + e; transposed: the other way round.
int elementIndex(int matrix, int lane, int e, bool transposed) {
  int row = lane / 4, column = lane % 4 * 2 + e;
  return matrix * 64 + (transposed ? column * 8 + row : row * 8 + column);
}

std::string matrixKernel(const std::string &name, int count, bool store) {
  std::string types, structure = "i32", n = std::to_string(count), moves;
  for (int i = 0; i < count; ++i)
    types += ", i32";
  if (count > 1)
    structure = "{" + types.substr(2) + "}";
  std::string text = "@tile = internal addrspace(3) global [256 x i16] undef, align 16\n"
                     "declare void @llvm.nvvm.bar.warp.sync(i32)\n";
  std::string full = name + ".p3", sync = "  call void @llvm.nvvm.bar.warp.sync(i32 -1)\n";
  text += store ? "declare void @llvm.nvvm." + full + "(ptr addrspace(3)" + types + ")\n"
                : "declare " + structure + " @llvm.nvvm." + full + "(ptr addrspace(3))\n";
  // Lane t holds 16 bytes of the tile, which are row t % 8 of matrix t / 8.
  text += "define ptx_kernel void @k(ptr %in, ptr %out) {\n  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
          "  %o = mul i32 %t, 8\n  %s = getelementptr i16, ptr addrspace(3) @tile, i32 %o\n  %w = mul i32 %t, " +
          n + "\n";
  std::string values;
  if (store) {
    for (int i = 0; i < count; ++i) {
      std::string v = std::to_string(i);
      text += "  %i" + v + " = add i32 %w, " + v + "\n  %p" + v + " = getelementptr i32, ptr %in, i32 %i" + v +
              "\n  %v" + v + " = load i32, ptr %p" + v + "\n";
      values += ", i32 %v" + v;
    }
    return text + "  call void @llvm.nvvm." + full + "(ptr addrspace(3) %s" + values + ")\n" + sync +
           "  %mine = icmp ult i32 %t, " + std::to_string(8 * count) +
           "\n  br i1 %mine, label %copy, label %end\ncopy:\n"
           "  %row = load <8 x i16>, ptr addrspace(3) %s, align 16\n  %q = getelementptr i16, ptr %out, i32 %o\n"
           "  store <8 x i16> %row, ptr %q, align 16\n  br label %end\nend:\n  ret void\n}\n";
  }
  text += "  %g = getelementptr i16, ptr %in, i32 %o\n  %row = load <8 x i16>, ptr %g, align 16\n"
          "  store <8 x i16> %row, ptr addrspace(3) %s, align 16\n" +
          sync + "  %d = call " + structure + " @llvm.nvvm." + full + "(ptr addrspace(3) %s)\n";
  for (int i = 0; i < count; ++i) {
    std::string v = std::to_string(i);
    text += (count > 1 ? "  %v" + v + " = extractvalue " + structure + " %d, " + v + "\n" : "  %v0 = add i32 %d, 0\n") +
            "  %i" + v + " = add i32 %w, " + v + "\n  %p" + v + " = getelementptr i32, ptr %out, i32 %i" + v +
            "\n  store i32 %v" + v + ", ptr %p" + v + "\n";
  }
  return text + "  ret void\n}\n";
}

void testMatrix(const std::string &name, int count, bool transposed, bool store) {
  IrProgram program(matrixKernel(name, count, store));
  // registers: [lane][matrix][e]; tile: [matrix][row][column]
  std::vector<uint16_t> tile(256), registers(32 * count * 2);
  for (int i = 0; i < 256; ++i)
    tile[i] = 1000 + i;
  for (int lane = 0; lane < 32; ++lane)
    for (int matrix = 0; matrix < count; ++matrix)
      for (int e = 0; e < 2; ++e)
        registers[(lane * count + matrix) * 2 + e] = tile[elementIndex(matrix, lane, e, transposed)];
  program.buffer(store ? registers : tile);
  tile.resize(64 * count);
  const std::vector<uint16_t> &wanted = store ? tile : registers;
  std::byte *out = program.emptyBuffer(wanted.size() * 2);
  Report report = program.run("k", {}, {32});
  ASSERT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(program.contents<uint16_t>(out, wanted.size()), wanted);
}

} // namespace

void qfa::emu::addMatrixCases(OperationCases &cases) {
  auto mma = [&](const std::string &shape, const std::string &suffix, const MmaType &type) {
    std::string name = "mma.m16n8k" + shape + ".row.col." + suffix;
    cases[name] = [=] { testMma(name, type); };
  };
  mma("16", "bf16", {"bf16", 16, 2, false, false});
  mma("8", "bf16", {"bf16", 8, 2, false, false});
  mma("16", "f32.f32", {"f16", 16, 2, false, false});
  mma("8", "f32.f32", {"f16", 8, 2, false, false});
  mma("16", "f16.f16", {"f16", 16, 2, true, false});
  mma("8", "f16.f16", {"f16", 8, 2, true, false});
  mma("8", "tf32", {"tf32", 8, 1, false, false});
  mma("4", "tf32", {"tf32", 4, 1, false, false});
  for (std::string integer : {"s8", "u8"}) {
    mma("16", integer, {integer, 16, 4, false, true});
    mma("32", integer, {integer, 32, 4, false, true});
  }
  for (bool store : {false, true})
    for (int count : {1, 2, 4})
      for (bool transposed : {false, true}) {
        std::string name = std::string(store ? "st" : "ld") + "matrix.sync.aligned.m8n8.x" + std::to_string(count) +
                           (transposed ? ".trans" : "") + ".b16";
        cases[name] = [=] { testMatrix(name, count, transposed, store); };
      }
}
