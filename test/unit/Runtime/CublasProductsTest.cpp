// Products by cuBLASLt, against a library that computes on the host.
#include "FakeCublasLt.h"

#include "device/CublasProducts.h"
#include "support/Error.h"
#include "support/Random.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace qfa::rt;
using namespace qfa::rt::test;

namespace {

constexpr int64_t stride = 16, rows = 24; // of the factors' memory

class CublasProductsTest : public testing::Test {
protected:
  CublasProductsTest()
      : panels(2 * rows * stride), floats(panels.size()), result(rows * stride), addend(result.size()) {
    fakeCublasLt = FakeCublasLt();
    for (size_t i = 0; i < panels.size(); ++i) { // few bits: exact in bf16
      floats[i] = static_cast<float>(randomBits(1, 2, i) % 15) - 7;
      uint32_t bits = 0;
      std::memcpy(&bits, &floats[i], 4);
      panels[i] = static_cast<uint16_t>(bits >> 16);
    }
    for (size_t i = 0; i < addend.size(); ++i)
      addend[i] = static_cast<float>(i);
  }

  // left [5, 6] and right [7, 6], from second columns on
  static qfa_gpu_product_t makeProduct(bool turnLeft, bool turnRight, int64_t elementBytes) {
    qfa_gpu_product_t product = {};
    product.m = 5;
    product.n = 7;
    product.k = 6;
    product.left = {elementBytes, stride, turnLeft, 0};
    product.right = {(rows * stride + 1) * elementBytes, stride, turnRight, 0};
    product.addend = -1;
    product.stride = 9;
    product.offset = 2;
    product.scale = 0.5;
    return product;
  }
  // As module_abi.h says.
  float wanted(const qfa_gpu_product_t &product, int64_t i, int64_t j) const {
    auto element = [&](size_t first, bool turned, int64_t row, int64_t l) {
      return floats[first + 1 + (turned ? l * stride + row : row * stride + l)];
    };
    float sum = 0;
    for (int64_t l = 0; l < product.k; ++l)
      sum += element(0, product.left.transposed, i, l) * element(rows * stride, product.right.transposed, j, l);
    float more = product.addend < 0 ? 0 : addend[product.offset + i * product.stride + j];
    return sum * static_cast<float>(product.scale) + more;
  }
  void expectResult(const qfa_gpu_product_t &product) const {
    for (int64_t i = 0; i < product.m; ++i)
      for (int64_t j = 0; j < product.n; ++j)
        EXPECT_EQ(result[product.offset + i * product.stride + j], wanted(product, i, j)) << i << ", " << j;
  }
  static qfa_gpu_launch_t launchOf(const qfa_gpu_product_t *products, int64_t count) {
    qfa_gpu_launch_t launch = {};
    launch.product_count = count;
    launch.products = products;
    return launch;
  }

  std::vector<uint16_t> panels; // left, then right
  std::vector<float> floats;    // the same
  std::vector<float> result, addend;
  char scratch[1] = {};
};

} // namespace

TEST_F(CublasProductsTest, AreWhatTheModuleSays) {
  for (bool isRounded : {true, false})
    for (bool turnLeft : {false, true})
      for (bool turnRight : {false, true})
        for (int32_t plus : {-1, 1}) {
          SCOPED_TRACE(testing::Message() << isRounded << turnLeft << turnRight << plus);
          CublasProducts products(makeFakeCublasLt(), isRounded);
          products.setWorkspace(scratch);
          qfa_gpu_product_t product = makeProduct(turnLeft, turnRight, isRounded ? 2 : 4);
          product.addend = plus;
          void *pointers[] = {result.data(), addend.data(),
                              isRounded ? static_cast<void *>(panels.data()) : floats.data()};
          EXPECT_TRUE(products.run(launchOf(&product, 1), pointers, nullptr));
          expectResult(product);
        }
  EXPECT_EQ(fakeCublasLt.objects, 0) << "objects of the library left behind";
}

TEST_F(CublasProductsTest, AskForAlgorithmsOncePerAlignmentAndWithoutRaces) {
  CublasProducts products(makeFakeCublasLt(), true);
  products.setWorkspace(scratch);
  qfa_gpu_product_t product = makeProduct(false, false, 2);
  alignas(256) char memory[1024] = {};
  for (int offset : {0, 0, 256, 4, 0, 12}) {
    void *pointers[] = {memory + offset, panels.data()};
    products.run(launchOf(&product, 1), pointers, nullptr);
  }
  EXPECT_EQ(fakeCublasLt.heuristics, 2); // 8 bytes on from a multiple of 256, and of 4
  EXPECT_EQ(fakeCublasLt.alignments[3], 4u);
  EXPECT_EQ(fakeCublasLt.reductions, 6u) << "sums in any order are not the same bits in every run";
}

TEST_F(CublasProductsTest, LeaveToTheFunctionWhatTheLibraryCannotDo) {
  CublasProducts products(makeFakeCublasLt(), true);
  products.setWorkspace(scratch);
  qfa_gpu_product_t product = makeProduct(false, false, 2);
  void *pointers[] = {result.data(), panels.data()};
  EXPECT_FALSE(products.run(launchOf(nullptr, 0), pointers, nullptr)) << "more than products";
  fakeCublasLt.hasAlgorithm = false;
  EXPECT_FALSE(products.run(launchOf(&product, 1), pointers, nullptr));
  EXPECT_EQ(result, std::vector<float>(result.size())) << "touched";
}

TEST_F(CublasProductsTest, NameTheCallThatFails) {
  auto reason = [&](const char *member) {
    fakeCublasLt.failing = member;
    try {
      CublasProducts products(makeFakeCublasLt(), true);
      products.setWorkspace(scratch);
      qfa_gpu_product_t product = makeProduct(false, false, 2);
      void *pointers[] = {result.data(), panels.data()};
      products.run(launchOf(&product, 1), pointers, nullptr);
    } catch (const Error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(reason("create"), "cublasLtCreate failed: the library failed to launch on the GPU (status 13)");
  EXPECT_EQ(reason("multiply"), "cublasLtMatmul failed: the library failed to launch on the GPU (status 13)");
  EXPECT_EQ(reason("getHeuristic"),
            "cublasLtMatmulAlgoGetHeuristic failed: the library failed to launch on the GPU (status 13)");
  EXPECT_EQ(reason("layoutCreate"),
            "cublasLtMatrixLayoutCreate failed: the library failed to launch on the GPU (status 13)");
  EXPECT_EQ(fakeCublasLt.objects, 0) << "objects of the library left behind";
}
