// Reads the vocabulary and the merges of a tokenizer.json, and encodes words with them.
#include "text/BpeModel.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

using nlohmann::json;

constexpr size_t kLongestCachedWord = 48, kMostCachedIds = 1 << 20;

/// byte of each character of the byte-level alphabet: printable Latin-1 stands for itself, the other 68 bytes follow at
/// U+0100.
const int16_t *byteLevelAlphabet() {
  static const auto table = [] {
    std::array<int16_t, 0x144> bytes;
    bytes.fill(-1);
    int next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      bytes[printable ? byte : next++] = static_cast<int16_t>(byte);
    }
    return bytes;
  }();
  return table.data();
}

std::string optionalString(const json &description, const char *key) {
  auto found = description.find(key);
  return found == description.end() || found->is_null() ? "" : found->get<std::string>();
}

} // namespace

bool bytesOfByteLevel(std::string_view text, std::string &bytes) {
  bytes.clear();
  for (size_t pos = 0; pos < text.size();) {
    char32_t c = nextCodePoint(text, pos);
    int16_t byte = c < 0x144 ? byteLevelAlphabet()[c] : -1;
    if (byte < 0)
      return false;
    bytes.push_back(static_cast<char>(byte));
  }
  return true;
}

BpeModel::BpeModel(const json &description, bool byteLevel) : byteLevel(byteLevel) {
  std::string type = description.value("type", "BPE");
  if (type != "BPE")
    fail("model of type '{}' is not supported, only BPE", type);
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (std::string value = optionalString(description, key); !value.empty())
      fail("model: {} '{}' is not supported, wanted none", key, value);
  if (auto dropout = description.find("dropout"); dropout != description.end() && dropout->is_number() && *dropout != 0)
    fail("model: dropout {} is not supported, wanted none", dropout->dump());
  byteFallback = description.value("byte_fallback", false);
  fuseUnknown = description.value("fuse_unk", false);
  ignoreMerges = description.value("ignore_merges", false);
  std::string bytes;
  for (auto &[name, id] : description.at("vocab").items()) {
    int64_t value = id.get<int64_t>();
    if (value < 0 || value >= kMostIds)
      fail("model: piece '{}' has id {}, wanted 0 to {}", name, value, kMostIds - 1);
    names.emplace(name, static_cast<int32_t>(value));
    if (byteLevel && bytesOfByteLevel(name, bytes))
      byBytes.emplace(bytes, static_cast<int32_t>(value));
  }
  for (int byte = 0; byte < 256; ++byte) {
    auto code = names.find(fmt::format("<0x{:02X}>", byte));
    byteIds[byte] = byteLevel ? find(std::string(1, static_cast<char>(byte))) : code == names.end() ? -1 : code->second;
  }
  if (std::string name = optionalString(description, "unk_token"); !name.empty()) {
    auto found = names.find(name);
    if (found == names.end())
      fail("model: unk_token '{}' is not in the vocabulary", name);
    unknown = found->second;
  }
  readMerges(description.at("merges"));
}

void BpeModel::readMerges(const json &list) {
  uint32_t rank = 0;
  for (const json &merge : list) {
    // Written as "left right", or newer as [left, right].
    std::string left, right;
    if (merge.is_array() && merge.size() == 2) {
      left = merge[0], right = merge[1];
    } else if (std::string text = merge; text.find(' ') != text.npos && text.find(' ') == text.rfind(' ')) {
      left = text.substr(0, text.find(' ')), right = text.substr(text.find(' ') + 1);
    } else {
      fail("model: merge {} '{}' is not two pieces", rank, text);
    }
    auto idOf = [&](const std::string &piece) {
      auto found = names.find(piece);
      if (found == names.end())
        fail("model: merge {} of '{}' and '{}': '{}' is not in the vocabulary", rank, left, right, piece);
      return found->second;
    };
    merges.add(idOf(left), idOf(right), rank, idOf(left + right));
    ++rank;
  }
}

int32_t BpeModel::find(std::string_view piece) const {
  const auto &map = byteLevel ? byBytes : names;
  auto found = map.find(piece);
  return found == map.end() ? -1 : found->second;
}

/// symbols: the ids of the word, before and then after merging.
void BpeModel::encodeWord(std::string_view word, std::vector<int32_t> &symbols) const {
  symbols.clear();
  if (ignoreMerges)
    if (int32_t whole = find(word); whole >= 0)
      return symbols.push_back(whole);
  bool pendingUnknown = false; // is put when the next known character comes, so that a run can become one
  for (size_t pos = 0; pos < word.size();) {
    size_t begin = pos;
    byteLevel ? void(++pos) : void(nextCodePoint(word, pos));
    std::string_view character = word.substr(begin, pos - begin);
    int32_t id = byteLevel ? byteIds[static_cast<unsigned char>(word[begin])] : find(character);
    if (id >= 0) {
      if (pendingUnknown)
        symbols.push_back(unknown);
      pendingUnknown = false;
      symbols.push_back(id);
      continue;
    }
    if (byteFallback && !byteLevel &&
        std::all_of(character.begin(), character.end(), [&](unsigned char byte) { return byteIds[byte] >= 0; })) {
      for (unsigned char byte : character)
        symbols.push_back(byteIds[byte]);
      continue;
    }
    if (unknown < 0) // such a character vanishes
      continue;
    if (pendingUnknown && !fuseUnknown)
      symbols.push_back(unknown);
    pendingUnknown = true;
  }
  if (pendingUnknown)
    symbols.push_back(unknown);
  merges.apply(symbols);
}

void BpeModel::encode(const std::vector<std::string_view> &words, std::vector<int32_t> &ids) const {
  std::unique_ptr<Cache> cache;
  {
    std::lock_guard<std::mutex> lock(idleLock);
    if (!idle.empty()) {
      cache = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!cache)
    cache = std::make_unique<Cache>();
  std::vector<int32_t> symbols;
  for (std::string_view word : words) {
    if (auto found = cache->words.find(word); found != cache->words.end()) {
      auto begin = cache->ids.begin() + found->second.begin;
      ids.insert(ids.end(), begin, begin + found->second.count);
      continue;
    }
    encodeWord(word, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    if (word.size() > kLongestCachedWord)
      continue;
    if (cache->ids.size() > kMostCachedIds)
      *cache = {};
    cache->words.emplace(word,
                         Cache::Entry{static_cast<uint32_t>(cache->ids.size()), static_cast<uint32_t>(symbols.size())});
    cache->ids.insert(cache->ids.end(), symbols.begin(), symbols.end());
  }
  std::lock_guard<std::mutex> lock(idleLock);
  idle.push_back(std::move(cache));
}

} // namespace qfa::rt
