// Arithmetic, memory and vectors of the code builder.
#include "CodeBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;
using namespace qfa;

static constexpr auto contract = arith::FastMathFlags::contract;

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

CodeBuilder::CodeBuilder(Location loc, ModuleOp module, const Isa &target)
    : ImplicitLocOpBuilder(loc, module.getContext()), target(target), module(module) {}

Type CodeBuilder::ptrType() { return LLVM::LLVMPointerType::get(getContext()); }

VectorType CodeBuilder::vec(Type element, int64_t lanes) {
  return VectorType::get({lanes ? lanes : target.lanes}, element ? element : getF32Type());
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value CodeBuilder::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attribute = isa<FloatType>(element)
                            ? cast<TypedAttr>(Attribute(getFloatAttr(element, value)))
                            : cast<TypedAttr>(Attribute(getIntegerAttr(element, static_cast<int64_t>(value))));
  if (auto shaped = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(shaped, Attribute(attribute));
  return arith::ConstantOp::create(*this, attribute);
}

Value CodeBuilder::constants(ArrayRef<int32_t> lanes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vec(getI32Type(), static_cast<int64_t>(lanes.size())), lanes));
}

Value CodeBuilder::constants(ArrayRef<float> lanes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vec(getF32Type(), static_cast<int64_t>(lanes.size())), lanes));
}

Value CodeBuilder::broadcast(Value scalar, Type type) {
  return scalar.getType() == type ? scalar : vector::BroadcastOp::create(*this, type, scalar).getResult();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

std::pair<Value, Value> CodeBuilder::match(Term a, Term b) {
  Type type = a.value ? a.value.getType() : b.value.getType();
  if (b.value && isa<VectorType>(b.value.getType()))
    type = b.value.getType();
  auto typed = [&](Term term) { return term.value ? broadcast(term.value, type) : constant(type, term.number); };
  Value left = typed(a);
  return {left, typed(b)};
}

template <typename FloatOp, typename IntOp>
Value CodeBuilder::arithmetic(Term a, Term b) {
  auto [x, y] = match(a, b);
  if (isFloat(x))
    return FloatOp::create(*this, x, y, contract);
  return createOrFold<IntOp>(x, y);
}

Value CodeBuilder::add(Term a, Term b) { return arithmetic<arith::AddFOp, arith::AddIOp>(a, b); }
Value CodeBuilder::sub(Term a, Term b) { return arithmetic<arith::SubFOp, arith::SubIOp>(a, b); }
Value CodeBuilder::mul(Term a, Term b) { return arithmetic<arith::MulFOp, arith::MulIOp>(a, b); }
Value CodeBuilder::div(Term a, Term b) { return arithmetic<arith::DivFOp, arith::DivUIOp>(a, b); }
Value CodeBuilder::rem(Term a, Term b) { return arithmetic<arith::RemFOp, arith::RemUIOp>(a, b); }

// Compare and select is one instruction on every machine; maximumf and maxnumf are several.
Value CodeBuilder::max(Term a, Term b) {
  auto [x, y] = match(a, b);
  return isFloat(x) ? select(less(y, x), x, y) : createOrFold<arith::MaxSIOp>(x, y);
}
Value CodeBuilder::min(Term a, Term b) {
  auto [x, y] = match(a, b);
  return isFloat(x) ? select(less(x, y), x, y) : createOrFold<arith::MinSIOp>(x, y);
}

Value CodeBuilder::neg(Value a) { return isFloat(a) ? arith::NegFOp::create(*this, a).getResult() : sub(0, a); }
Value CodeBuilder::abs(Value a) { return math::AbsFOp::create(*this, a); }

Value CodeBuilder::fma(Term a, Term b, Term c) {
  auto [x, y] = match(a, b);
  if (!target.hasFma)
    return add(arith::MulFOp::create(*this, x, y, contract).getResult(), c);
  auto [xy, z] = match(x, c);
  return math::FmaOp::create(*this, broadcast(x, z.getType()), broadcast(y, z.getType()), z);
}

Value CodeBuilder::bitAnd(Term a, Term b) {
  auto [x, y] = match(a, b);
  return createOrFold<arith::AndIOp>(x, y);
}
Value CodeBuilder::bitOr(Term a, Term b) {
  auto [x, y] = match(a, b);
  return createOrFold<arith::OrIOp>(x, y);
}
Value CodeBuilder::shiftLeft(Term a, Term b) {
  auto [x, y] = match(a, b);
  return createOrFold<arith::ShLIOp>(x, y);
}
Value CodeBuilder::shiftRight(Term a, Term b) {
  auto [x, y] = match(a, b);
  return createOrFold<arith::ShRUIOp>(x, y);
}

Value CodeBuilder::compare(arith::CmpFPredicate forFloat, arith::CmpIPredicate forInt, Term a, Term b) {
  auto [x, y] = match(a, b);
  if (isFloat(x))
    return arith::CmpFOp::create(*this, forFloat, x, y);
  return createOrFold<arith::CmpIOp>(forInt, x, y);
}
Value CodeBuilder::less(Term a, Term b) { return compare(arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, a, b); }
Value CodeBuilder::lessEqual(Term a, Term b) {
  return compare(arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle, a, b);
}
Value CodeBuilder::equal(Term a, Term b) { return compare(arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, a, b); }

Value CodeBuilder::select(Value condition, Term a, Term b) {
  auto [x, y] = match(a, b);
  return createOrFold<arith::SelectOp>(condition, x, y);
}

// The type with another element type: a vector stays one of its length.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

Value CodeBuilder::toFloat(Value integer) {
  return arith::SIToFPOp::create(*this, withElement(integer.getType(), getF32Type()), integer);
}
Value CodeBuilder::toI64(Value i32) {
  return createOrFold<arith::ExtSIOp>(withElement(i32.getType(), getI64Type()), i32);
}
Value CodeBuilder::bitcast(Value a, Type type) { return arith::BitcastOp::create(*this, type, a); }

//===----------------------------------------------------------------------===//
// Elementary functions
//===----------------------------------------------------------------------===//

// Horner's scheme, highest coefficient first.
static Value polynomial(CodeBuilder &b, Value x, ArrayRef<double> coefficients) {
  Value sum = b.constant(x.getType(), coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = b.fma(sum, x, coefficient);
  return sum;
}

// 2^n * exp(r) with n = round(x / ln 2), |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer on every machine and
// leaves that integer in the low bits of the sum.
Value CodeBuilder::exp(Value x) {
  constexpr double magic = 12582912.0, lowest = -87.33654, highest = 88.37626;
  Type type = x.getType(), integer = withElement(type, getI32Type());
  Value underflow = less(x, lowest);
  Value inside = min(highest, max(lowest, x)); // NaN passes, being the second operand
  Value shifted = fma(inside, 1.4426950408889634, magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, -0.693145751953125, inside); // ln 2 in two parts: the first product is exact
  r = fma(n, -1.42860676533018e-06, r);
  Value p = polynomial(
      *this, r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  p = add(fma(mul(r, r), p, r), 1.0);
  Value exponent = shiftLeft(add(bitcast(shifted, integer), 127 - 0x4B400000), 23);
  return select(underflow, 0.0, mul(p, bitcast(exponent, type)));
}

// x = 2^e * m with m in [sqrt(1/2), sqrt(2)); log m by a polynomial in m - 1.
Value CodeBuilder::log(Value x) {
  Type type = x.getType(), integer = withElement(type, getI32Type());
  // Subtracting the bits of sqrt(1/2) makes the exponent field count from there.
  constexpr int32_t rootHalf = 0x3F3504F3;
  Value bits = sub(bitcast(x, integer), rootHalf);
  Value e = toFloat(arith::ShRSIOp::create(*this, bits, constant(integer, 23)));
  Value m = bitcast(add(bitAnd(bits, 0x7FFFFF), rootHalf), type);
  Value r = sub(m, 1.0), square = mul(r, r);
  Value p = polynomial(*this, r,
                       {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  p = fma(mul(r, square), p, mul(square, -0.5));
  p = fma(e, -2.12194440e-4, p); // ln 2 in two parts
  return fma(e, 0.693359375, add(r, p));
}

Value CodeBuilder::tanh(Value x) {
  Value magnitude = abs(x), square = mul(x, x);
  Value p = polynomial(*this, square,
                       {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  Value near = fma(mul(square, x), p, x); // |x| < 0.625, where the formula below would cancel
  Value far = sub(1.0, div(2.0, add(exp(mul(magnitude, 2.0)), 1.0)));
  far = math::CopySignOp::create(*this, far, x);
  return select(less(magnitude, 0.625), near, far);
}

Value CodeBuilder::sqrt(Value x) { return math::SqrtOp::create(*this, x); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static unsigned bytesOf(Type element) {
  return isa<LLVM::LLVMPointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
}

Value CodeBuilder::at(Value base, Term index, Type element) {
  if (!index.value && index.number == 0)
    return base;
  Value i = index.value ? index.value : i64(static_cast<int64_t>(index.number));
  return LLVM::GEPOp::create(*this, base.getType(), element ? element : getF32Type(), base, ArrayRef<LLVM::GEPArg>{i});
}

Value CodeBuilder::load(Type type, Value base, Term index) {
  Type element = getElementTypeOrSelf(type);
  return LLVM::LoadOp::create(*this, type, at(base, index, element), bytesOf(element));
}

void CodeBuilder::store(Value value, Value base, Term index) {
  Type element = getElementTypeOrSelf(value.getType());
  LLVM::StoreOp::create(*this, value, at(base, index, element), bytesOf(element));
}

Value CodeBuilder::stack(int64_t count, Type element) {
  InsertionGuard guard(*this);
  setInsertionPointToStart(&getBlock()->getParent()->getParentOfType<func::FuncOp>().getBody().front());
  return LLVM::AllocaOp::create(*this, ptrType(), element ? element : getF32Type(), i64(count), 64);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value CodeBuilder::shuffle(Value a, Value b, ArrayRef<int64_t> lanes) {
  return vector::ShuffleOp::create(*this, a, b, lanes);
}

Value CodeBuilder::extract(Value vector, int64_t lane) { return vector::ExtractOp::create(*this, vector, lane); }

Value CodeBuilder::any(Value condition) {
  if (!isa<VectorType>(condition.getType()))
    return condition;
  return vector::ReductionOp::create(*this, vector::CombiningKind::OR, condition);
}

Value CodeBuilder::reduce(Reduction kind, Value vector) {
  if (!isa<VectorType>(vector.getType()))
    return vector;
  for (int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0); lanes > 1; lanes /= 2) {
    SmallVector<int64_t> low(lanes / 2), high(lanes / 2);
    std::iota(low.begin(), low.end(), 0);
    std::iota(high.begin(), high.end(), lanes / 2);
    Value a = shuffle(vector, vector, low), c = shuffle(vector, vector, high);
    vector = kind == Reduction::sum ? add(a, c) : max(a, c);
  }
  return extract(vector, 0);
}

// Exchanges off-diagonal blocks of half, quarter, ... the size.
Values CodeBuilder::transpose(Values rows) {
  int64_t n = static_cast<int64_t>(rows.size());
  for (int64_t s = n / 2; s >= 1; s /= 2) {
    SmallVector<int64_t> low(n), high(n);
    for (int64_t lane = 0; lane < n; ++lane) {
      low[lane] = lane & s ? n + lane - s : lane;
      high[lane] = lane & s ? n + lane : lane + s;
    }
    for (int64_t i = 0; i < n; ++i) {
      if (i & s)
        continue;
      Value a = rows[i], c = rows[i + s];
      rows[i] = shuffle(a, c, low);
      rows[i + s] = shuffle(a, c, high);
    }
  }
  return rows;
}
