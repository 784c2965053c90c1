// Budgets: what users write, and bytes that equal those of a file.
#include "Workspace.h"

#include "qfa/Format/Safetensors.h"
#include "search/Budget.h"
#include "support/Error.h"

using namespace qfa;
using namespace qfa::rt;

TEST(Budget, ReadsWhatUsersWrite) {
  EXPECT_EQ(parseBudget("2.5bpw").unit, Budget::Unit::BitsPerWeight);
  EXPECT_EQ(parseBudget("2.5bpw").limit, 2.5);
  EXPECT_EQ(parseBudget("400KiB").limit, 400 * 1024);
  EXPECT_EQ(parseBudget("1.5MB").limit, 1500000);
  EXPECT_EQ(parseBudget("2MiB").limit, 2 * 1048576);
  EXPECT_EQ(parseBudget("123456").limit, 123456);
  EXPECT_EQ(parseBudget("1GiB").unit, Budget::Unit::Bytes);
}

TEST(Budget, RefusesOtherTexts) {
  for (std::string text : {"", "much", "-3bpw", "0", "3 apples", "nan", "inf", "2.5 bpw"})
    try {
      parseBudget(text);
      ADD_FAILURE() << text;
    } catch (const Error &error) {
      EXPECT_EQ(error.what(), "budget '" + text + "', wanted mean bits (2.5bpw) or bytes (400KiB, 1.2MB, 123456)");
    }
}

class DeployedBytesTest : public Workspace {};

// The reference is a file with the tensors that extraction writes.
TEST_F(DeployedBytesTest, EqualsTheFile) {
  for (Configuration configuration : {Configuration{8, 2, 2}, {8, 3, 4}, {8, 4, 2}}) {
    format::SafetensorsWriter writer;
    std::vector<std::pair<std::string, uint64_t>> tensors;
    auto declare = [&](std::string name, format::DType type, std::vector<int64_t> shape) {
      uint64_t bytes = format::sizeOf(type);
      for (int64_t size : shape)
        bytes *= size;
      tensors.emplace_back(name, bytes);
      writer.declare(name, type, shape);
    };
    struct {
      const char *name;
      int64_t blocks, in;
    } linears[] = {{"model.embed_tokens", 1, 16}, {"model.layers.0.mlp", 1, 16}, {"model.layers.1.mlp", 1, 16}};
    for (int i = 0; i < 3; ++i) {
      std::string prefix = std::string(linears[i].name) + ".b" + std::to_string(configuration[i]) + ".";
      declare(prefix + "codes", format::DType::U32, {linears[i].blocks, 16, configuration[i]});
      declare(prefix + "scales", format::DType::F16, {linears[i].blocks, 2, 32});
      declare(prefix + "zeros", format::DType::F16, {linears[i].blocks, 2, 32});
    }
    declare("model.norm.weight", format::DType::F32, {16});
    std::string error;
    ASSERT_TRUE(writer.open(at("subnet.safetensors"), error)) << error;
    for (const auto &[name, bytes] : tensors)
      ASSERT_TRUE(writer.write(name, std::string(bytes, 0).data(), bytes, error)) << error;
    ASSERT_TRUE(writer.finish(error)) << error;

    DeployedBytes bytes = deployedBytes(*module, configuration);
    EXPECT_EQ(bytes.total, std::filesystem::file_size(at("subnet.safetensors")));
    EXPECT_EQ(bytes.codes, uint64_t(16 * 4 * (configuration[1] + configuration[2])));
    EXPECT_EQ(bytes.scales, 2u * 64 * 2);
    EXPECT_EQ(bytes.parameters, 64u);
    EXPECT_EQ(bytes.codes + bytes.scales + bytes.zeros + bytes.vocabulary + bytes.parameters + bytes.header,
              bytes.total);
  }
}

// W1 has 256 weights, W2 512; the embedding does not count.
TEST_F(DeployedBytesTest, MeanBitsWeighsBySize) {
  EXPECT_DOUBLE_EQ(module->meanBits({8, 2, 2}), 2);
  EXPECT_DOUBLE_EQ(module->meanBits({8, 3, 4}), (3 * 256 + 4 * 512) / 768.0);
  EXPECT_DOUBLE_EQ(parseBudget("3bpw").cost(*module, {8, 4, 2}), (4 * 256 + 2 * 512) / 768.0);
}
