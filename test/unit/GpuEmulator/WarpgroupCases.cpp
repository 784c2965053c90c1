// wgmma: matrices in every layout that a descriptor can name, and each rule of what comes before and after.
#include "ExactNumbers.h"
#include "Harness.h"
#include "OperationCases.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace qfa::emu;

namespace {

constexpr int m = 64, n = 16, inner = 16, registers = n / 2, imageBytes = 16384, placeOfB = 8192;

// What the kernel does between filling shared memory and storing its registers; a test leaves lines out.
struct Order {
  std::string proxyFence = "call void @llvm.nvvm.fence.proxy.async.shared_cta()\n",
              barrier = "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n",
              fence = "call void @llvm.nvvm.wgmma.fence.sync.aligned()\n",
              commit = "call void @llvm.nvvm.wgmma.commit_group.sync.aligned()\n",
              wait = "call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 0)\n";
  std::string before, between, after; // the product; commit and wait; the wait and the end
};

std::string structOf() {
  std::string text = "{";
  for (int i = 0; i < registers; ++i)
    text += i ? ", float" : "float";
  return text + "}";
}

// As LLVM writes nvvm.wgmma.mma_async.
std::string product(const std::string &result, bool transposedA, bool transposedB, int keep = 1, int signA = 1) {
  std::string outputs, constraints, tied, arguments;
  for (int i = 0; i < registers; ++i) {
    std::string number = std::to_string(i);
    outputs += (i ? ", $" : "$") + number;
    constraints += i ? ",=f" : "=f";
    tied += "," + number;
    arguments += "float %c" + number + ", ";
  }
  auto operand = [](int i) { return "$" + std::to_string(2 * registers + i); };
  auto i32 = [](int value) { return ", i32 " + std::to_string(value); };
  return result + " = call " + structOf() + " asm sideeffect \"{\\0A.reg .pred p;\\0Asetp.ne.b32 p, " + operand(2) +
         ", 0;\\0Awgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {" + outputs + "}, " + operand(0) + ", " +
         operand(1) + ", p,  " + operand(3) + ", " + operand(4) + ", " + operand(5) + ",  " + operand(6) +
         ";\\0A}\\0A\", \"" + constraints + tied + ",l,l,n,n,n,n,n\"(" + arguments + "i64 %da, i64 %db" + i32(keep) +
         i32(signA) + i32(1) + i32(transposedA) + i32(transposedB) + ")\n";
}

std::string kernelText(const Order &order, const std::string &multiply) {
  std::string loads, stores, copies;
  for (int i = 0; i < registers; ++i) {
    std::string number = std::to_string(i);
    loads += "%pc" + number + " = getelementptr float, ptr addrspace(1) %cs, i32 " + number + "\n%c" + number +
             " = load float, ptr addrspace(1) %pc" + number + "\n";
    stores += "%r" + number + " = extractvalue " + structOf() + " %d, " + number + "\n%pd" + number +
              " = getelementptr float, ptr addrspace(1) %ds, i32 " + number + "\nstore float %r" + number +
              ", ptr addrspace(1) %pd" + number + "\n";
  }
  for (int i = 0; i < imageBytes / 16 / 128; ++i) {
    std::string number = std::to_string(i);
    copies += "%at" + number + " = add i32 %t16, " + std::to_string(i * 128 * 16) + "\n%from" + number +
              " = getelementptr i8, ptr addrspace(1) %in, i32 %at" + number + "\n%to" + number +
              " = getelementptr i8, ptr addrspace(3) @tile, i32 %at" + number + "\n%v" + number +
              " = load <4 x i32>, ptr addrspace(1) %from" + number + "\nstore <4 x i32> %v" + number +
              ", ptr addrspace(3) %to" + number + "\n";
  }
  return R"(
@tile = internal addrspace(3) global [16384 x i8] undef, align 1024
declare void @llvm.nvvm.fence.proxy.async.shared_cta()
declare void @llvm.nvvm.fence.proxy.async()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.wgmma.fence.sync.aligned()
declare void @llvm.nvvm.wgmma.commit_group.sync.aligned()
declare void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64)
define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %descriptors, ptr addrspace(1) %c, ptr addrspace(1) %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %warp = lshr i32 %t, 5
  %t16 = mul i32 %t, 16
  %first = mul i32 %t, 8
  %cs = getelementptr float, ptr addrspace(1) %c, i32 %first
  %ds = getelementptr float, ptr addrspace(1) %out, i32 %first
  %pb = getelementptr i64, ptr addrspace(1) %descriptors, i32 1
  %ra = load i64, ptr addrspace(1) %descriptors
  %rb = load i64, ptr addrspace(1) %pb
  %tile = ptrtoint ptr addrspace(3) @tile to i64
  %window = and i64 %tile, 262143
  %start = lshr i64 %window, 4
  %da = add i64 %ra, %start
  %db = add i64 %rb, %start
)" + copies +
         loads + order.proxyFence + order.barrier + order.fence + order.before + multiply + order.commit +
         order.between + order.wait + order.after + stores + "ret void\n}\n";
}

struct Layout {
  int width; // bytes of a swizzle, 16: none
  bool transposed;

  int atom() const { return 8 * width; } // bytes of 8 rows
  // Atoms follow each other along k, then along the rows.
  int alongK() const { return atom(); }
  int alongRows() const { return transposed || width == 16 ? 2 * atom() : atom(); }

  uint64_t descriptor(int start) const {
    // The stride is that along rows; a swizzled, transposed matrix has it along k, and the leading one along rows.
    bool exchanged = transposed && width > 16;
    uint64_t leading = exchanged ? alongRows() : alongK(), stride = exchanged ? alongK() : alongRows();
    uint64_t mode = width == 16 ? 0 : width == 128 ? 1 : width == 64 ? 2 : 3;
    return start / 16 | leading / 16 << 16 | stride / 16 << 32 | mode << 62;
  }
  int byteOf(int row, int k) const {
    int line = transposed ? k : row, along = transposed ? row : k, perLine = width / 2;
    int at = line % 8 * width + along % perLine * 2; // within an atom
    at += transposed ? row / perLine * alongRows() + k / 8 * alongK() : row / 8 * alongRows() + k / perLine * alongK();
    int part = at / 16 % 8, lineOf128 = at / 128;
    return at / 128 * 128 + (part ^ lineOf128 % (width / 16)) * 16 + at % 16;
  }
};

struct Outcome {
  Report report;
  std::vector<float> wanted, found; // [64, 16]
};

Outcome multiply(const Order &order, const std::string &text, Layout layoutA, Layout layoutB, int keep = 1,
                 int sign = 1, uint32_t threads = 128) {
  std::mt19937 random(3);
  auto eighth = [&] { return (int(random() % 17) - 8) / 8.0f; };
  std::vector<uint8_t> image(imageBytes);
  std::vector<float> a(m * inner), b(n * inner), c(128 * registers);
  auto fill = [&](std::vector<float> &values, int rows, Layout layout, int start) {
    for (int row = 0; row < rows; ++row)
      for (int k = 0; k < inner; ++k) {
        uint16_t bits = std::bit_cast<uint32_t>(values[row * inner + k] = eighth()) >> 16;
        std::memcpy(&image[start + layout.byteOf(row, k)], &bits, sizeof bits);
      }
  };
  fill(a, m, layoutA, 0);
  fill(b, n, layoutB, placeOfB);
  for (float &value : c)
    value = eighth();
  IrProgram program(kernelText(order, text));
  program.buffer(image);
  program.buffer(std::vector<uint64_t>{layoutA.descriptor(0), layoutB.descriptor(placeOfB)});
  program.buffer(c);
  std::byte *out = program.emptyBuffer(c.size() * 4);
  Outcome run{program.run("k", {}, {threads}), std::vector<float>(m * n), std::vector<float>(m * n)};
  std::vector<float> d = program.contents<float>(out, c.size());
  for (int thread = 0; thread < 128; ++thread)
    for (int r = 0; r < registers; ++r) {
      // PTX ISA, fragment D of wgmma .m64nNk16.
      int row = thread / 32 * 16 + thread % 32 / 4 + r % 4 / 2 * 8, column = r / 4 * 8 + thread % 4 * 2 + r % 2;
      float sum = keep ? c[thread * registers + r] : 0;
      for (int k = 0; k < inner; ++k)
        sum += sign * a[row * inner + k] * b[column * inner + k];
      run.wanted[row * n + column] = sum;
      run.found[row * n + column] = d[thread * registers + r];
    }
  return run;
}

const Layout plain = {128, false};

void expectFault(const Order &order, const std::string &kind, const std::string &words, uint32_t threads = 128) {
  Outcome run = multiply(order, product("%d", false, false), plain, plain, 1, 1, threads);
  ASSERT_FALSE(run.report.ok()) << words;
  EXPECT_EQ(run.report.fault->kind, kind);
  EXPECT_NE(run.report.text().find(words), std::string::npos) << run.report.text();
}

} // namespace

TEST(Warpgroup, EveryLayout) {
  for (int width : {16, 32, 64, 128})
    for (bool transposedA : {false, true})
      for (bool transposedB : {false, true}) {
        SCOPED_TRACE(std::to_string(width) + (transposedA ? " transposed" : "") + (transposedB ? ", transposed" : ""));
        Outcome run = multiply({}, product("%d", transposedA, transposedB), {width, transposedA}, {width, transposedB});
        ASSERT_TRUE(run.report.ok()) << run.report.text();
        EXPECT_EQ(run.found, run.wanted);
        EXPECT_EQ(run.report.counters.mmas, 4u);
      }
}

TEST(Warpgroup, ScalesOfItsOperands) {
  Outcome fresh = multiply({}, product("%d", false, false, /*keep=*/0), plain, plain, 0);
  EXPECT_EQ(fresh.found, fresh.wanted);
  Outcome negative = multiply({}, product("%d", false, false, 1, /*signA=*/-1), plain, plain, 1, -1);
  EXPECT_EQ(negative.found, negative.wanted);
}

TEST(Warpgroup, IsFourWarps) {
  expectFault({}, "divergent-collective", "wgmma in warp 0 of 2: a warpgroup is four warps", 64);
}

TEST(Warpgroup, WaitsForAllWarps) {
  Order order;
  order.before = "%is = icmp eq i32 %warp, 3\nbr i1 %is, label %leave, label %go\nleave:\nret void\ngo:\n";
  expectFault(order, "divergent-collective", "threads 0-95 wait for the other warps of their warpgroup");
}

TEST(Warpgroup, AgreesOnDescriptors) {
  Order order;
  std::string text = product("%d", false, false);
  order.before = "%w = zext i32 %warp to i64\n%dw = add i64 %da, %w\n";
  text.replace(text.find("i64 %da"), 7, "i64 %dw");
  Outcome run = multiply(order, text, plain, plain);
  ASSERT_FALSE(run.report.ok());
  EXPECT_NE(run.report.text().find("threads of one warpgroup give wgmma different descriptors"), std::string::npos);
}

TEST(Warpgroup, IsAtOneProduct) {
  Order order;
  order.before = "%is = icmp eq i32 %warp, 3\nbr i1 %is, label %one, label %other\none:\n" +
                 product("%d1", false, false) + "br label %go\nother:\n" + product("%d2", false, false) +
                 "br label %go\ngo:\n%d = phi " + structOf() + " [ %d1, %one ], [ %d2, %other ]\n";
  Outcome run = multiply(order, "", plain, plain);
  ASSERT_FALSE(run.report.ok());
  EXPECT_NE(run.report.text().find("warps of one warpgroup are at different products"), std::string::npos);
}

TEST(Warpgroup, NeedsABarrier) {
  Order order;
  order.barrier = "";
  Outcome run = multiply(order, product("%d", false, false), plain, plain);
  ASSERT_FALSE(run.report.ok());
  EXPECT_TRUE(run.report.fault->kind == "data-race" || run.report.fault->kind == "uninitialised-read")
      << run.report.text();
}

TEST(Warpgroup, RefusesOtherTypes) {
  std::string text = kernelText({}, product("%d", false, false));
  text.replace(text.find("f32.bf16.bf16"), 13, "f32.e4m3.e4m3");
  EXPECT_NE(loadError(text).find("inline asm in 'k'"), std::string::npos);
}

TEST(Warpgroup, RefusesABaseOffset) {
  Order order;
  std::string text = product("%d", false, false);
  order.before = "%dw = add i64 %da, 562949953421312\n"; // bit 49
  text.replace(text.find("i64 %da"), 7, "i64 %dw");
  Outcome run = multiply(order, text, plain, plain);
  ASSERT_FALSE(run.report.ok());
  EXPECT_NE(run.report.text().find("a matrix with base offset 1, only 0 is emulated"), std::string::npos);
}

TEST(Warpgroup, ReadsSharedMemoryOnly) {
  Order order;
  std::string text = product("%d", false, false);
  order.before = "%dw = add i64 %da, 1000\n"; // 16,000 bytes on: the last 8 rows lie behind the 16 KiB
  text.replace(text.find("i64 %da"), 7, "i64 %dw");
  Outcome run = multiply(order, text, plain, plain);
  ASSERT_FALSE(run.report.ok());
  EXPECT_EQ(run.report.fault->kind, "out-of-bounds");
  EXPECT_NE(run.report.text().find("out-of-bounds read of 16 bytes"), std::string::npos) << run.report.text();
}

void qfa::emu::addWarpgroupCases(OperationCases &cases) {
  cases["wgmma.fence.sync.aligned"] = [] {
    Order order;
    order.fence = "";
    expectFault(order, "missing-fence", "wgmma.mma_async without a wgmma.fence since the last group was committed");
  };
  cases["wgmma.commit_group.sync.aligned"] = [] {
    Order order;
    order.commit = "";
    expectFault(order, "unwaited-product", "a warp exits while its wgmma is in flight");
  };
  cases["wgmma.wait_group.sync.aligned"] = [] {
    Order order;
    order.wait = "";
    expectFault(order, "unwaited-product", "a warp exits while its wgmma is in flight");
    // A write behind a barrier: in order for threads, not for a product that nobody waited for.
    std::string write = order.barrier + "store i8 0, ptr addrspace(3) %to0\n", wait = Order().wait;
    order.after = write + wait;
    expectFault(order, "in-flight-product", "shared memory was written while a wgmma was reading it");
    order.after = "call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 1)\n" + write + wait;
    expectFault(order, "in-flight-product", "shared memory was written while a wgmma was reading it");
    order.after = wait + write;
    EXPECT_TRUE(multiply(order, product("%d", false, false), plain, plain).report.ok());
  };
  for (std::string name : {"fence.proxy.async", "fence.proxy.async.shared_cta"})
    cases[name] = [=] {
      Order order;
      order.proxyFence = "";
      const char *words = "wgmma reads shared memory without a fence.proxy.async of the thread that wrote it";
      expectFault(order, "missing-fence", words);
      order.proxyFence = "call void @llvm.nvvm." + name + "()\n";
      EXPECT_TRUE(multiply(order, product("%d", false, false), plain, plain).report.ok());
      // Before the write it is none.
      order.before =
          "%value = load i8, ptr addrspace(3) %to0\nstore i8 %value, ptr addrspace(3) %to0\n" + order.barrier;
      expectFault(order, "missing-fence", words);
    };
}
