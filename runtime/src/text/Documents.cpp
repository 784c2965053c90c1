// Readers of plain text, JSON lines and Alpaca JSON.
#include "text/Documents.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <glob.h>

#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What a folder may hold beside its data, a description or an archive, should not be trained on.
constexpr const char *kDataEndings[] = {".txt", ".text", ".json", ".jsonl"};

void addFolder(const fs::path &folder, std::vector<fs::path> &files) {
  size_t before = files.size();
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file() && std::find(std::begin(kDataEndings), std::end(kDataEndings),
                                              entry->path().extension()) != std::end(kDataEndings))
      files.push_back(entry->path());
  }
  if (files.size() == before)
    fail("data folder '{}' holds no .txt, .text, .json or .jsonl file", folder.string());
  std::sort(files.begin() + before, files.end());
}

std::string readUtf8(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail("data file '{}' cannot be opened", path.string());
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad())
    fail("data file '{}' cannot be read", path.string());
  if (auto offset = findInvalidUtf8(content))
    fail("data file '{}': invalid UTF-8 at byte {}", path.string(), *offset);
  if (content.starts_with("\xEF\xBB\xBF")) // a byte order mark
    content.erase(0, 3);
  return content;
}

std::string_view trimmed(std::string_view text, const char *what) {
  size_t begin = text.find_first_not_of(what);
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(what) + 1 - begin);
}

/// Calls take(line, number from 1) for each line, without its end.
template <typename Take>
void forEachLine(std::string_view content, Take &&take) {
  for (size_t begin = 0, number = 1; begin < content.size(); ++number) {
    size_t end = std::min(content.find('\n', begin), content.size());
    take(content.substr(begin, end - begin), number);
    begin = end + 1;
  }
}

void readPlainText(std::string_view content, const std::vector<std::string> &separators,
                   const std::function<void(Document)> &take) {
  const char *begin = content.data();
  auto finish = [&](const char *end) {
    std::string_view text = trimmed(std::string_view(begin, end - begin), "\r\n");
    if (!trimmed(text, " \t\r\n").empty())
      take({"", std::string(text)});
  };
  forEachLine(content, [&](std::string_view line, size_t) {
    if (std::find(separators.begin(), separators.end(), trimmed(line, " \t\r")) == separators.end())
      return;
    finish(line.data());
    begin = line.data() + line.size();
  });
  finish(content.data() + content.size());
}

/// where: file and line, or file and row.
Document readRow(const json &row, const std::string &where) {
  if (!row.is_object())
    fail("{}: found {}, wanted an object", where, row.type_name());
  auto text = [&](const char *key) -> std::string {
    const json &value = row[key];
    if (!value.is_string())
      fail("{}: \"{}\" is {}, wanted a string", where, key, value.type_name());
    return value;
  };
  if (row.contains("prompt") && row.contains("completion"))
    return {text("prompt"), text("completion")};
  if (row.contains("text"))
    return {"", text("text")};
  if (row.contains("instruction") && row.contains("output"))
    return {alpacaPrompt(text("instruction"), row.contains("input") ? text("input") : ""), text("output")};
  std::string keys;
  for (auto &[key, value] : row.items())
    keys += (keys.empty() ? "" : ", ") + key;
  fail("{}: found the keys {}; wanted prompt and completion, or text, or instruction and output", where,
       keys.empty() ? "(none)" : keys);
}

json parse(std::string_view content, const std::string &where) {
  try {
    return json::parse(content);
  } catch (const json::parse_error &error) {
    fail("{}: invalid JSON at byte {}", where, error.byte);
  }
}

} // namespace

std::vector<fs::path> findDataFiles(const std::vector<std::string> &names) {
  std::vector<fs::path> files;
  for (const std::string &name : names) {
    if (fs::is_directory(name)) {
      addFolder(name, files);
    } else if (fs::exists(name)) {
      files.push_back(name);
    } else if (name.find_first_of("*?[") == name.npos) {
      fail("data file '{}' does not exist", name);
    } else {
      glob_t found{};
      size_t before = files.size();
      if (glob(name.c_str(), 0, nullptr, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; ++i)
          if (fs::is_regular_file(found.gl_pathv[i]))
            files.push_back(found.gl_pathv[i]);
      globfree(&found);
      if (files.size() == before)
        fail("no data file matches '{}'", name);
    }
  }
  return files;
}

bool readDocuments(const fs::path &path, const std::vector<std::string> &separators,
                   const std::function<void(Document)> &take) {
  std::string content = readUtf8(path);
  std::string_view body = trimmed(content, " \t\r\n");
  size_t count = 0;
  auto counted = [&](Document document) {
    ++count;
    take(std::move(document));
  };
  // Prose may begin with a bracket, but hardly with one that a JSON key or object follows.
  auto opens = [&](char bracket, char next) {
    return body.starts_with(bracket) && trimmed(body.substr(1), " \t\r\n").starts_with(next);
  };
  bool plain = false;
  if (opens('[', '{')) {
    json rows = parse(body, fmt::format("data file '{}'", path.string()));
    for (size_t i = 0; i < rows.size(); ++i)
      counted(readRow(rows[i], fmt::format("data file '{}', row {}", path.string(), i + 1)));
  } else if (opens('{', '"')) {
    forEachLine(content, [&](std::string_view line, size_t number) {
      std::string where = fmt::format("{}:{}", path.string(), number);
      if (!trimmed(line, " \t\r").empty())
        counted(readRow(parse(line, where), where));
    });
  } else if (std::string ending = path.extension().string(); ending == ".json" || ending == ".jsonl") {
    fail("data file '{}' holds neither a list of objects nor an object a line, as its name says", path.string());
  } else {
    plain = true;
    readPlainText(content, separators, counted);
  }
  if (count == 0)
    fail("data file '{}' holds no text", path.string());
  return plain;
}

std::string alpacaPrompt(const std::string &instruction, const std::string &input) {
  // These words are a format: models tuned on Alpaca answer to them.
  std::string head = "Below is an instruction that describes a task";
  std::string tail = "Write a response that appropriately completes the request.\n\n### Instruction:\n" + instruction;
  if (input.empty())
    return head + ". " + tail + "\n\n### Response:";
  return head + ", paired with an input that provides further context. " + tail + "\n\n### Input:\n" + input +
         "\n\n### Response:";
}

} // namespace qfa::rt
