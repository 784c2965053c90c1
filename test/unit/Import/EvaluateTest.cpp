// Each operator that masks, rotary tables and shapes are made of, on literals.

#include "../../../lib/Import/ShapeFacts.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Format.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace qfa::onnx;

namespace {
class EvaluateTest : public ::testing::Test {
protected:
  void SetUp() override { context.loadDialect<OnnxDialect, func::FuncDialect>(); }

  /// Shape and elements of %y on the first sample (batch 2, sequence 3), or "unknown".
  std::string evaluate(const std::string &body) {
    std::string text = "func.func @f(%arg0: tensor<?x?x4xf32>) -> tensor<1xf32> {\n %x = onnx.from_tensor %arg0 : "
                       "tensor<?x?x4xf32>\n" +
                       body + "\n %r = onnx.to_tensor %y : tensor<1xf32>\n return %r : tensor<1xf32>\n}";
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return "does not parse";
    Value value;
    module->walk([&](ToTensorOp op) { value = op.getValue(); });
    ShapeFacts facts;
    const HostTensor *tensor = facts.get(value, 0);
    if (!tensor)
      return "unknown";
    std::string result;
    llvm::raw_string_ostream stream(result);
    llvm::interleave(tensor->shape, stream, "x");
    stream << ":";
    for (size_t i = 0; i < tensor->words.size(); ++i)
      stream << " " << llvm::format("%.6g", tensor->number(i));
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

static const char *ab = "%a = onnx.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>\n"
                        "%b = onnx.constant dense<[2, -2, 4]> : tensor<3xi64>\n"
                        "%zero = onnx.constant dense<0> : tensor<1xi64>\n"
                        "%one = onnx.constant dense<1> : tensor<1xi64>\n"
                        "%last = onnx.constant dense<-1> : tensor<1xi64>\n"
                        "%f = onnx.constant dense<[0.0, 1.0, 4.0]> : tensor<3xf32>\n";

TEST_F(EvaluateTest, Shapes) {
  EXPECT_EQ(evaluate("%y = onnx.node \"Shape\"(%x)"), "3: 2 3 4");
  EXPECT_EQ(evaluate("%y = onnx.node \"Shape\"(%x) {start = -2 : i64, end = 100 : i64}"), "2: 3 4");
  EXPECT_EQ(evaluate("%y = onnx.node \"Size\"(%x)"), ": 24");
  EXPECT_EQ(evaluate("%y = onnx.shape [\"B\", \"2*B*S\", \"-1\"]"), "3: 2 12 -1");
  EXPECT_EQ(evaluate("%s = onnx.shape [\"0\", \"-1\"]\n%y = onnx.node \"Reshape\"(%x, %s)"), "2x12:");
  EXPECT_EQ(evaluate("%s = onnx.shape [\"5\", \"7\"]\n%y = onnx.node \"Reshape\"(%x, %s)"), "unknown");
  EXPECT_EQ(evaluate("%y = onnx.node \"Flatten\"(%x) {axis = 2 : i64}"), "6x4:");
}

TEST_F(EvaluateTest, Views) {
  std::string c = ab;
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Transpose\"(%a)"), "3x2: 1 4 2 5 3 6");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Unsqueeze\"(%b, %last)"), "3x1: 2 -2 4");
  EXPECT_EQ(evaluate(c + "%0 = onnx.node \"Unsqueeze\"(%b, %zero)\n%y = onnx.node \"Squeeze\"(%0)"), "3: 2 -2 4");
  EXPECT_EQ(evaluate(c + "%s = onnx.shape [\"2\", \"1\"]\n%y = onnx.node \"Expand\"(%b, %s)"), "2x3: 2 -2 4 2 -2 4");
  EXPECT_EQ(evaluate(c + "%s = onnx.shape [\"2\"]\n%y = onnx.node \"Tile\"(%b, %s)"), "6: 2 -2 4 2 -2 4");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Slice\"(%a, %one, %last, %last)"), "2x1: 2 5");
  EXPECT_EQ(evaluate(c + "%e = onnx.constant dense<-9223372036854775808> : tensor<1xi64>\n"
                         "%y = onnx.node \"Slice\"(%b, %last, %e, %zero, %last)"),
            "3: 4 -2 2");
  EXPECT_EQ(evaluate(c + "%p, %y = onnx.node \"Split\"(%b) {axis = 0 : i64} -> 2"), "1: 4");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Concat\"(%b, %one) {axis = 0 : i64}"), "4: 2 -2 4 1");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Gather\"(%a, %last) {axis = 1 : i64}"), "2x1: 3 6");
  EXPECT_EQ(evaluate(c + "%i = onnx.constant dense<7> : tensor<1xi64>\n%y = onnx.node \"Gather\"(%a, %i)"), "unknown");
  EXPECT_EQ(
      evaluate(c + "%i = onnx.constant dense<[[0, 1], [1, 2]]> : tensor<2x2xi64>\n%y = onnx.node \"GatherND\"(%a, %i)"),
      "2: 2 6");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Trilu\"(%a) {upper = 0 : i64}"), "2x3: 1 0 0 4 5 0");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Cast\"(%b) {to = 9 : i64}"), "3: 1 1 1");
}

TEST_F(EvaluateTest, Arithmetic) {
  std::string c = ab;
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Add\"(%a, %b)"), "2x3: 3 0 7 6 3 10");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Div\"(%a, %b)"), "2x3: 0 -1 0 2 -2 1");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Div\"(%a, %zero)"), "unknown");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Mod\"(%a, %b)"), "2x3: 1 0 3 0 -1 2");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Pow\"(%f, %b)"), "3: 0 1 256");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Max\"(%a, %b, %one)"), "2x3: 2 2 4 4 5 6");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Sqrt\"(%f)"), "3: 0 1 2");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"Cos\"(%f)"), "3: 1 0.540302 -0.653644");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"CumSum\"(%a, %one)"), "2x3: 1 3 6 4 9 15");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"CumSum\"(%b, %zero) {exclusive = 1 : i64, reverse = 1 : i64}"), "3: 2 4 0");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"ReduceMean\"(%a, %last) {keepdims = 0 : i64}"), "2: 2 5");
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"ReduceMax\"(%a)"), "1x1: 6");
  EXPECT_EQ(evaluate(c + "%t = onnx.node \"Transpose\"(%a)\n%y = onnx.node \"MatMul\"(%a, %t)"), "2x2: 14 32 32 77");
}

TEST_F(EvaluateTest, Selection) {
  std::string c = ab;
  EXPECT_EQ(evaluate(c + "%y = onnx.node \"LessOrEqual\"(%a, %b)"), "2x3: 1 0 1 0 0 0");
  EXPECT_EQ(evaluate(c + "%g = onnx.node \"Greater\"(%a, %b)\n%y = onnx.node \"Where\"(%g, %a, %zero)"),
            "2x3: 0 2 0 4 5 6");
  EXPECT_EQ(evaluate(c + "%g = onnx.node \"Equal\"(%b, %b)\n%n = onnx.node \"Not\"(%g)\n%y = onnx.node \"Or\"(%n, %g)"),
            "3: 1 1 1");
  EXPECT_EQ(evaluate(c +
                     "%n = onnx.shape scalar [\"S\"]\n%k = onnx.shape scalar [\"2\"]\n%s = onnx.shape scalar [\"-1\"]\n"
                     "%y = onnx.node \"Range\"(%n, %s, %s)"),
            "4: 3 2 1 0");
  EXPECT_EQ(evaluate("%s = onnx.shape [\"S\"]\n%y = onnx.node \"ConstantOfShape\"(%s)"), "3: 0 0 0");
}

TEST_F(EvaluateTest, NeverAllocatesWhatAGraphClaims) {
  EXPECT_EQ(evaluate("%s = onnx.shape [\"1000000000000\", \"1000000\"]\n%y = onnx.node \"ConstantOfShape\"(%s)"),
            "1000000000000x1000000:");
  EXPECT_EQ(evaluate("%a = onnx.shape scalar [\"0\"]\n%b = onnx.shape scalar [\"9000000000000000000\"]\n"
                     "%c = onnx.shape scalar [\"1\"]\n%y = onnx.node \"Range\"(%a, %b, %c)"),
            "unknown");
}

TEST_F(EvaluateTest, OnlyShapesOfData) {
  EXPECT_EQ(evaluate("%y = onnx.node \"Softmax\"(%x)"), "2x3x4:");
  EXPECT_EQ(evaluate("%y = onnx.node \"Frobnicate\"(%x)"), "unknown");
  EXPECT_EQ(evaluate("%y = onnx.node \"Add\"(%x, %x) domain \"com.example\""), "unknown");
}

TEST_F(EvaluateTest, FitsDimensions) {
  EXPECT_EQ(ShapeFacts::fit({7, 7, 7})->str(), "7");
  EXPECT_EQ(ShapeFacts::fit({8, 12, 20})->str(), "4*B");
  EXPECT_EQ(ShapeFacts::fit({3, 5, 7})->str(), "S");
  EXPECT_EQ(ShapeFacts::fit({12, 30, 70})->str(), "2*B*S");
  EXPECT_EQ(ShapeFacts::fit({-1, -1, -1})->str(), "-1");
  EXPECT_FALSE(ShapeFacts::fit({4, 6, 8}).has_value()); // sequence + 1
}
