// Reading models: structure, places of tensors, external data that must stay in the folder, and mutated bytes.

#include "qfa/Import/OnnxModel.h"
#include "OnnxBytes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

using namespace qfa::onnx;
using namespace qfa::test;

namespace {
/// A folder of its own for every test, removed in the end.
class OnnxModelTest : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("qfa-import", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(const std::string &name) const { return (folder + "/" + name).str(); }

  std::string write(const std::string &name, const std::string &content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  /// The error of a model file with this content, without its path.
  std::string errorOf(const std::string &content) const {
    std::string file = write("model.onnx", content);
    llvm::Expected<Model> model = readModel(file);
    if (model)
      return "";
    std::string text = llvm::toString(model.takeError());
    return text.starts_with(file) ? text.substr(file.size()) : text;
  }

  std::string errorOfExternal(const std::string &location, const std::string &offset = "0",
                              const std::string &length = "24") const {
    return errorOf(embeddingModel(externalTensor("table", {3, 2}, location, offset, length)));
  }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(OnnxModelTest, PlacesTensorsInsideTheFile) {
  std::string raw = "0123456789abcdefghijklmn",
              file = write("model.onnx", embeddingModel(floatTensor("table", {3, 2}, raw)));
  Model model = llvm::cantFail(readModel(file));
  ASSERT_EQ(model.initializers.size(), 1u);
  const Tensor &table = model.initializers[0];
  EXPECT_EQ(table.file, file);
  EXPECT_EQ(table.bytes, 24u);
  EXPECT_EQ(model.bytes->getBuffer().substr(table.offset, table.bytes), raw);
  ASSERT_EQ(model.nodes.size(), 1u);
  EXPECT_EQ(model.nodes[0].type, "Gather");
  EXPECT_EQ(model.inputs[0].dims, (llvm::SmallVector<int64_t, 4>{-1, -1}));
  EXPECT_EQ(model.opsets[0].second, 18);
}

TEST_F(OnnxModelTest, PlacesExternalTensors) {
  write("weights.bin", std::string(40, 'x'));
  std::string file = write("model.onnx", embeddingModel(externalTensor("table", {3, 2}, "weights.bin", "16", "24")));
  Model model = llvm::cantFail(readModel(file));
  EXPECT_EQ(model.initializers[0].file, path("weights.bin"));
  EXPECT_EQ(model.initializers[0].offset, 16u);
}

TEST_F(OnnxModelTest, RefusesExternalDataOutsideTheFolder) {
  EXPECT_EQ(errorOfExternal("/etc/passwd"), ": external data '/etc/passwd' is not a relative path");
  EXPECT_EQ(errorOfExternal(""), ": external data '' is not a relative path");
  EXPECT_EQ(errorOfExternal("a/../../secret"), ": external data 'a/../../secret' leaves the model's folder");
  ASSERT_EQ(symlink("/etc/passwd", path("link").c_str()), 0);
  EXPECT_EQ(errorOfExternal("link"), ": external data 'link' is a link out of the model's folder");
  // A neighbour whose name only begins with the folder's.
  llvm::SmallString<128> neighbour(folder);
  neighbour += "-neighbour";
  std::ofstream(neighbour.c_str()) << std::string(24, 'x');
  ASSERT_EQ(symlink(neighbour.c_str(), path("beside").c_str()), 0);
  EXPECT_EQ(errorOfExternal("beside"), ": external data 'beside' is a link out of the model's folder");
  llvm::sys::fs::remove(neighbour);
}

TEST_F(OnnxModelTest, RefusesBrokenExternalData) {
  EXPECT_EQ(errorOfExternal("missing.bin"),
            ": external data 'missing.bin' cannot be opened: No such file or directory");
  EXPECT_EQ(errorOfExternal("."), ": external data '.' is not a regular file");
  write("weights.bin", std::string(40, 'x'));
  EXPECT_NE(
      errorOfExternal("weights.bin", "20").find("tensor 'table' ends at byte 20 + 24 of 'weights.bin', which has 40"),
      std::string::npos);
  EXPECT_NE(errorOfExternal("weights.bin", "18446744073709551615").find("which has 40"), std::string::npos);
  EXPECT_NE(errorOfExternal("weights.bin", "0", "20").find("has 20 bytes of external data, its shape needs 24"),
            std::string::npos);
  EXPECT_NE(errorOfExternal("weights.bin", "-1").find("has offset '-1', expected a number"), std::string::npos);
  EXPECT_NE(errorOfExternal("weights.bin", "0", "many").find("has length 'many', expected a number"),
            std::string::npos);
}

TEST_F(OnnxModelTest, RefusesOverlappingTensors) {
  write("weights.bin", std::string(40, 'x'));
  auto two = [&](const char *offset) {
    return model(bytes(5, externalTensor("a", {3, 2}, "weights.bin", "0", "24")) +
                 bytes(5, externalTensor("b", {3, 2}, "weights.bin", offset, "24")));
  };
  EXPECT_EQ(errorOf(two("8")), ": tensors 'a' and 'b' overlap in 'weights.bin'");
  EXPECT_EQ(errorOf(two("0")), ""); // one range under two names
}

TEST_F(OnnxModelTest, RefusesAbsurdTensors) {
  auto error = [&](const std::string &table) { return errorOf(embeddingModel(table)); };
  EXPECT_NE(error(floatTensor("table", {3, 2}, "short")).find("tensor 'table' has 5 bytes of data, its shape needs 24"),
            std::string::npos);
  EXPECT_NE(error(floatTensor("table", {uint64_t(-3), 2}, "")).find("has dimension -3, its size is not representable"),
            std::string::npos);
  EXPECT_NE(error(floatTensor("table", {1ull << 40, 1ull << 40}, "")).find("its size is not representable"),
            std::string::npos);
  EXPECT_NE(error(integer(2, 8) + bytes(8, "table")).find("tensor 'table' has element type 8, which is not supported"),
            std::string::npos);
  EXPECT_NE(error(integer(1, 2) + integer(2, 7) + integer(7, 5) + bytes(8, "table"))
                .find("tensor 'table' has 1 values, its shape needs 2"),
            std::string::npos);
}

TEST_F(OnnxModelTest, RefusesOtherFiles) {
  EXPECT_NE(errorOf("").find("no graph found; is this an ONNX file?"), std::string::npos);
  EXPECT_NE(errorOf("not a model at all").find("offset 0: ModelProto: "), std::string::npos);
  std::string whole = embeddingModel(floatTensor("table", {3, 2}, std::string(24, 'x')));
  EXPECT_NE(errorOf(whole.substr(0, whole.size() - 9)).find("bytes, "), std::string::npos);
  EXPECT_NE(errorOf(whole + bytes(25, "")).find("model functions are not supported"), std::string::npos);
  EXPECT_NE(errorOf(whole + bytes(7, "")).find("a second graph"), std::string::npos);
  std::string twice = bytes(5, floatTensor("w", {1}, "abcd"));
  EXPECT_NE(errorOf(model(twice + twice)).find("initializer 'w' is defined twice"), std::string::npos);
  EXPECT_NE(errorOf(model(bytes(15, ""))).find("sparse initializers are not supported"), std::string::npos);
  EXPECT_NE(llvm::toString(readModel(path("absent.onnx")).takeError()).find("No such file"), std::string::npos);
}

TEST_F(OnnxModelTest, DecodesSmallConstants) {
  auto load = [](const std::string &message) {
    std::string file = model(bytes(5, message));
    Model model = llvm::cantFail(parseModel("m", llvm::MemoryBuffer::getMemBufferCopy(file)));
    llvm::cantFail(loadValues(model.initializers[0]));
    return model.initializers[0];
  };
  // 1.5 as float16 bits in int32_data, and int64 in packed int64_data.
  EXPECT_EQ(load(integer(2, 10) + integer(5, 0x3e00)).floats[0], 1.5);
  EXPECT_EQ(load(integer(2, 16) + integer(5, 0x3fc0)).floats[0], 1.5);
  EXPECT_EQ(load(integer(1, 2) + integer(2, 7) + bytes(7, varint(3) + varint(uint64_t(-1)))).ints,
            (llvm::SmallVector<int64_t, 0>{3, -1}));
}

// No mutation may crash the reader; most are refused, and what is accepted has its bytes inside the file.
TEST_F(OnnxModelTest, SurvivesMutatedBytes) {
  std::string raw(24, 'w'), whole = embeddingModel(floatTensor("table", {3, 2}, raw));
  std::mt19937 random(7);
  unsigned refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string mutated = whole;
    for (unsigned changes = 1 + random() % 3; changes--;)
      mutated[random() % mutated.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      mutated.resize(random() % mutated.size());
    llvm::Expected<Model> model = parseModel(path("m.onnx"), llvm::MemoryBuffer::getMemBufferCopy(mutated));
    if (!model) {
      EXPECT_NE(llvm::toString(model.takeError()), "");
      ++refused;
      continue;
    }
    for (const Tensor &tensor : model->initializers)
      if (!tensor.file.empty()) {
        EXPECT_LE(tensor.offset + tensor.bytes, mutated.size());
      }
  }
  EXPECT_GT(refused, 5000u);
  EXPECT_LT(refused, 20000u);
}
