// Runs the instructions of a regular expression, with a stack of its own for the choices to come back to.
#include "text/Regex.h"

#include "text/Utf8.h"

namespace qfa::rt {
namespace {

/// Go on at pc with any position from high down to low, code point by code point.
struct Choice {
  int32_t pc;
  size_t low, high;
};

} // namespace

std::optional<size_t> Regex::run(std::string_view text, size_t pos, int32_t start) const {
  Choice inlineChoices[24]; // patterns rarely need more, and matching happens once per word
  std::vector<Choice> moreChoices;
  size_t count = 0;
  auto push = [&](Choice choice) {
    if (count < std::size(inlineChoices))
      inlineChoices[count] = choice;
    else
      moreChoices.push_back(choice);
    ++count;
  };
  auto pop = [&] {
    if (--count < std::size(inlineChoices))
      return inlineChoices[count];
    Choice last = moreChoices.back();
    moreChoices.pop_back();
    return last;
  };

  for (int32_t pc = start;;) {
    const Instruction &now = program[pc];
    bool alive = true;
    switch (now.kind) {
    case Instruction::Match:
      return pos;
    case Instruction::Set: {
      alive = pos < text.size() && sets[now.set].contains(nextCodePoint(text, pos));
      ++pc;
      break;
    }
    case Instruction::Repeat: {
      const CharacterSet &set = sets[now.set];
      size_t low = pos;
      uint32_t taken = 0;
      while (taken < now.most && pos < text.size()) {
        size_t next = pos;
        if (!set.contains(nextCodePoint(text, next)))
          break;
        pos = next;
        if (++taken == now.least)
          low = pos;
      }
      alive = taken >= now.least;
      ++pc;
      if (alive && pos > low && !now.possessive)
        push({pc, low, previousCodePoint(text, pos)});
      break;
    }
    case Instruction::Split:
      push({now.other, pos, pos});
      pc = now.target;
      break;
    case Instruction::Jump:
      pc = now.target;
      break;
    case Instruction::Look:
      alive = run(text, pos, pc + 1).has_value() != now.negative;
      pc = now.target;
      break;
    }
    if (alive)
      continue;
    if (count == 0)
      return std::nullopt;
    Choice choice = pop();
    pc = choice.pc;
    pos = choice.high;
    if (choice.high > choice.low)
      push({choice.pc, choice.low, previousCodePoint(text, choice.high)});
  }
}

std::optional<size_t> Regex::matchAt(std::string_view text, size_t pos) const { return run(text, pos, 0); }

std::optional<std::pair<size_t, size_t>> Regex::search(std::string_view text, size_t pos) const {
  for (;; nextCodePoint(text, pos)) {
    if (auto end = run(text, pos, 0))
      return std::pair{pos, *end};
    if (pos == text.size())
      return std::nullopt;
  }
}

} // namespace qfa::rt
