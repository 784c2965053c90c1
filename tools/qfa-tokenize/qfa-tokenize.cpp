// qfa-tokenize: the ids of texts as JSON lines, and texts of ids, to check a tokenizer file.
#include <fstream>
#include <iostream>
#include <iterator>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Tokenizer.h"

using namespace qfa::rt;
using nlohmann::json;

namespace {

std::string readAll(const std::string &path) {
  if (path == "-")
    return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail("file '{}' cannot be opened", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Calls take with each line of each file.
template <typename Take>
void forEachLine(const std::vector<std::string> &paths, Take &&take) {
  for (const std::string &path : paths) {
    std::istringstream lines(readAll(path));
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number)
      try {
        take(line);
      } catch (const json::exception &error) {
        fail("{}:{}: {}", path, number, error.what());
      }
  }
}

json describe(const Tokenizer &tokenizer) {
  json special = json::array();
  for (const auto &token : tokenizer.specialTokens())
    special.push_back({{"id", token.id}, {"text", token.text}});
  auto optional = [](std::optional<int32_t> id) { return id ? json(*id) : json(); };
  return {{"vocab_size", tokenizer.vocabSize()}, {"bos", optional(tokenizer.bosId())},
          {"eos", optional(tokenizer.eosId())},  {"adds_bos", tokenizer.addsBos()},
          {"stop", tokenizer.stopIds()},         {"special", special}};
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Prints the ids of texts as JSON lines, or the texts of ids.", "qfa-tokenize");
  std::string tokenizerPath;
  std::vector<std::string> paths;
  bool info = false, decode = false, strings = false, lines = false, bare = false;
  app.add_option("tokenizer", tokenizerPath, "tokenizer.json, sentencepiece .model or llama2.c .bin")->required();
  app.add_option("files", paths, "texts; - or none is standard input");
  app.add_flag("--info", info, "print vocabulary size and special tokens as JSON, and read no text");
  app.add_flag("--decode", decode, "lines of the input are JSON arrays of ids; print their texts as JSON strings");
  app.add_flag("--json-strings", strings,
               "lines of the input are JSON strings, each a text (default: a file is a text)");
  app.add_flag("--lines", lines, "lines of the input are texts");
  app.add_flag("--no-special", bare,
               "without the tokens that the tokenizer puts around a text; --decode: keep special tokens");
  CLI11_PARSE(app, argc, argv);
  try {
    auto tokenizer = openTokenizer(tokenizerPath);
    if (paths.empty())
      paths = {"-"};
    auto print = [&](std::string_view text) { std::cout << json(tokenizer->encode(text, !bare)).dump() << "\n"; };
    if (info)
      std::cout << describe(*tokenizer).dump(2) << "\n";
    else if (decode)
      forEachLine(paths, [&](const std::string &line) {
        std::vector<int32_t> ids = json::parse(line);
        std::cout << json(tokenizer->decode(ids, !bare)).dump() << "\n";
      });
    else if (strings)
      forEachLine(paths, [&](const std::string &line) { print(json::parse(line).get<std::string>()); });
    else if (lines)
      forEachLine(paths, print);
    else
      for (const std::string &path : paths)
        print(readAll(path));
  } catch (const std::exception &error) {
    std::cerr << "qfa-tokenize: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
