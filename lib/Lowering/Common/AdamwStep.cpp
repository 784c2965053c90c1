// The arithmetic of AdamW.
#include "AdamwStep.h"

using namespace mlir;
using namespace qfa;

AdamwStep::AdamwStep(CodeBuilder &k, const TrainableRow &row, Value hyper)
    : k(k), row(row), lr(k.loadF32(hyper, 0)), b1(k.loadF32(hyper, 1)), b2(k.loadF32(hyper, 2)),
      eps(k.loadF32(hyper, 3)), decay(k.loadF32(hyper, 4)), scale(k.loadF32(hyper, 6)), rest1(k.sub(1.0, b1)),
      rest2(k.sub(1.0, b2)), inverse1(k.div(1.0, row.c1)), inverse2(k.div(1.0, row.c2)) {}

void AdamwStep::emit(Type type, Value gradient, Value at) {
  Value g = k.mul(k.load(type, gradient, at), scale);
  Value m = k.fma(b1, k.load(type, row.m, at), k.mul(rest1, g));
  Value v = k.fma(b2, k.load(type, row.v, at), k.mul(rest2, k.mul(g, g)));
  Value value = k.load(type, row.value, at);
  Value step = k.div(k.mul(m, inverse1), k.add(k.sqrt(k.mul(v, inverse2)), eps));
  k.store(m, row.m, at);
  k.store(v, row.v, at);
  k.store(k.sub(value, k.mul(lr, k.fma(decay, value, step))), row.value, at);
}
