// Prefill and decode, and the choice of a token.
#include "generate/Generator.h"

#include "support/Error.h"
#include "support/Random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qfa::rt;

Generator::Generator(Session &session)
    : session(session), decode(session.module.entry("decode")), prefill(session.module.find("prefill")),
      logits(Module::elements(decode.tensors[decode.input_count])) {
  if (prefill)
    block = prefill->tensors[0].dims[1];
}

std::span<const float> Generator::read(std::span<const int32_t> ids) {
  if (ids.empty())
    fail("nothing to read: the prompt has no tokens");
  if (next + static_cast<int64_t>(ids.size()) > context())
    fail("{} tokens do not fit after {} into a context of {}", ids.size(), next, context());
  for (int32_t id : ids)
    if (id < 0 || id >= session.module.raw.vocabulary)
      fail("token id {} is outside the model's vocabulary of {}", id, session.module.raw.vocabulary);
  for (size_t done = 0; done < ids.size();) {
    int64_t count = std::min<int64_t>(block, ids.size() - done);
    auto position = static_cast<int32_t>(next);
    // A block writes all its positions into the caches, the padding too: it must fit, and pays off from two tokens.
    if (prefill && count > 1 && next + block <= context()) {
      std::vector<int32_t> input(block, 0);
      std::copy_n(ids.begin() + done, count, input.begin());
      auto last = static_cast<int32_t>(count - 1);
      session.run(*prefill, {input.data(), &position, &last, logits.data()});
    } else {
      count = 1;
      int32_t id = ids[done];
      session.run(decode, {&id, &position, logits.data()});
    }
    done += count;
    next += count;
  }
  return logits;
}

void SamplingOptions::validate() const {
  if (!(temperature >= 0))
    fail("--temperature is {}, wanted no negative number", temperature);
  if (topK < 0)
    fail("--top-k is {}, wanted no negative number", topK);
  if (!(topP > 0 && topP <= 1))
    fail("--top-p is {}, wanted a number in (0, 1]", topP);
}

int32_t qfa::rt::chooseToken(std::span<const float> logits, const SamplingOptions &options, int64_t number) {
  for (float logit : logits)
    if (std::isnan(logit))
      fail("the model's logits are not numbers");
  auto likeliest = std::max_element(logits.begin(), logits.end());
  if (options.temperature == 0)
    return static_cast<int32_t>(likeliest - logits.begin());
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  size_t kept = options.topK > 0 ? std::min<size_t>(options.topK, order.size()) : order.size();
  auto likelier = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  if (kept < order.size() || options.topP < 1)
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), likelier);
  order.resize(kept);
  std::vector<double> p;
  double sum = 0;
  for (int32_t id : order)
    sum += p.emplace_back(std::exp((logits[id] - *likeliest) / options.temperature));
  double limit = 0;
  size_t end = 0;
  while (end < p.size() && limit < options.topP * sum)
    limit += p[end++];
  double point = randomUniform(streamKey(options.seed, "generate"), 0, number) * limit;
  for (size_t i = 0; i + 1 < end; ++i)
    if ((point -= p[i]) < 0)
      return order[i];
  return order[end - 1];
}
