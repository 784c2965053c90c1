// Attention, its gradients and its cached form against the textbook: all scores in f64.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

// Sums of up to 200 products of f32 numbers, through an exponential: 1e-5 of the largest result.
static constexpr double tolerance = 1e-5;
// bf16 keeps 8 bits: a score of about 5 is off by some hundredths, its probability by as many parts, and gradients are
// differences of such sums.
static constexpr double bf16Tolerance = 3e-2;

namespace {

struct Case {
  int64_t batch, sequence, heads, kvHeads, width;
  int64_t window = 0; // 0: none
  float softcap = 0;  // 0: none
  int64_t features() const { return heads * width; }
  int64_t kvFeatures() const { return kvHeads * width; }
  float scale() const { return 1.5f / std::sqrt(static_cast<float>(width)); }
  std::string attributes() const {
    std::string text = "{num_heads = " + std::to_string(heads) + " : i64, num_kv_heads = " + std::to_string(kvHeads) +
                       " : i64, scale = " + std::to_string(scale()) + " : f32";
    if (window)
      text += ", window = " + std::to_string(window) + " : i64";
    if (softcap)
      text += ", softcap = " + std::to_string(softcap) + " : f32";
    return text + "}";
  }
};

// Forward and backward of `queries` queries of one head at position `start` on; rows of q are `row` apart, of k
// `kvRow`.
struct Textbook {
  const Case &c;
  double scale = std::stof(std::to_string(c.scale())); // as the kernel's text has it
  std::vector<float> y, lse, dq, dk, dv;

  explicit Textbook(const Case &c) : c(c) {}

  bool sees(int64_t i, int64_t j) const { return j <= i && (!c.window || j > i - c.window); }

  // Adds one head; all pointers at its first feature. dy null: forward only.
  void head(const float *q, const float *k, const float *v, const float *dy, int64_t start, int64_t queries, float *y,
            float *lse, float *dq, float *dk, float *dv) {
    int64_t d = c.width, row = c.features(), kvRow = c.kvFeatures();
    for (int64_t i = 0; i < queries; ++i) {
      int64_t keys = start + i + 1;
      std::vector<double> p(keys), slope(keys, 1.0);
      double sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (int64_t f = 0; f < d; ++f)
          score += static_cast<double>(q[i * row + f]) * k[j * kvRow + f];
        score *= scale;
        if (c.softcap) {
          double t = std::tanh(score / c.softcap);
          slope[j] = 1 - t * t;
          score = c.softcap * t;
        }
        p[j] = sees(start + i, j) ? std::exp(score) : 0;
        sum += p[j];
      }
      if (lse)
        lse[i] = static_cast<float>(std::log(sum));
      std::vector<double> out(d, 0.0);
      for (int64_t j = 0; j < keys; ++j)
        for (int64_t f = 0; f < d; ++f)
          out[f] += p[j] / sum * v[j * kvRow + f];
      for (int64_t f = 0; f < d; ++f)
        y[i * row + f] = static_cast<float>(out[f]);
      if (!dy)
        continue;
      double delta = 0;
      for (int64_t f = 0; f < d; ++f)
        delta += out[f] * dy[i * row + f];
      for (int64_t j = 0; j < keys; ++j) {
        double dp = 0, weight = p[j] / sum;
        for (int64_t f = 0; f < d; ++f) {
          dp += static_cast<double>(dy[i * row + f]) * v[j * kvRow + f];
          dv[j * kvRow + f] += static_cast<float>(weight * dy[i * row + f]);
        }
        double ds = scale * weight * (dp - delta) * slope[j];
        for (int64_t f = 0; f < d; ++f) {
          dq[i * row + f] += static_cast<float>(ds * k[j * kvRow + f]);
          dk[j * kvRow + f] += static_cast<float>(ds * q[i * row + f]);
        }
      }
    }
  }

  void all(const Floats &q, const Floats &k, const Floats &v, const Floats *dyAll) {
    y.assign(q.size(), 0);
    dq.assign(q.size(), 0);
    dk.assign(k.size(), 0);
    dv.assign(k.size(), 0);
    lse.assign(c.batch * c.heads * c.sequence, 0);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t h = 0; h < c.heads; ++h) {
        int64_t at = b * c.sequence * c.features() + h * c.width;
        int64_t kvAt = b * c.sequence * c.kvFeatures() + h / (c.heads / c.kvHeads) * c.width;
        head(q.data() + at, k.data() + kvAt, v.data() + kvAt, dyAll ? dyAll->data() + at : nullptr, 0, c.sequence,
             &y[at], &lse[(b * c.heads + h) * c.sequence], &dq[at], &dk[kvAt], &dv[kvAt]);
      }
  }
};

class Attention : public testing::TestWithParam<Case> {};
class CachedAttention : public testing::TestWithParam<Case> {};

} // namespace

TEST_P(Attention, ForwardIsTheTextbook) {
  const Case &c = GetParam();
  std::mt19937 rng(3);
  size_t size = c.batch * c.sequence * c.features(), kvSize = c.batch * c.sequence * c.kvFeatures();
  Floats q = Floats::random(size, rng, -2, 2), k = Floats::random(kvSize, rng, -2, 2), v = Floats::random(kvSize, rng);
  Textbook book(c);
  book.all(q, k, v, nullptr);
  std::string x = tensor({c.batch, c.sequence, c.features()}), kv = tensor({c.batch, c.sequence, c.kvFeatures()}),
              lse = tensor({c.batch, c.heads, c.sequence});
  std::string ir =
      kernel({x, kv, kv}, "%r:2 = qfa.attention %a0, %a1, %a2 " + c.attributes() + " : " + x + ", " + kv + " -> " + lse,
             {x, lse});
  forEachTarget(ir, [&](const TestKernel &kernel, const std::string &) {
    Floats y(size), logSumExp(book.lse.size());
    runKernel(kernel, {q.data(), k.data(), v.data(), y.data(), logSumExp.data()}, c.sequence);
    expectClose(y, book.y, tolerance, "y");
    expectClose(logSumExp, book.lse, tolerance, "log_sum_exp");
  });
  onBf16Gpu(ir, [&](const TestKernel &kernel) {
    Floats y(size), logSumExp(book.lse.size());
    runKernel(kernel, {q.data(), k.data(), v.data(), y.data(), logSumExp.data()}, c.sequence);
    expectClose(y, book.y, bf16Tolerance, "y");
    expectClose(logSumExp, book.lse, bf16Tolerance, "log_sum_exp");
  });
}

TEST_P(Attention, GradientsAreTheTextbook) {
  const Case &c = GetParam();
  std::mt19937 rng(4);
  size_t size = c.batch * c.sequence * c.features(), kvSize = c.batch * c.sequence * c.kvFeatures();
  Floats q = Floats::random(size, rng, -2, 2), k = Floats::random(kvSize, rng, -2, 2), v = Floats::random(kvSize, rng);
  Floats dy = Floats::random(size, rng);
  Textbook book(c);
  book.all(q, k, v, &dy);
  Floats y(size), lse(book.lse.size());
  std::copy(book.y.begin(), book.y.end(), y.data());
  std::copy(book.lse.begin(), book.lse.end(), lse.data());
  std::string x = tensor({c.batch, c.sequence, c.features()}), kv = tensor({c.batch, c.sequence, c.kvFeatures()}),
              l = tensor({c.batch, c.heads, c.sequence});
  std::string ir = kernel({x, kv, kv, x, l, x},
                          "%r:3 = qfa.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 " + c.attributes() + " : " + x +
                              ", " + kv + ", " + l,
                          {x, kv, kv});
  forEachTarget(ir, [&](const TestKernel &kernel, const std::string &) {
    Floats dq(size), dk(kvSize), dv(kvSize);
    runKernel(kernel, {q.data(), k.data(), v.data(), y.data(), lse.data(), dy.data(), dq.data(), dk.data(), dv.data()},
              c.sequence);
    expectClose(dq, book.dq, tolerance, "dq");
    expectClose(dk, book.dk, tolerance, "dk");
    expectClose(dv, book.dv, tolerance, "dv");
  });
  onBf16Gpu(ir, [&](const TestKernel &kernel) {
    Floats dq(size), dk(kvSize), dv(kvSize);
    runKernel(kernel, {q.data(), k.data(), v.data(), y.data(), lse.data(), dy.data(), dq.data(), dk.data(), dv.data()},
              c.sequence);
    expectClose(dq, book.dq, bf16Tolerance, "dq");
    expectClose(dk, book.dk, bf16Tolerance, "dk");
    expectClose(dv, book.dv, bf16Tolerance, "dv");
  });
}

// `queries` new tokens at `position` give what attention over the whole sequence gives there. context: rows of the
// caches.
static void expectCached(Case c, int64_t context, int64_t position, int64_t queries, const TestKernel &kernel,
                         double tolerance) {
  SCOPED_TRACE(std::to_string(position) + "+" + std::to_string(queries));
  c.sequence = position + queries;
  std::mt19937 rng(5);
  size_t size = c.sequence * c.features(), kvSize = c.sequence * c.kvFeatures(), old = position * c.features(),
         kvOld = position * c.kvFeatures();
  Floats q = Floats::random(size, rng, -2, 2), k = Floats::random(kvSize, rng, -2, 2), v = Floats::random(kvSize, rng);
  Textbook book(c);
  book.all(q, k, v, nullptr);
  Floats keys(context * c.kvFeatures()), values(context * c.kvFeatures()), y(size - old);
  std::copy(k.data(), k.data() + kvOld, keys.data());
  std::copy(v.data(), v.data() + kvOld, values.data());
  int32_t at = static_cast<int32_t>(position);
  runKernel(kernel, {q.data() + old, k.data() + kvOld, v.data() + kvOld, &at, keys.data(), values.data(), y.data()});
  // Padding beyond the caches is computed, but means nothing.
  size_t meaning = (std::min(c.sequence, context) - position) * c.features();
  std::copy(book.y.begin() + old + meaning, book.y.end(), y.data() + meaning);
  expectClose(y, {book.y.begin() + old, book.y.end()}, tolerance, "y");
  size_t filled = std::min(kvSize, keys.size());
  for (size_t i = 0; i < filled; ++i)
    ASSERT_TRUE(keys[i] == k[i] && values[i] == v[i]) << "caches differ at " << i;
  for (size_t i = filled; i < keys.size(); ++i)
    ASSERT_TRUE(std::isnan(keys[i]) && std::isnan(values[i])) << "caches written at " << i;
  EXPECT_TRUE(keys.guardsStand() && values.guardsStand());
}

TEST_P(CachedAttention, IsTheTextbook) {
  const Case &c = GetParam();
  struct Run {
    int64_t queries, context;
    std::vector<int64_t> positions;
  };
  // On a GPU one query's keys are for one block, two and five of them.
  const Run runs[] = {
      {70, 150, {0}}, {20, 150, {37, 141}}, {1, 90, {0, 64, 89}}, {1, 150, {0, 64, 149}}, {1, 600, {2, 150, 599}}};
  for (const auto &[queries, context, positions] : runs) {
    std::string x = tensor({1, queries, c.features()}), kv = tensor({1, queries, c.kvFeatures()}),
                cache = buffer({context, c.kvFeatures()});
    std::string ir = kernel({x, kv, kv, "tensor<1xi32>", cache, cache},
                            "%r = qfa.cached_attention %a0, %a1, %a2, %a3, %a4, %a5 " + c.attributes() + " : " + x +
                                ", " + kv + ", tensor<1xi32>, " + cache,
                            {x});
    auto everywhere = [&, queries = queries, context = context, &positions = positions](const TestKernel &kernel,
                                                                                        double tolerance) {
      for (int64_t position : positions)
        expectCached(c, context, position, queries, kernel, tolerance);
    };
    forEachTarget(ir, [&](const TestKernel &kernel, const std::string &) { everywhere(kernel, tolerance); });
    onBf16Gpu(ir, [&](const TestKernel &kernel) { everywhere(kernel, bf16Tolerance); });
  }
}

// Ragged and whole blocks, shared and own key heads, narrow, odd and wide heads, windows inside and across blocks.
INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         testing::Values(Case{1, 5, 1, 1, 8}, Case{2, 9, 4, 2, 16}, Case{2, 70, 3, 1, 64},
                                         Case{1, 96, 1, 1, 128}, Case{1, 130, 2, 1, 80}, Case{1, 70, 2, 1, 144},
                                         Case{1, 70, 2, 1, 256}, Case{1, 40, 2, 1, 272}, Case{1, 65, 6, 2, 12},
                                         Case{1, 20, 2, 1, 7}, Case{1, 40, 2, 1, 20, 7}, Case{1, 180, 2, 2, 16, 64},
                                         Case{2, 100, 2, 1, 16, 33, 1.5f}));

INSTANTIATE_TEST_SUITE_P(Shapes, CachedAttention,
                         testing::Values(Case{1, 0, 3, 1, 64}, Case{1, 0, 2, 2, 12, 20},
                                         Case{1, 0, 18, 1, 8, 0, 2.0f}));

TEST(AttentionRange, LargeScoresStayFinite) {
  Case c{1, 70, 1, 1, 8};
  std::mt19937 rng(6);
  Floats q = Floats::random(70 * 8, rng, -60, 60), k = Floats::random(70 * 8, rng, -60, 60),
         v = Floats::random(70 * 8, rng);
  std::string x = tensor({1, 70, 8}), lse = tensor({1, 1, 70});
  std::string ir =
      kernel({x, x, x}, "%r:2 = qfa.attention %a0, %a1, %a2 " + c.attributes() + " : " + x + ", " + x + " -> " + lse,
             {x, lse});
  forEachTarget(ir, [&](const TestKernel &kernel, const std::string &) {
    Floats y(q.size()), logSumExp(70);
    runKernel(kernel, {q.data(), k.data(), v.data(), y.data(), logSumExp.data()});
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_LE(std::abs(y[i]), 1.0f) << i; // a mean of values
    for (size_t i = 0; i < 70; ++i)
      ASSERT_TRUE(std::isfinite(logSumExp[i])) << i;
  });
}
