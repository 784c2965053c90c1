// Masks are read on the samples. A window wider than the samples does not show there, so every constant that could be
// one is replaced by a narrow window: if that shows, the constant was the width.

#include "RecogniseMask.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;
using namespace qfa::onnx;

// Smaller than the longest sample, so that it shows, and not a width that a mask is likely to have anyway.
static constexpr int64_t probeWidth = 4;

static bool seen(const HostTensor &table, int64_t at) {
  return table.kind == HostTensor::Float ? table.number(at) == 0 : table.number(at) != 0;
}

/// Whether the value is known and [.., S, S], the same for all heads.
static bool hasShapeOfMask(Value value, ShapeFacts &facts) {
  if (!facts.isKnown(value))
    return false;
  for (unsigned sample = 0; sample < ShapeFacts::samples.size(); ++sample) {
    const HostTensor &table = *facts.get(value, sample);
    auto [batch, s] = ShapeFacts::samples[sample];
    if (table.rank() < 2 || table.shape.back() != s || table.shape[table.rank() - 2] != s ||
        (table.size() != s * s && table.size() != batch * s * s))
      return false;
  }
  return true;
}

/// Which keys a query sees on all samples; none when that does not depend on the distance i - j alone.
static std::optional<Mask> readMask(Value value, ShapeFacts &facts) {
  Mask mask;
  if (!hasShapeOfMask(value, facts))
    return std::nullopt;
  for (bool check : {false, true}) // first find the window, then compare every element with it
    for (unsigned sample = 0; sample < ShapeFacts::samples.size(); ++sample) {
      const HostTensor &table = *facts.get(value, sample);
      int64_t s = ShapeFacts::samples[sample].sequence;
      for (int64_t at = 0, size = table.size(); at < size; ++at) {
        int64_t distance = at / s % s - at % s;
        if (!check && distance > 0 && !seen(table, at))
          mask.window = std::min(distance, mask.window.value_or(distance));
        if (!check)
          continue;
        if (seen(table, at) != (distance >= 0 && distance < mask.window.value_or(s)))
          return std::nullopt;
        if (table.kind == HostTensor::Float && !seen(table, at) && !(table.number(at) <= maskedScore))
          return std::nullopt;
      }
    }
  return mask;
}

/// Numbers in the computation of `value` that could be the width of a window beyond the samples.
static llvm::SetVector<int64_t> possibleWidths(Value value) {
  llvm::SetVector<int64_t> widths;
  llvm::SetVector<Operation *> slice;
  if (Operation *op = value.getDefiningOp())
    slice.insert(op);
  for (size_t i = 0; i < slice.size(); ++i) {
    for (Value operand : slice[i]->getOperands())
      if (Operation *op = operand.getDefiningOp())
        slice.insert(op);
    auto constant = dyn_cast<ConstantOp>(slice[i]);
    if (!constant || constant.getValue().getNumElements() != 1)
      continue;
    HostTensor number = HostTensor::fromAttribute(constant.getValue());
    double magnitude = std::abs(number.number(0));
    bool isFill = number.kind == HostTensor::Float && magnitude >= -maskedScore; // what masked scores are filled with
    if (number.kind != HostTensor::Bool && !isFill && magnitude >= ShapeFacts::samples.back().sequence &&
        magnitude < INT32_MAX && magnitude == std::floor(magnitude))
      widths.insert(int64_t(magnitude));
  }
  return widths;
}

std::optional<Mask> qfa::onnx::recogniseMask(Value value, ShapeFacts &facts) {
  std::optional<Mask> mask = readMask(value, facts);
  if (!mask || mask->window)
    return mask;
  for (int64_t width : possibleWidths(value)) {
    ShapeFacts probe;
    probe.substitute(width, probeWidth);
    std::optional<Mask> narrow = readMask(value, probe);
    if (!narrow && hasShapeOfMask(value, probe))
      return std::nullopt; // it matters, but not as a width; without the shape it is a bound of a slice
    if (narrow && narrow->window)
      return Mask{width + *narrow->window - probeWidth};
  }
  return mask;
}
