// Writes what the fake modules need.
#include "Workspace.h"

#include "qfa/Format/Safetensors.h"
#include "support/Random.h"

#include <cstring>
#include <fstream>
#include <sstream>

using namespace qfa;
using qfa::rt::randomUniform;

std::string fakeText(int sentences, uint64_t seed) {
  const char *who[] = {"anna", "ben", "the cat", "a fox"}, *does[] = {"sees", "likes", "finds"},
             *what[] = {"the moon", "a red ball", "some water", "old bread", "home"};
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    auto pick = [&](auto &list, int index) {
      return std::string(list[static_cast<size_t>(randomUniform(seed, i, index) * std::size(list))]);
    };
    text += pick(who, 0) + " " + pick(does, 1) + " " + pick(what, 2) + (i % 4 == 3 ? ".\n" : ". ");
  }
  return text;
}

static void writeWeights(const std::string &path, const qfa_module_t &module) {
  format::SafetensorsWriter writer;
  std::string error;
  for (int64_t i = 0; i < module.parameter_count; ++i)
    writer.declare(module.parameters[i].name, format::DType::F32, rt::Module::shape(module.parameters[i]));
  ASSERT_TRUE(writer.open(path, error)) << error;
  for (int64_t i = 0; i < module.parameter_count; ++i) {
    std::vector<float> values(rt::Module::elements(module.parameters[i]));
    for (size_t k = 0; k < values.size(); ++k)
      values[k] = static_cast<float>(randomUniform(7, i, k)) - (module.parameters[i].rank == 1 ? -0.5f : 0.5f);
    ASSERT_TRUE(writer.write(module.parameters[i].name, values.data(), values.size() * 4, error)) << error;
  }
  ASSERT_TRUE(writer.finish(error)) << error;
}

// llama2.c's format: three special pieces, then one per character.
static void writeTokenizer(const std::string &path) {
  std::ofstream file(path, std::ios::binary);
  auto put = [&](auto value) { file.write(reinterpret_cast<const char *>(&value), sizeof value); };
  put(int32_t(5));
  for (std::string piece : {"<unk>", "<s>", "</s>", " ", ".", "\n", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                            "k",     "l",   "m",    "n", "o", "p",  "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"}) {
    put(0.0f);
    put(static_cast<int32_t>(piece.size()));
    file << piece;
  }
}

void Workspace::SetUp() {
  std::string pattern = std::filesystem::temp_directory_path() / "qfa-runtime-XXXXXX";
  folder = mkdtemp(pattern.data());
  module.emplace(fake::table);
  writeWeights(at("fake.safetensors"), fake::table);
  writeWeights(at("bigram.safetensors"), fake::dense);
  writeTokenizer(at("tok.bin"));
  writeText("text.txt", fakeText(200, 1));
  fake::poisonFrom = fake::poisonTo = fake::trainCalls = 0;
}

void Workspace::writeText(const std::string &name, const std::string &text) {
  std::ofstream(folder / name, std::ios::binary) << text;
}

std::string Workspace::read(const std::string &name) {
  std::ostringstream text;
  text << std::ifstream(folder / name, std::ios::binary).rdbuf();
  return text.str();
}

Result Workspace::run(std::vector<std::string> arguments, const qfa_module_t &module) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int code = rt::runProgram(module, at(module.mode == QFA_MODE_DENSE ? "bigram" : "fake"), std::move(arguments));
  std::string out = testing::internal::GetCapturedStdout();
  return {code, out, testing::internal::GetCapturedStderr()};
}

Result Workspace::train(const std::string &out, std::vector<std::string> more, const qfa_module_t &module) {
  std::vector<std::string> arguments = {"train", "--threads=1", "--tokenizer", at("tok.bin"),
                                        "--out", at(out),       "--data",      at("text.txt")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments, module);
}

std::unique_ptr<rt::Machine> Workspace::open(int threads) {
  rt::Program program{*module, at("fake")};
  rt::MachineOptions options;
  options.threads = threads;
  return std::make_unique<rt::Machine>(program, options, rt::SessionSources{at("fake.safetensors"), ""}, 3);
}
