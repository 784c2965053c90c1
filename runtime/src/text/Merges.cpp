// Byte-pair merges: a scan for short words, a heap over a linked list for texts that are one long word.
#include "text/Merges.h"

#include <algorithm>
#include <queue>

namespace qfa::rt {
namespace {

constexpr size_t kShortWord = 32;

uint64_t pairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

size_t slotOf(uint64_t pair, size_t size) {
  uint64_t hash = pair * 0x9E3779B97F4A7C15u;
  return (hash ^ hash >> 32) & (size - 1);
}

} // namespace

void Merges::add(int32_t left, int32_t right, uint32_t rank, int32_t id) {
  auto insert = [&](const Slot &slot) {
    size_t at = slotOf(slot.pair, slots.size());
    while (slots[at].pair != kFree && slots[at].pair != slot.pair)
      at = (at + 1) & (slots.size() - 1);
    count += slots[at].pair == kFree;
    slots[at] = slot;
  };
  if (2 * (count + 1) > slots.size()) {
    std::vector<Slot> old(std::max<size_t>(64, slots.size() * 2));
    old.swap(slots);
    count = 0;
    for (const Slot &slot : old)
      if (slot.pair != kFree)
        insert(slot);
  }
  insert({pairKey(left, right), rank, id});
}

const Merges::Slot *Merges::find(int32_t left, int32_t right) const {
  uint64_t pair = pairKey(left, right);
  for (size_t at = slotOf(pair, slots.size());; at = (at + 1) & (slots.size() - 1)) {
    if (slots[at].pair == pair)
      return &slots[at];
    if (slots[at].pair == kFree)
      return nullptr;
  }
}

void Merges::apply(std::vector<int32_t> &symbols) const {
  if (symbols.size() < 2 || empty())
    return;
  symbols.size() <= kShortWord ? applyShort(symbols) : applyLong(symbols);
}

void Merges::applyShort(std::vector<int32_t> &symbols) const {
  const Slot *joins[kShortWord]; // joins[i]: what symbols i and i+1 become
  size_t n = symbols.size();
  for (size_t i = 0; i + 1 < n; ++i)
    joins[i] = find(symbols[i], symbols[i + 1]);
  while (n > 1) {
    size_t best = n;
    for (size_t i = 0; i + 1 < n; ++i)
      if (joins[i] && (best == n || joins[i]->rank < joins[best]->rank))
        best = i;
    if (best == n)
      break;
    symbols[best] = joins[best]->id;
    std::copy(symbols.begin() + best + 2, symbols.begin() + n, symbols.begin() + best + 1);
    std::copy(joins + best + 1, joins + n - 1, joins + best);
    --n;
    if (best > 0)
      joins[best - 1] = find(symbols[best - 1], symbols[best]);
    if (best + 1 < n)
      joins[best] = find(symbols[best], symbols[best + 1]);
  }
  symbols.resize(n);
}

void Merges::applyLong(std::vector<int32_t> &symbols) const {
  struct Link {
    int32_t previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t place, id;
    bool operator<(const Candidate &other) const { // std::priority_queue takes the largest first
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  constexpr int32_t kGone = -1;
  int32_t n = static_cast<int32_t>(symbols.size());
  std::vector<Link> links(n);
  std::vector<Candidate> first;
  auto candidate = [&](int32_t left, int32_t right, auto &&take) {
    if (const Slot *slot = find(symbols[left], symbols[right]))
      take(Candidate{slot->rank, left, slot->id});
  };
  for (int32_t i = 0; i < n; ++i) {
    links[i] = {i - 1, i + 1};
    if (i + 1 < n)
      candidate(i, i + 1, [&](Candidate found) { first.push_back(found); });
  }
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(first));
  auto push = [&](Candidate found) { queue.push(found); };
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    if (symbols[top.place] == kGone || links[top.place].next == n)
      continue;
    int32_t right = links[top.place].next;
    const Slot *now = find(symbols[top.place], symbols[right]);
    if (!now || now->id != top.id) // a neighbour was joined since
      continue;
    symbols[top.place] = top.id;
    symbols[right] = kGone;
    links[top.place].next = links[right].next;
    if (links[right].next < n)
      links[links[right].next].previous = top.place;
    if (links[top.place].previous >= 0)
      candidate(links[top.place].previous, top.place, push);
    if (links[top.place].next < n)
      candidate(top.place, links[top.place].next, push);
  }
  std::erase(symbols, kGone);
}

} // namespace qfa::rt
