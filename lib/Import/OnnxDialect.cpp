// The onnx dialect: registration, the accessors of nodes, and dimensions.

#include "mlir/IR/DialectImplementation.h"
#include "qfa/Import/Onnx.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qfa::onnx;

/// One result needs no words; otherwise `-> n`.
static ParseResult parseResultCount(OpAsmParser &parser, SmallVectorImpl<Type> &types) {
  int64_t count = 1;
  if (succeeded(parser.parseOptionalArrow()) && failed(parser.parseInteger(count)))
    return failure();
  if (count < 0 || count > 1024)
    return parser.emitError(parser.getCurrentLocation(), "result count ") << count << ", expected 0 to 1024";
  types.assign(count, ValueType::get(parser.getContext()));
  return success();
}

static void printResultCount(OpAsmPrinter &printer, Operation *, TypeRange types) {
  if (types.size() != 1)
    printer << "-> " << types.size();
}

#include "qfa/Import/OnnxDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "qfa/Import/OnnxTypes.cpp.inc"

#define GET_OP_CLASSES
#include "qfa/Import/OnnxOps.cpp.inc"

void OnnxDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "qfa/Import/OnnxTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "qfa/Import/OnnxOps.cpp.inc"
      >();
}

static Attribute attributeOf(NodeOp node, StringRef name) {
  return node.getSettings() ? node.getSettings()->get(name) : Attribute();
}

int64_t NodeOp::getInt(StringRef name, int64_t otherwise) {
  auto value = dyn_cast_or_null<IntegerAttr>(attributeOf(*this, name));
  return value ? value.getValue().getSExtValue() : otherwise;
}

double NodeOp::getFloat(StringRef name, double otherwise) {
  auto value = dyn_cast_or_null<FloatAttr>(attributeOf(*this, name));
  return value ? value.getValueAsDouble() : otherwise;
}

std::optional<SmallVector<int64_t>> NodeOp::getInts(StringRef name) {
  if (auto value = dyn_cast_or_null<DenseI64ArrayAttr>(attributeOf(*this, name)))
    return SmallVector<int64_t>(value.asArrayRef());
  return std::nullopt;
}

Value NodeOp::input(unsigned i) {
  return i < getInputs().size() && !getInputs()[i].getDefiningOp<NoneOp>() ? getInputs()[i] : Value();
}

LogicalResult ShapeOp::verify() {
  if (getScalar() && getDims().size() != 1)
    return emitOpError("a scalar has ") << getDims().size() << " dimensions, expected 1";
  for (auto dim : getDims().getAsRange<StringAttr>())
    if (!Dim::parse(dim))
      return emitOpError("dimension '") << dim.getValue() << "' is not a product of a number, B and S";
  return success();
}

std::string Dim::str() const {
  SmallVector<std::string> factors;
  if (coefficient != 1 || (!batch && !sequence))
    factors.push_back(std::to_string(coefficient));
  if (batch)
    factors.push_back("B");
  if (sequence)
    factors.push_back("S");
  return llvm::join(factors, "*");
}

std::optional<Dim> Dim::parse(StringRef text) {
  Dim dim;
  bool number = false;
  SmallVector<StringRef> factors;
  text.split(factors, '*');
  for (StringRef factor : factors) {
    bool &symbol = factor == "B" ? dim.batch : factor == "S" ? dim.sequence : number;
    if (symbol || (&symbol == &number && factor.getAsInteger(10, dim.coefficient)))
      return std::nullopt;
    symbol = true;
  }
  return dim;
}

SmallVector<int64_t> qfa::onnx::storedShape(qfa::ParameterOp parameter) {
  SmallVector<int64_t> shape(cast<RankedTensorType>(parameter.getType()).getShape());
  if (parameter.getTransposed())
    std::reverse(shape.begin(), shape.end());
  return shape;
}
