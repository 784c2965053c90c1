// Shapes, strides and broadcasting of small host tensors.

#include "HostTensor.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace qfa::onnx;

HostTensor HostTensor::fromAttribute(ElementsAttr value) {
  Type element = value.getElementType();
  HostTensor result(isa<FloatType>(element) ? Float
                    : element.isInteger(1)  ? Bool
                                            : Int,
                    value.getShapedType().getShape());
  result.allocate();
  if (auto floats = value.tryGetValues<APFloat>()) {
    for (auto [i, number] : llvm::enumerate(*floats)) {
      bool inexact;
      APFloat wide = number;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      result.set(i, wide.convertToDouble());
    }
  } else if (auto integers = value.tryGetValues<APInt>()) {
    for (auto [i, number] : llvm::enumerate(*integers))
      result.setInteger(i, result.kind == Bool ? number.getZExtValue() : number.getSExtValue());
  }
  return result;
}

ElementsAttr HostTensor::toAttribute(MLIRContext *context) const {
  Builder builder(context);
  Type element = kind == Float ? Type(builder.getF32Type()) : kind == Int ? builder.getI64Type() : builder.getI1Type();
  auto type = RankedTensorType::get(shape, element);
  if (kind == Float) {
    SmallVector<float> values;
    for (size_t i = 0; i < words.size(); ++i)
      values.push_back(number(i));
    return DenseElementsAttr::get(type, llvm::ArrayRef<float>(values));
  }
  SmallVector<APInt> values;
  for (size_t i = 0; i < words.size(); ++i)
    values.push_back(APInt(element.getIntOrFloatBitWidth(), integer(i), /*isSigned=*/kind == Int));
  return DenseElementsAttr::get(type, values);
}

SmallVector<int64_t> qfa::onnx::stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = int64_t(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

bool qfa::onnx::broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b, SmallVectorImpl<int64_t> &result) {
  size_t rank = std::max(a.size(), b.size());
  result.assign(rank, 1);
  for (size_t d = 0; d < rank; ++d) {
    int64_t x = d < rank - a.size() ? 1 : a[d - (rank - a.size())];
    int64_t y = d < rank - b.size() ? 1 : b[d - (rank - b.size())];
    if (x != y && x != 1 && y != 1)
      return false;
    result[d] = x == 1 ? y : x;
  }
  return true;
}

SmallVector<int64_t> qfa::onnx::broadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> own = stridesOf(from), result(to.size(), 0);
  for (size_t d = 0; d < from.size(); ++d)
    if (from[d] != 1)
      result[d + to.size() - from.size()] = own[d];
  return result;
}
