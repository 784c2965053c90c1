// Importing whole files: errors of the graph that name the node, mutated real files, and the time of nothing but
// structure.

#include "qfa/Import/ImportOnnx.h"
#include "OnnxBytes.h"
#include "qfa/Import/Onnx.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace qfa::test;

namespace {
class ImportOnnxTest : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("qfa-import", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  /// What the diagnostics say; empty when the import works.
  std::string import(const std::string &content) {
    std::string path = (folder + "/model.onnx").str(), text;
    std::ofstream(path, std::ios::binary) << content;
    MLIRContext context(MLIRContext::Threading::DISABLED);
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      text += diagnostic.str() + "\n";
      return success();
    });
    FailureOr<OwningOpRef<ModuleOp>> module = qfa::importOnnx(path, &context);
    EXPECT_EQ(failed(module), !text.empty()) << text;
    return text;
  }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(ImportOnnxTest, ImportsTheSmallestModel) {
  EXPECT_EQ(import(embeddingModel(floatTensor("table", {3, 2}, std::string(24, 'x')))), "");
}

TEST_F(ImportOnnxTest, RefusesDoubles) {
  std::string table =
      integer(1, 3) + integer(1, 2) + integer(2, 11) + bytes(8, "table") + bytes(9, std::string(48, 'x'));
  EXPECT_EQ(import(embeddingModel(table)),
            "weight 'table' is stored as float64, expected float32, float16 or bfloat16\n");
}

TEST_F(ImportOnnxTest, NamesTheNodeThatIsWrong) {
  std::string ends = bytes(11, value("ids", 7, {-1, -1})) + bytes(12, value("logits", 1, {-1, -1, 2}));
  EXPECT_NE(import(model(bytes(1, node("Gather", {"nothing", "ids"}, "logits")) + ends))
                .find("node uses 'nothing', which nothing defines before it"),
            std::string::npos);
  EXPECT_NE(import(model(bytes(1, node("Shape", {"ids"}, "ids")) + ends)).find("'ids' is defined twice"),
            std::string::npos);
  EXPECT_NE(import(model(ends)).find("output 'logits' is not defined"), std::string::npos);
  EXPECT_NE(import(model(ends, 11)).find("opset 11 of ai.onnx is not supported, expected at least 13"),
            std::string::npos);
  std::string unknown = import(model(bytes(1, node("Frobnicate", {"ids"}, "logits")) + ends));
  EXPECT_NE(unknown.find("operator 'Frobnicate' (domain ai.onnx, version 18) of node 'node_logits' cannot be raised"),
            std::string::npos)
      << unknown;
  std::string subgraph =
      node("If", {"ids"}, "logits") + bytes(5, bytes(1, "then_branch") + bytes(6, "") + integer(20, 5));
  EXPECT_NE(import(model(bytes(1, subgraph) + ends)).find("attribute 'then_branch' has kind 5, which is not supported"),
            std::string::npos);
}

// Whatever happens to the bytes of a graph, the import ends with a module or with an error.
TEST_F(ImportOnnxTest, SurvivesMutatedGraphs) {
  std::filesystem::path source =
      std::filesystem::path(QFA_SHARED_DIR) / "models/llama-tinystories-656k/torch-dynamo-18-mask";
  if (!std::filesystem::exists(source / "model.onnx"))
    GTEST_SKIP() << "no models in " << QFA_SHARED_DIR;
  std::filesystem::copy(source / "model.onnx.data", std::filesystem::path(folder.c_str()) / "model.onnx.data");
  auto whole = llvm::cantFail(llvm::errorOrToExpected(llvm::MemoryBuffer::getFile((source / "model.onnx").string())));
  std::mt19937 random(11);
  unsigned refused = 0;
  constexpr unsigned rounds = 200;
  for (unsigned round = 0; round < rounds; ++round) {
    std::string mutated = whole->getBuffer().str();
    for (unsigned changes = 1 + random() % 200; changes--;)
      mutated[random() % mutated.size()] = static_cast<char>(random());
    refused += !import(mutated).empty();
  }
  EXPECT_GT(refused, rounds / 4);
}
