// A temporary folder with weights, tokenizer and text for the fake modules, and their command line in-process.
#ifndef QFA_TEST_WORKSPACE_H
#define QFA_TEST_WORKSPACE_H

#include "FakeModule.h"
#include "cli/Machine.h"
#include "cli/Program.h"

#include <filesystem>
#include <gtest/gtest.h>

struct Result {
  int code;
  std::string out, error;
};

class Workspace : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string at(const std::string &name) const { return (folder / name).string(); }
  /// Runs the program of a fake module; its file would be <folder>/fake, its weights lie beside.
  Result run(std::vector<std::string> arguments, const qfa_module_t &module = fake::table);
  /// train with text and tokenizer, and more.
  Result train(const std::string &out, std::vector<std::string> more, const qfa_module_t &module = fake::table);
  void writeText(const std::string &name, const std::string &text);
  std::string read(const std::string &name);
  /// A session on the fake module's weights.
  std::unique_ptr<qfa::rt::Machine> open(int threads = 1);

  std::filesystem::path folder;
  std::optional<qfa::rt::Module> module;
};

/// Text of a small grammar in the tokenizer's alphabet.
std::string fakeText(int sentences, uint64_t seed);

#endif // QFA_TEST_WORKSPACE_H
