// Safetensors: what is written comes back, what is malformed is refused with its reason.
#include "qfa/Format/Safetensors.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace qfa::format;
namespace fs = std::filesystem;

namespace {

class Safetensors : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "qfa-safetensors-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder); }
  std::string at(const char *name) { return folder / name; }

  // The error of opening a file with this header (its size before it, unless given) and so many bytes of data.
  std::string refusal(const std::string &header, size_t dataBytes, std::optional<uint64_t> size = {}) {
    std::ofstream file(at("bad.safetensors"), std::ios::binary);
    uint64_t headerBytes = size.value_or(header.size());
    file.write(reinterpret_cast<char *>(&headerBytes), 8);
    file << header << std::string(dataBytes, '\0');
    file.close();
    SafetensorsReader reader;
    std::string error;
    EXPECT_FALSE(reader.open(at("bad.safetensors"), error));
    EXPECT_EQ(error.find(at("bad.safetensors") + ": "), 0u) << error;
    return error.substr(std::min(error.size(), at("bad.safetensors: ").size()));
  }

  fs::path folder;
};

TEST_F(Safetensors, WritesInAnyOrderAndReadsBack) {
  SafetensorsWriter writer;
  std::string error;
  std::vector<float> weight = {1, -2, 3, 4, 5, 6};
  std::vector<uint8_t> bytes = {9, 8, 7};
  std::vector<int64_t> counts = {-5};
  writer.declare("bytes", DType::U8, {3});
  writer.declare("weight \"quoted\"", DType::F32, {2, 3});
  writer.declare("empty", DType::F16, {0, 7});
  writer.declare("counts", DType::I64, {});
  writer.setMetadata("format", "qfa");
  uint64_t measured = 0;
  ASSERT_TRUE(writer.measure(measured, error)) << error;
  ASSERT_TRUE(writer.open(at("a.safetensors"), error)) << error;
  ASSERT_TRUE(writer.write("counts", counts.data(), 8, error)) << error;
  ASSERT_TRUE(writer.writeAt("weight \"quoted\"", 12, weight.data() + 3, 12, error)) << error;
  ASSERT_TRUE(writer.write("bytes", bytes.data(), 3, error)) << error;
  ASSERT_TRUE(writer.writeAt("weight \"quoted\"", 0, weight.data(), 12, error)) << error;
  EXPECT_FALSE(fs::exists(at("a.safetensors")));
  ASSERT_TRUE(writer.finish(error)) << error;
  EXPECT_FALSE(fs::exists(at("a.safetensors.tmp")));
  EXPECT_EQ(fs::file_size(at("a.safetensors")), measured);

  SafetensorsReader reader;
  ASSERT_TRUE(reader.open(at("a.safetensors"), error)) << error;
  EXPECT_EQ(reader.metadata().at("format"), "qfa");
  ASSERT_EQ(reader.tensors().size(), 4u);
  const TensorView *view = reader.get("weight \"quoted\"", DType::F32, {2, 3}, error);
  ASSERT_TRUE(view) << error;
  EXPECT_TRUE(std::equal(weight.begin(), weight.end(), view->as<float>().begin()));
  EXPECT_EQ(reader.find("counts")->as<int64_t>()[0], -5);
  EXPECT_EQ(reader.find("bytes")->data[2], 7);
  EXPECT_EQ(reader.find("empty")->bytes, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(reader.tensors()[0].data) % 64, 0u);
  for (const TensorView &tensor : reader.tensors())
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % sizeOf(tensor.type), 0u);
  EXPECT_FALSE(reader.get("bytes", DType::F32, {3}, error));
  EXPECT_NE(error.find("tensor 'bytes' is U8 [3], wanted F32 [3]"), std::string::npos) << error;
  EXPECT_FALSE(reader.get("absent", DType::F32, {3}, error));
  EXPECT_NE(error.find("has no tensor 'absent'"), std::string::npos) << error;
}

TEST_F(Safetensors, ReadsEveryFloatTypeAsFloats) {
  SafetensorsWriter writer;
  std::string error;
  uint16_t half = 0x3800, bfloat = 0x3f00;
  float full[2] = {0.25f, 0.5f};
  writer.declare("half", DType::F16, {1});
  writer.declare("bfloat", DType::BF16, {1});
  writer.declare("full", DType::F32, {2});
  ASSERT_TRUE(writer.open(at("a"), error) && writer.write("half", &half, 2, error) &&
              writer.write("bfloat", &bfloat, 2, error) && writer.write("full", full, 8, error) &&
              writer.finish(error));
  SafetensorsReader reader;
  ASSERT_TRUE(reader.open(at("a"), error)) << error;
  for (const char *name : {"half", "bfloat", "full"}) {
    const TensorView *view = reader.find(name);
    float value = 0;
    SafetensorsReader::readFloats(*view, view->count() - 1, 1, &value);
    EXPECT_EQ(value, 0.5f) << name;
  }
}

TEST_F(Safetensors, LeavesNothingBehindWhenWritingFails) {
  std::string error;
  float value = 1;
  {
    SafetensorsWriter writer;
    writer.declare("a", DType::F32, {2});
    ASSERT_TRUE(writer.open(at("a"), error));
    EXPECT_TRUE(fs::exists(at("a.tmp")));
    EXPECT_FALSE(writer.write("a", &value, 4, error));
    EXPECT_NE(error.find("tensor 'a' got 4 bytes, wanted 8"), std::string::npos) << error;
    EXPECT_FALSE(fs::exists(at("a.tmp")));
  }
  {
    SafetensorsWriter writer;
    writer.declare("a", DType::F32, {2});
    ASSERT_TRUE(writer.open(at("a"), error));
    ASSERT_TRUE(writer.writeAt("a", 4, &value, 4, error));
    EXPECT_FALSE(writer.finish(error));
    EXPECT_NE(error.find("tensor 'a' got 4 of 8 bytes"), std::string::npos) << error;
  }
  {
    SafetensorsWriter abandoned;
    abandoned.declare("a", DType::F32, {2});
    ASSERT_TRUE(abandoned.open(at("a"), error));
    EXPECT_FALSE(abandoned.write("b", &value, 4, error));
    EXPECT_NE(error.find("tensor 'b' was not declared"), std::string::npos) << error;
  }
  {
    SafetensorsWriter abandoned;
    ASSERT_TRUE(abandoned.open(at("a"), error));
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(Safetensors, KeepsTheOldFileUntilTheNewOneIsWhole) {
  std::string error;
  std::ofstream(at("a")) << "old";
  SafetensorsWriter writer;
  writer.declare("a", DType::F32, {2});
  ASSERT_TRUE(writer.open(at("a"), error));
  writer.abandon();
  EXPECT_EQ(fs::file_size(at("a")), 3u);
}

TEST_F(Safetensors, RefusesToWriteWhatCannotBe) {
  std::string error;
  SafetensorsWriter twice, large, full, nowhere;
  twice.declare("a", DType::F32, {2});
  twice.declare("a", DType::F32, {2});
  EXPECT_FALSE(twice.open(at("a"), error));
  EXPECT_NE(error.find("tensor 'a' is declared twice"), std::string::npos) << error;
  large.declare("a", DType::F32, {int64_t(1) << 40, int64_t(1) << 40});
  EXPECT_FALSE(large.open(at("a"), error));
  EXPECT_NE(error.find("too large"), std::string::npos) << error;
  full.declare("a", DType::U8, {int64_t(1) << 60});
  EXPECT_FALSE(full.open(at("a"), error));
  EXPECT_NE(error.find("bytes"), std::string::npos) << error;
  EXPECT_FALSE(nowhere.open(at("no/such/folder"), error));
  EXPECT_NE(error.find("No such file"), std::string::npos) << error;
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(Safetensors, StaysWithinTheFileWhateverByteIsWrong) {
  std::string error, path = at("a");
  std::vector<float> values(6, 1);
  SafetensorsWriter writer;
  writer.declare("a", DType::F32, {2, 2});
  writer.declare("b", DType::F32, {2});
  ASSERT_TRUE(writer.open(path, error) && writer.write("a", values.data(), 16, error) &&
              writer.write("b", values.data(), 8, error) && writer.finish(error));
  std::ifstream file(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (size_t at = 0; at < whole.size() - 24; ++at)
    for (char flip : {1, 16, 64}) {
      std::string broken = whole;
      broken[at] ^= flip;
      std::ofstream(path, std::ios::binary) << broken;
      SafetensorsReader reader;
      if (!reader.open(path, error))
        continue;
      for (const TensorView &view : reader.tensors()) { // a byte beyond the map would be a fault
        uint64_t product = sizeOf(view.type);
        for (int64_t size : view.shape)
          product *= size;
        ASSERT_EQ(product, view.bytes);
        ASSERT_LE(view.bytes, 24u);
        volatile uint8_t last = view.bytes ? view.data[view.bytes - 1] : 0;
        (void)last;
      }
    }
}

TEST_F(Safetensors, RefusesMalformedFiles) {
  auto has = [](const std::string &text, const char *part) { return text.find(part) != std::string::npos ? "" : text; };
  std::string ok = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(has(refusal(ok, 4), "lies at bytes 0 to 8, the file has 4"), "");
  EXPECT_EQ(has(refusal(ok, 12), "has 12 bytes of data, its tensors 8"), "");
  EXPECT_EQ(has(refusal(ok, 8, 1000), "says its header has 1000 bytes"), "");
  EXPECT_EQ(has(refusal(ok, 8, UINT64_MAX), "says its header has"), "");
  EXPECT_EQ(has(refusal(ok, 8, ok.size() - 3), "not a JSON object"), "");
  EXPECT_EQ(has(refusal("[]", 0), "not a JSON object"), "");
  EXPECT_EQ(has(refusal(std::string(100000, '['), 0), "not a JSON object"), "");
  EXPECT_EQ(has(refusal(R"({"a":3})", 0), "lacks dtype"), "");
  EXPECT_EQ(has(refusal(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8), "element type \"F64\""), "");
  EXPECT_EQ(has(refusal(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), "wanted lists of numbers"),
            "");
  EXPECT_EQ(has(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8), "has 8 bytes, wanted 12"), "");
  EXPECT_EQ(has(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8),
                "which is too large"),
            "");
  EXPECT_EQ(has(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), "lies at bytes 8 to 0"), "");
  std::string entry = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_EQ(has(refusal("{" + entry + "," + entry + "}", 4), "tensor 'a' comes twice"), "");
  EXPECT_EQ(has(refusal("{" + entry + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6),
                "tensor 'b' begins at byte 2, wanted 4"),
            "");
  EXPECT_EQ(has(refusal("{" + entry + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})", 9),
                "tensor 'b' begins at byte 5, wanted 4"),
            "");
  std::string error;
  SafetensorsReader reader;
  EXPECT_FALSE(reader.open(at("absent"), error));
  EXPECT_NE(error.find("No such file"), std::string::npos);
  std::ofstream(at("short")) << "1234";
  EXPECT_FALSE(reader.open(at("short"), error));
  EXPECT_NE(error.find("is truncated: 4 bytes"), std::string::npos);
  EXPECT_FALSE(reader.open(folder, error));
  EXPECT_NE(error.find("not a regular file"), std::string::npos);
}

} // namespace
