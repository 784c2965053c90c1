// Weights copied into a safetensors file: logical order, types, and what is refused.

#include "qfa/Import/WriteWeights.h"
#include "mlir/Parser/Parser.h"
#include "qfa/Dialect/Qfa.h"
#include "qfa/Format/Safetensors.h"
#include "llvm/Support/FileSystem.h"
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>

using namespace mlir;

namespace {
class WriteWeightsTest : public ::testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<qfa::QfaDialect>();
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("qfa-weights", folder));
    source = (folder + "/source").str();
    target = (folder + "/target.safetensors").str();
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  /// Writes `values` as the source file and the one parameter described by `text`; returns the error.
  template <typename T>
  std::string write(const std::vector<T> &values, const std::string &type, const std::string &attributes) {
    std::ofstream(source, std::ios::binary)
        .write(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
    std::string text = "qfa.parameter @w : " + type + " {file = \"" + source + "\", " + attributes + "}";
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    return module ? llvm::toString(qfa::writeWeights(*module, target, options)) : "does not parse";
  }

  MLIRContext context;
  llvm::SmallString<128> folder;
  std::string source, target, error;
  qfa::WriteWeightsOptions options;
};
} // namespace

TEST_F(WriteWeightsTest, TransposesToLogicalOrder) {
  // The file holds [in = 2, out = 100]; more rows than are gathered at once.
  std::vector<float> values(200);
  for (int i = 0; i < 200; ++i)
    values[i] = i;
  ASSERT_EQ(write(values, "tensor<100x2xf32>", "bytes = 800 : i64, storage = f32, transposed"), "");
  qfa::format::SafetensorsReader reader;
  ASSERT_TRUE(reader.open(target, error)) << error;
  const qfa::format::TensorView *w = reader.get("w", qfa::format::DType::F32, {100, 2}, error);
  ASSERT_TRUE(w) << error;
  for (int n = 0; n < 100; ++n)
    for (int k = 0; k < 2; ++k)
      EXPECT_EQ(w->as<float>()[n * 2 + k], values[k * 100 + n]);
}

TEST_F(WriteWeightsTest, KeepsHalfPrecision) {
  std::vector<uint16_t> values = {0x3c00, 0xbc00, 0x0001, 0x7bff};
  ASSERT_EQ(write(values, "tensor<4xf32>", "bytes = 8 : i64, storage = f16"), "");
  qfa::format::SafetensorsReader reader;
  ASSERT_TRUE(reader.open(target, error)) << error;
  const qfa::format::TensorView *w = reader.get("w", qfa::format::DType::F16, {4}, error);
  ASSERT_TRUE(w) << error;
  EXPECT_TRUE(std::equal(values.begin(), values.end(), w->as<uint16_t>().begin()));
}

TEST_F(WriteWeightsTest, RefusesNumbersThatAreNotFinite) {
  std::vector<float> values = {1, 2, 3, NAN, 5, 6};
  std::string attributes = "bytes = 24 : i64, storage = f32";
  EXPECT_EQ(write(values, "tensor<2x3xf32>", attributes),
            "weight 'w' is not finite at element 3, expected only finite numbers");
  // Element 3 of the file [3, 2] is row 1, column 1 of the logical matrix [2, 3].
  EXPECT_EQ(write(values, "tensor<2x3xf32>", attributes + ", transposed"),
            "weight 'w' is not finite at element 4, expected only finite numbers");
  EXPECT_EQ(write(std::vector<uint16_t>{0x7f80}, "tensor<1xf32>", "bytes = 2 : i64, storage = bf16"),
            "weight 'w' is not finite at element 0, expected only finite numbers");
  EXPECT_FALSE(llvm::sys::fs::exists(target));
  options.refuseNonFinite = false;
  EXPECT_EQ(write(values, "tensor<2x3xf32>", attributes), "");
}

TEST_F(WriteWeightsTest, RefusesFilesThatChanged) {
  EXPECT_EQ(write(std::vector<float>{1, 2}, "tensor<4xf32>", "bytes = 16 : i64, storage = f32"),
            "weight 'w': " + source + " ends at byte 8, expected 0 + 16");
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      "qfa.parameter @w : tensor<1xf32> {file = \"/nonexistent\", bytes = 4 : i64, storage = f32}", &context);
  EXPECT_EQ(llvm::toString(qfa::writeWeights(*module, target)), "weight 'w': /nonexistent: No such file or directory");
  module = parseSourceString<ModuleOp>("qfa.parameter @w : tensor<1xf32> {bytes = 4 : i64, storage = f32}", &context);
  EXPECT_EQ(llvm::toString(qfa::writeWeights(*module, target)), "weight 'w': no file holds its bytes");
  EXPECT_NE(llvm::toString(qfa::writeWeights(*module, "/nonexistent/target")), "");
}
