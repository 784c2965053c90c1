// The fake modules: forward, backward, AdamW, and their tables.
#include "FakeModule.h"

#include "qfa/Format/Copies.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using namespace fake;
using qfa::format::CopyShape;

int64_t fake::poisonFrom = 0, fake::poisonTo = 0, fake::trainCalls = 0;

namespace {

using Row = std::vector<double>;
constexpr int64_t groups = hidden / group, tokens = batch * sequence;
constexpr double alpha = 4, strength = alpha / rank / group;

// An elastic weight of the row in force, with its adapter when it has one.
struct Linear {
  const qfa_site_row_t &row;
  int64_t out;

  std::vector<float> weightRow(int64_t n) const {
    std::vector<float> result(hidden);
    CopyShape shape{out, hidden, group, row.bits};
    qfa::format::dequantizeRow(shape, row.codes, static_cast<const float *>(row.scales),
                               static_cast<const float *>(row.zeros), n, result.data());
    return result;
  }
  Row pooled(const Row &x) const {
    Row u(groups, 0);
    for (int64_t k = 0; k < hidden; ++k)
      u[k / group] += x[k];
    return u;
  }
  Row down(const Row &x) const {
    Row u = pooled(x), xa(rank, 0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t j = 0; j < groups; ++j)
        xa[r] += strength * u[j] * row.adapter_a[r * groups + j];
    return xa;
  }
  Row apply(const Row &x) const {
    Row y(out, 0), xa = down(x);
    for (int64_t n = 0; n < out; ++n) {
      std::vector<float> w = weightRow(n);
      for (int64_t k = 0; k < hidden; ++k)
        y[n] += w[k] * x[k];
      for (int64_t r = 0; r < rank; ++r)
        y[n] += row.adapter_b[n * rank + r] * xa[r];
    }
    return y;
  }
  // Adds the adapter's gradients; returns that of x.
  Row backward(const Row &x, const Row &dy, float *da, float *db) const {
    Row dx(hidden, 0), xa = down(x), u = pooled(x), dxa(rank, 0);
    for (int64_t n = 0; n < out; ++n) {
      std::vector<float> w = weightRow(n);
      for (int64_t k = 0; k < hidden; ++k)
        dx[k] += w[k] * dy[n];
      for (int64_t r = 0; r < rank; ++r) {
        db[n * rank + r] += static_cast<float>(dy[n] * xa[r]);
        dxa[r] += dy[n] * row.adapter_b[n * rank + r];
      }
    }
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t j = 0; j < groups; ++j) {
        da[r * groups + j] += static_cast<float>(strength * dxa[r] * u[j]);
        for (int64_t k = j * group; k < (j + 1) * group; ++k)
          dx[k] += strength * dxa[r] * row.adapter_a[r * groups + j];
      }
    return dx;
  }
};

constexpr int64_t offsets[] = {0, rank * groups * 4, (rank * groups + hidden * rank) * 4,
                               (2 * rank * groups + hidden * rank) * 4,
                               (2 * rank * groups + hidden * rank + vocabulary * rank) * 4};

Row input(const qfa_context_t *context, int32_t id, int32_t previous) {
  Linear embedding{context->rows[0], vocabulary};
  std::vector<float> now = embedding.weightRow(id), before = embedding.weightRow(previous);
  const float *norm = static_cast<const float *>(context->parameters[0]);
  Row h(hidden);
  for (int64_t k = 0; k < hidden; ++k)
    h[k] = norm[k] * (now[k] + 0.5 * before[k]);
  return h;
}

Row addedTo(const Row &h, Row y) {
  std::transform(h.begin(), h.end(), y.begin(), y.begin(), std::plus<>());
  return y;
}

// log p of a label; logits become probabilities.
double logSoftmax(Row &logits, int32_t label) {
  double most = *std::max_element(logits.begin(), logits.end()), sum = 0, chosen = logits[label] - most;
  for (double &logit : logits)
    sum += logit = std::exp(logit - most);
  for (double &logit : logits)
    logit /= sum;
  return chosen - std::log(sum);
}

// Kernel 0, a tile a token: args are context, ids, labels, losses. One token's work needs no other's.
void tokenLosses(void *const *args, int64_t begin, int64_t end, void *scratch) {
  auto *context = static_cast<const qfa_context_t *>(args[0]);
  auto *ids = static_cast<const int32_t *>(args[1]), *labels = static_cast<const int32_t *>(args[2]);
  for (int64_t t = begin; t < end; ++t) {
    std::memset(scratch, 0xff, 256); // a thread of its own may write here
    static_cast<float *>(args[3])[t] = 0;
    if (labels[t] < 0)
      continue;
    Row h = input(context, ids[t], t % sequence ? ids[t - 1] : 0);
    Row logits = Linear{context->rows[2], vocabulary}.apply(addedTo(h, Linear{context->rows[1], hidden}.apply(h)));
    static_cast<float *>(args[3])[t] = static_cast<float>(-logSoftmax(logits, labels[t]));
  }
}

void evalStep(const qfa_context_t *context, void *const *io) {
  void *args[] = {const_cast<qfa_context_t *>(context), io[0], io[1], io[2]};
  context->launch(context->runtime, 0, args);
}

void trainStep(const qfa_context_t *context, void *const *io) {
  evalStep(context, io);
  auto *ids = static_cast<const int32_t *>(io[0]), *labels = static_cast<const int32_t *>(io[1]);
  char *gradients = context->states[QFA_STATE_GRADIENT];
  auto gradient = [&](int i) { return reinterpret_cast<float *>(gradients + offsets[i]); };
  Linear first{context->rows[1], hidden}, head{context->rows[2], vocabulary};
  for (int64_t t = 0; t < tokens; ++t) {
    if (labels[t] < 0)
      continue;
    Row h = input(context, ids[t], t % sequence ? ids[t - 1] : 0), h1 = addedTo(h, first.apply(h));
    Row dy = head.apply(h1);
    logSoftmax(dy, labels[t]);
    dy[labels[t]] -= 1;
    Row dh1 = head.backward(h1, dy, gradient(2), gradient(3));
    first.backward(h, dh1, gradient(0), gradient(1));
  }
  if (trainCalls >= poisonFrom && trainCalls < poisonTo)
    static_cast<float *>(io[2])[0] = NAN;
  ++trainCalls;
}

void squares(const qfa_context_t *context, int64_t count, void *const *io) {
  auto *g = reinterpret_cast<const float *>(context->states[QFA_STATE_GRADIENT]);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(g[i]) * g[i];
  *static_cast<float *>(io[0]) = static_cast<float>(sum);
}
void gradientNorm(const qfa_context_t *context, void *const *io) { squares(context, offsets[4] / 4, io); }

void adamw(const qfa_trainable_row_t &row, const float *g, int64_t count, const float *hyper) {
  for (int64_t i = 0; i < count; ++i) {
    float scaled = g[i] * hyper[6];
    row.m[i] = hyper[1] * row.m[i] + (1 - hyper[1]) * scaled;
    row.v[i] = hyper[2] * row.v[i] + (1 - hyper[2]) * scaled * scaled;
    row.value[i] -=
        hyper[0] * (row.m[i] / row.c1 / (std::sqrt(row.v[i] / row.c2) + hyper[3]) + hyper[4] * row.value[i]);
  }
}
void update(const qfa_context_t *context, void *const *io) {
  for (int i = 0; i < 4; ++i)
    adamw(context->trainables[i], reinterpret_cast<float *>(context->states[QFA_STATE_GRADIENT] + offsets[i]),
          (offsets[i + 1] - offsets[i]) / 4, static_cast<const float *>(io[0]));
}

void next(const qfa_context_t *context, int32_t id, int64_t position, float *logits) {
  auto *cache = reinterpret_cast<float *>(context->states[QFA_STATE_CACHE]); // ids read so far
  Row h = input(context, id, position > 0 ? static_cast<int32_t>(cache[position - 1]) : 0);
  Row y = Linear{context->rows[2], vocabulary}.apply(addedTo(h, Linear{context->rows[1], hidden}.apply(h)));
  std::copy(y.begin(), y.end(), logits);
}
void decode(const qfa_context_t *context, void *const *io) {
  int32_t id = *static_cast<int32_t *>(io[0]), position = *static_cast<int32_t *>(io[1]);
  reinterpret_cast<float *>(context->states[QFA_STATE_CACHE])[position] = static_cast<float>(id);
  next(context, id, position, static_cast<float *>(io[2]));
}
void prefill(const qfa_context_t *context, void *const *io) {
  auto *ids = static_cast<int32_t *>(io[0]);
  int32_t position = *static_cast<int32_t *>(io[1]), last = *static_cast<int32_t *>(io[2]);
  for (int64_t i = 0; i < block; ++i) // padding too, as compiled code does
    reinterpret_cast<float *>(context->states[QFA_STATE_CACHE])[position + i] = static_cast<float>(ids[i]);
  next(context, ids[last], position + last, static_cast<float *>(io[3]));
}
void logits(const qfa_context_t *context, void *const *io) {
  auto *ids = static_cast<const int32_t *>(io[0]);
  for (int64_t t = 0; t < tokens; ++t) {
    Row h = input(context, ids[t], t % sequence ? ids[t - 1] : 0);
    Row y = Linear{context->rows[2], vocabulary}.apply(addedTo(h, Linear{context->rows[1], hidden}.apply(h)));
    std::copy(y.begin(), y.end(), static_cast<float *>(io[1]) + t * vocabulary);
  }
}

// The dense model.
void denseEval(const qfa_context_t *context, void *const *io) {
  auto *ids = static_cast<const int32_t *>(io[0]), *labels = static_cast<const int32_t *>(io[1]);
  auto *rows = static_cast<const float *>(context->parameters[0]);
  auto *g = reinterpret_cast<float *>(context->states[QFA_STATE_GRADIENT]);
  for (int64_t t = 0; t < tokens; ++t) {
    static_cast<float *>(io[2])[t] = 0;
    if (labels[t] < 0)
      continue;
    Row y(rows + ids[t] * vocabulary, rows + (ids[t] + 1) * vocabulary);
    static_cast<float *>(io[2])[t] = static_cast<float>(-logSoftmax(y, labels[t]));
    y[labels[t]] -= 1;
    for (int64_t v = 0; v < vocabulary; ++v)
      g[ids[t] * vocabulary + v] += static_cast<float>(y[v]);
  }
}
void denseNorm(const qfa_context_t *context, void *const *io) { squares(context, vocabulary * vocabulary, io); }
void denseUpdate(const qfa_context_t *context, void *const *io) {
  adamw(context->trainables[0], reinterpret_cast<float *>(context->states[QFA_STATE_GRADIENT]), vocabulary * vocabulary,
        static_cast<const float *>(io[0]));
}

constexpr qfa_tensor_t idsType{QFA_I32, 2, {batch, sequence, 0, 0}}, lossType{QFA_F32, 2, {batch, sequence, 0, 0}};
constexpr qfa_tensor_t scalarF{QFA_F32, 1, {1, 0, 0, 0}}, scalarI{QFA_I32, 1, {1, 0, 0, 0}};
constexpr qfa_tensor_t hyperType{QFA_F32, 1, {8, 0, 0, 0}}, lastLogits{QFA_F32, 3, {1, 1, vocabulary, 0}};
constexpr qfa_tensor_t step[] = {idsType, idsType, lossType}, norm[] = {scalarF}, hyper[] = {hyperType};
constexpr qfa_tensor_t prefillIo[] = {{QFA_I32, 2, {1, block, 0, 0}}, scalarI, scalarI, lastLogits};
constexpr qfa_tensor_t decodeIo[] = {{QFA_I32, 2, {1, 1, 0, 0}}, scalarI, lastLogits};
constexpr qfa_tensor_t logitsIo[] = {idsType, {QFA_F32, 3, {batch, sequence, vocabulary, 0}}};

const qfa_entry_t tableEntries[] = {
    {"train_step", trainStep, 64, 1000000, 1, 2, 1, step},  {"eval_step", evalStep, 64, 500000, 1, 2, 1, step},
    {"gradient_norm", gradientNorm, 0, 300, 0, 0, 1, norm}, {"update", update, 0, 1000, 0, 1, 0, hyper},
    {"prefill", prefill, 0, 5000, 0, 3, 1, prefillIo},      {"decode", decode, 0, 5000, 0, 2, 1, decodeIo},
    {"logits", logits, 0, 5000, 0, 1, 1, logitsIo}};
const qfa_entry_t denseEntries[] = {{"train_step", denseEval, 0, 100, 0, 2, 1, step},
                                    {"eval_step", denseEval, 0, 100, 0, 2, 1, step},
                                    {"gradient_norm", denseNorm, 0, 100, 0, 0, 1, norm},
                                    {"update", denseUpdate, 0, 100, 0, 1, 0, hyper}};
const qfa_kernel_t kernels[] = {{"token_losses", tokens, 256, 500000, {tokenLosses, nullptr, nullptr}, 0, 0, nullptr}};
const qfa_parameter_t parameters[] = {{"model.norm.weight", 1, 1, {hidden, 0, 0, 0}, QFA_F32},
                                      {"model.embed_tokens.weight", 2, 0, {vocabulary, hidden, 0, 0}, QFA_F32},
                                      {"model.layers.0.mlp.weight", 2, 0, {hidden, hidden, 0, 0}, QFA_F32},
                                      {"model.layers.1.mlp.weight", 2, 0, {vocabulary, hidden, 0, 0}, QFA_F32}};
const qfa_parameter_t denseParameters[] = {{"bigram.weight", 2, 1, {vocabulary, vocabulary, 0, 0}, QFA_F32}};
const qfa_site_t sites[] = {{"model.embed_tokens.site", 1, {8, 0, 0, 0}},
                            {"model.layers.0.mlp", 3, {2, 3, 4, 0}},
                            {"model.layers.1.mlp", 2, {2, 4, 0, 0}}};
const qfa_elastic_t elastics[] = {{"model.embed_tokens", 1, 0, vocabulary, hidden, group, 0, alpha, QFA_F32},
                                  {"model.layers.0.mlp", 2, 1, hidden, hidden, group, rank, alpha, QFA_F32},
                                  {"model.layers.1.mlp", 3, 2, vocabulary, hidden, group, rank, alpha, QFA_F32}};
const qfa_trainable_t trainables[] = {{"first.a", QFA_ROLE_ADAPTER_A, 1, rank * groups, offsets[0]},
                                      {"first.b", QFA_ROLE_ADAPTER_B, 1, hidden * rank, offsets[1]},
                                      {"head.a", QFA_ROLE_ADAPTER_A, 2, rank * groups, offsets[2]},
                                      {"head.b", QFA_ROLE_ADAPTER_B, 2, vocabulary * rank, offsets[3]}};
const qfa_trainable_t denseTrainables[] = {{"bigram", QFA_ROLE_VALUE, 0, vocabulary * vocabulary, 0}};

} // namespace

const qfa_module_t fake::table = {QFA_MODULE_ABI_VERSION,
                                  sizeof(qfa_module_t),
                                  "fake",
                                  "test",
                                  QFA_MODE_TABLE,
                                  QFA_ISA_COUNT,
                                  vocabulary,
                                  context,
                                  {offsets[4], context * 4},
                                  "resource-balanced",
                                  7,
                                  tableEntries,
                                  1,
                                  kernels,
                                  4,
                                  parameters,
                                  3,
                                  sites,
                                  3,
                                  elastics,
                                  4,
                                  trainables,
                                  "bits=fake",
                                  nullptr,
                                  0,
                                  nullptr};
const qfa_module_t fake::dense = {QFA_MODULE_ABI_VERSION,
                                  sizeof(qfa_module_t),
                                  "bigram",
                                  "test",
                                  QFA_MODE_DENSE,
                                  QFA_ISA_COUNT,
                                  vocabulary,
                                  0,
                                  {vocabulary * vocabulary * 4, 0},
                                  "uniform",
                                  4,
                                  denseEntries,
                                  0,
                                  nullptr,
                                  1,
                                  denseParameters,
                                  0,
                                  nullptr,
                                  0,
                                  nullptr,
                                  1,
                                  denseTrainables,
                                  nullptr,
                                  nullptr,
                                  0,
                                  nullptr};
