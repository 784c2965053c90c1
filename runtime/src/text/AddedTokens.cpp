// Finds added tokens in text.
#include "text/AddedTokens.h"

#include <algorithm>

#include "text/Unicode.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

bool endsWithWord(std::string_view text) {
  if (text.empty())
    return false;
  size_t pos = previousCodePoint(text, text.size());
  return isWordCharacter(nextCodePoint(text, pos));
}

bool startsWithWord(std::string_view text) {
  size_t pos = 0;
  return !text.empty() && isWordCharacter(nextCodePoint(text, pos));
}

size_t spaceAtStart(std::string_view text) {
  size_t end = 0;
  for (size_t pos = 0; pos < text.size(); end = pos)
    if (!isSpace(nextCodePoint(text, pos)))
      break;
  return end;
}

/// Where the white space at the end of text begins.
size_t spaceAtEnd(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0) {
    size_t previous = previousCodePoint(text, begin), pos = previous;
    if (!isSpace(nextCodePoint(text, pos)))
      break;
    begin = previous;
  }
  return begin;
}

} // namespace

void AddedTokenFinder::add(const AddedToken &token) {
  if (token.text.empty())
    return;
  unsigned char first = token.text[0];
  auto &indices = byFirst[first];
  if (indices.empty())
    firstBytes.push_back(token.text[0]);
  auto place =
      std::find_if(indices.begin(), indices.end(), [&](int i) { return tokens[i].text.size() < token.text.size(); });
  indices.insert(place, static_cast<int>(tokens.size()));
  tokens.push_back(token);
}

const AddedToken *AddedTokenFinder::longestAt(std::string_view text, size_t pos) const {
  for (int index : byFirst.at(text[pos]))
    if (text.substr(pos).starts_with(tokens[index].text))
      return &tokens[index];
  return nullptr;
}

std::vector<AddedTokenFinder::Part> AddedTokenFinder::split(std::string_view text) const {
  std::vector<Part> parts;
  size_t done = 0; // everything before is in parts
  auto add = [&](size_t begin, size_t end, int32_t id) {
    if (begin < end)
      parts.push_back({text.substr(begin, end - begin), id});
  };
  for (size_t pos = text.find_first_of(firstBytes); pos != text.npos; pos = text.find_first_of(firstBytes, pos)) {
    const AddedToken *token = longestAt(text, pos);
    if (!token) {
      ++pos;
      continue;
    }
    size_t begin = pos, end = pos + token->text.size();
    pos = end; // also for a match that is not taken: matches never overlap
    if (token->singleWord && (endsWithWord(text.substr(0, begin)) || startsWithWord(text.substr(end))))
      continue;
    if (token->lstrip)
      begin = std::max(spaceAtEnd(text.substr(0, begin)), done);
    if (token->rstrip)
      end += spaceAtStart(text.substr(end));
    add(done, begin, -1);
    add(begin, end, token->id);
    done = end;
  }
  add(done, text.size(), -1);
  return parts;
}

} // namespace qfa::rt
