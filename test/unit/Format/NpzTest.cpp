// Archives that NumPy wrote, archives of ours, and what is refused. Inputs: written by numpy 1 and 2 alike.
#include "qfa/Format/Npz.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace qfa::format;
namespace fs = std::filesystem;

namespace {

const std::string inputs = QFA_SOURCE_DIR "/test/unit/Format/Inputs/";

struct TemporaryFile {
  fs::path path = fs::temp_directory_path() / ("qfa-npz-" + std::to_string(getpid()));
  ~TemporaryFile() { fs::remove(path); }
};

std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Npz, ReadsDeflatedArraysOfEveryKind) {
  Arrays arrays;
  std::string error;
  ASSERT_TRUE(readNpz(inputs + "deflated.npz", arrays, error)) << error;
  ASSERT_EQ(arrays.size(), 5u);
  EXPECT_EQ(arrays["ids"].shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(arrays["ids"].values, (std::vector<double>{1, 2, 3, -4}));
  EXPECT_TRUE(arrays["ids"].integral);
  EXPECT_EQ(arrays["half"].values, (std::vector<double>{0.5, -2}));
  EXPECT_FALSE(arrays["half"].integral);
  EXPECT_EQ(arrays["turned"].shape, (std::vector<int64_t>{3, 2})); // in Fortran order
  EXPECT_EQ(arrays["turned"].values, (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(arrays["flag"].shape.empty());
  EXPECT_EQ(arrays["flag"].values, std::vector<double>{1});
  EXPECT_EQ(arrays["zeros"].values, std::vector<double>(2000));
}

TEST(Npz, ReadsStoredArrays) {
  Arrays arrays;
  std::string error;
  ASSERT_TRUE(readNpz(inputs + "stored.npz", arrays, error)) << error;
  EXPECT_EQ(arrays["logits"].values, (std::vector<double>{0.1, 1e-30}));
  EXPECT_EQ(arrays["bytes"].values, (std::vector<double>{0, 1, 2}));
}

TEST(Npz, ReadsWhatItWrites) {
  TemporaryFile file;
  std::string error;
  Arrays written = {{"a", {{2, 1}, false, {1.5, 0.1}}}, {"b", {{}, true, {7}}}, {"c", {{0, 3}, false, {}}}}, read;
  ASSERT_TRUE(writeNpz(file.path, written, /*wide=*/true, error)) << error;
  ASSERT_TRUE(readNpz(file.path, read, error)) << error;
  ASSERT_EQ(read.size(), 3u);
  for (auto &[name, array] : written) {
    EXPECT_EQ(read[name].shape, array.shape);
    EXPECT_EQ(read[name].values, array.values);
    EXPECT_EQ(read[name].integral, array.integral);
  }
  ASSERT_TRUE(writeNpz(file.path, written, /*wide=*/false, error) && readNpz(file.path, read, error)) << error;
  EXPECT_EQ(read["a"].values[1], 0.1f);
  EXPECT_FALSE(writeNpz("/no/such/folder/a.npz", written, false, error));
  EXPECT_NE(error.find("No such file"), std::string::npos) << error;
}

TEST(Npz, SurvivesEveryTruncationAndFlippedByte) {
  TemporaryFile file;
  std::string whole = contentOf(inputs + "stored.npz"), error;
  Arrays arrays;
  for (size_t size = 0; size < whole.size(); size += 7) {
    std::ofstream(file.path, std::ios::binary) << whole.substr(0, size);
    EXPECT_FALSE(readNpz(file.path, arrays, error)) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) { // no crash; what is read is still what was written
    std::string broken = whole;
    broken[at] ^= 0x55;
    std::ofstream(file.path, std::ios::binary) << broken;
    if (readNpz(file.path, arrays, error) && arrays.count("logits"))
      EXPECT_EQ(arrays["logits"].values, (std::vector<double>{0.1, 1e-30})) << at;
  }
}

TEST(Npz, SaysWhyItRefuses) {
  Array array;
  Arrays arrays;
  std::string error;
  EXPECT_FALSE(readNpy(inputs + "text.npy", array, error));
  EXPECT_NE(error.find("has element type '<U2'"), std::string::npos) << error;
  EXPECT_FALSE(readNpz(inputs + "text.npy", arrays, error));
  EXPECT_NE(error.find("is not a .npz archive"), std::string::npos) << error;
  EXPECT_FALSE(readNpy(inputs + "stored.npz", array, error));
  EXPECT_NE(error.find("is not a .npy array"), std::string::npos) << error;
  TemporaryFile file;
  std::string broken = contentOf(inputs + "stored.npz");
  broken[broken.find("\x93NUMPY") + 130] ^= 1; // a byte of the numbers
  std::ofstream(file.path, std::ios::binary) << broken;
  EXPECT_FALSE(readNpz(file.path, arrays, error));
  EXPECT_NE(error.find("has another checksum"), std::string::npos) << error;
}

} // namespace
