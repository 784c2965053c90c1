// The kinds of tokenizer, for openTokenizer only. Each takes the bytes of its file; errors do not name the file.
#ifndef QFA_RUNTIME_TEXT_TOKENIZERKINDS_H
#define QFA_RUNTIME_TEXT_TOKENIZERKINDS_H

#include <memory>

#include "text/Tokenizer.h"

namespace qfa::rt {

/// A Hugging Face tokenizer.json. folder: where tokenizer_config.json may stand, which names BOS and EOS.
std::unique_ptr<Tokenizer> makeJsonTokenizer(std::string_view content, const std::filesystem::path &folder);

/// A sentencepiece model (serialized protobuf).
std::unique_ptr<Tokenizer> makeSentencePieceTokenizer(std::string_view content);

/// A llama2.c tokenizer; null where content is not exactly a list of scored pieces.
std::unique_ptr<Tokenizer> makeLlama2cTokenizer(std::string_view content);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_TOKENIZERKINDS_H
