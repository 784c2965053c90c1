// Training text on disk: finds files, tells their format by their content, and reads documents one after another.
//
//   plain text   documents are separated by lines that hold nothing but a separator
//   JSON lines   one object a line: {"prompt", "completion"}, {"text"}, or an Alpaca row
//   Alpaca JSON  [{"instruction", "input", "output"}, ...]
#ifndef QFA_RUNTIME_TEXT_DOCUMENTS_H
#define QFA_RUNTIME_TEXT_DOCUMENTS_H

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace qfa::rt {

struct Document {
  std::string prompt; ///< read by the model, not learned
  std::string text;   ///< follows the prompt directly
};

/// Files, folders (the .txt, .text, .json and .jsonl files below, hidden ones left out) and patterns with * ? [ ], each
/// sorted by name. Throws Error for a name that stands for no file.
std::vector<std::filesystem::path> findDataFiles(const std::vector<std::string> &names);

/// Calls take with each document that is not empty. Returns whether the file is plain text. Throws Error with file and
/// line for invalid JSON and rows without the keys, with the offset for invalid UTF-8, and for a file that holds no
/// text.
bool readDocuments(const std::filesystem::path &path, const std::vector<std::string> &separators,
                   const std::function<void(Document)> &take);

/// The prompt of an instruction in the form that Alpaca's models were trained with; input may be empty.
std::string alpacaPrompt(const std::string &instruction, const std::string &input);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_DOCUMENTS_H
