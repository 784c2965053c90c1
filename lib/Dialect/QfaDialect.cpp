// Registration of the dialect, and the assembly and verification of its types.
#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qfa;

#include "qfa/Dialect/QfaDialect.cpp.inc"
#include "qfa/Dialect/QfaEnums.cpp.inc"
#include "qfa/Dialect/QfaInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "qfa/Dialect/QfaTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "qfa/Dialect/QfaAttributes.cpp.inc"

//===----------------------------------------------------------------------===//
// !qfa.elastic<OUTxIN, bits = [..], group = G, rank = R, scales = T>
//===----------------------------------------------------------------------===//

Type ElasticType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape, bits;
  int64_t group, rank;
  Type scales;
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false, /*withTrailingX=*/false) ||
      parser.parseComma() || parser.parseKeyword("bits") || parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     [&] { return parser.parseInteger(bits.emplace_back()); }) ||
      parser.parseComma() || parser.parseKeyword("group") || parser.parseEqual() || parser.parseInteger(group) ||
      parser.parseComma() || parser.parseKeyword("rank") || parser.parseEqual() || parser.parseInteger(rank) ||
      parser.parseComma() || parser.parseKeyword("scales") || parser.parseEqual() || parser.parseType(scales) ||
      parser.parseGreater())
    return {};
  if (shape.size() != 2) {
    parser.emitError(parser.getNameLoc(), "an elastic weight has 2 dimensions, found ") << shape.size();
    return {};
  }
  return parser.getChecked<ElasticType>(parser.getContext(), shape[0], shape[1], bits, group, rank, scales);
}

void ElasticType::print(AsmPrinter &printer) const {
  printer << "<" << getOut() << "x" << getIn() << ", bits = [";
  llvm::interleaveComma(getBits(), printer);
  printer << "], group = " << getGroup() << ", rank = " << getRank() << ", scales = " << getScales() << ">";
}

LogicalResult ElasticType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t out, int64_t in,
                                  ArrayRef<int64_t> bits, int64_t group, int64_t rank, Type scales) {
  if (out <= 0 || in <= 0)
    return emitError() << "elastic weight " << out << "x" << in << " has an empty dimension";
  if (group <= 0 || in % group != 0)
    return emitError() << "group size " << group << " does not divide input width " << in;
  if (rank < 0)
    return emitError() << "adapter rank " << rank << " is negative";
  if (bits.empty())
    return emitError() << "an elastic weight needs at least one bit width";
  for (auto [i, b] : llvm::enumerate(bits)) {
    if (b != 2 && b != 3 && b != 4 && b != 8)
      return emitError() << "bit width " << b << " is not one of 2, 3, 4, 8";
    if (i > 0 && bits[i - 1] >= b)
      return emitError() << "bit widths must ascend, found " << bits[i - 1] << " before " << b;
  }
  if (!scales.isF32() && !scales.isF16())
    return emitError() << "scales are f32 or f16, found " << scales;
  return success();
}

//===----------------------------------------------------------------------===//
// !qfa.buffer<SHAPExT>, !qfa.trainable<SHAPExT>
//===----------------------------------------------------------------------===//

static ParseResult parseShaped(AsmParser &parser, SmallVectorImpl<int64_t> &shape, Type &element) {
  return failure(parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
                 parser.parseType(element) || parser.parseGreater());
}

static void printShaped(AsmPrinter &printer, ArrayRef<int64_t> shape, Type element) {
  printer << "<";
  for (int64_t dim : shape)
    printer << dim << "x";
  printer << element << ">";
}

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t n = 1;
  for (int64_t dim : shape)
    n *= dim;
  return n;
}

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  return parseShaped(parser, shape, element) ? Type() : get(parser.getContext(), shape, element);
}
void BufferType::print(AsmPrinter &printer) const { printShaped(printer, getShape(), getElementType()); }
int64_t BufferType::getNumElements() const { return product(getShape()); }
RankedTensorType BufferType::getTensorType() const { return RankedTensorType::get(getShape(), getElementType()); }

Type TrainableType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  return parseShaped(parser, shape, element) ? Type() : get(parser.getContext(), shape, element);
}
void TrainableType::print(AsmPrinter &printer) const { printShaped(printer, getShape(), getElementType()); }
int64_t TrainableType::getNumElements() const { return product(getShape()); }
RankedTensorType TrainableType::getTensorType() const { return RankedTensorType::get(getShape(), getElementType()); }

//===----------------------------------------------------------------------===//
// The dialect
//===----------------------------------------------------------------------===//

void QfaDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "qfa/Dialect/QfaTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "qfa/Dialect/QfaAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "qfa/Dialect/QfaOps.cpp.inc"
      >();
}
