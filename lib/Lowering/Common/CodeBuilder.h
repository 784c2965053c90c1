// Builds the code of kernels: arithmetic on f32, i32 and i64 scalars or vectors of them, raw memory, loops.
//
// A body written once serves vectors and scalars: operations take their type from their operands, numbers and scalars
// are broadcast to the other operand's type. Integers that count or index are i64. Integer arithmetic folds, so static
// shapes become constants. Floating-point operations carry fastmath<contract> and nothing else: results do not depend
// on how LLVM would like to order them.
#ifndef QFA_LIB_LOWERING_COMMON_CODEBUILDER_H
#define QFA_LIB_LOWERING_COMMON_CODEBUILDER_H

#include "Isa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace qfa {

// A value, or a number that takes the type of whatever it meets.
class Term {
public:
  Term(mlir::Value value) : value(value) {}
  template <typename Number>
    requires std::is_arithmetic_v<Number>
  Term(Number number) : number(number) {}

  mlir::Value value;
  double number = 0;
};

using Values = llvm::SmallVector<mlir::Value>;
enum class Reduction { sum, max };

class CodeBuilder : public mlir::ImplicitLocOpBuilder {
public:
  CodeBuilder(mlir::Location loc, mlir::ModuleOp module, const Isa &target);

  const Isa &target;

  // Types. A vector of `lanes` of the given element type, f32 by default.
  mlir::Type f32() { return getF32Type(); }
  mlir::Type ptrType();
  mlir::VectorType vec(mlir::Type element = {}, int64_t lanes = 0);

  // Constants. `constant` splats over vector types; `constants` gives one value per lane.
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value constants(llvm::ArrayRef<int32_t> lanes);
  mlir::Value constants(llvm::ArrayRef<float> lanes);
  mlir::Value i64(int64_t value) { return constant(getI64Type(), value); }
  mlir::Value i32(int64_t value) { return constant(getI32Type(), value); }
  mlir::Value f32(double value) { return constant(getF32Type(), value); }
  mlir::Value broadcast(mlir::Value scalar, mlir::Type type); // unchanged when it has the type

  // Arithmetic. Integers are signed except in div, rem and shiftRight. max and min return b when either is NaN.
  mlir::Value add(Term a, Term b);
  mlir::Value sub(Term a, Term b);
  mlir::Value mul(Term a, Term b);
  mlir::Value div(Term a, Term b);
  mlir::Value rem(Term a, Term b);
  mlir::Value max(Term a, Term b);
  mlir::Value min(Term a, Term b);
  mlir::Value neg(mlir::Value a);
  mlir::Value abs(mlir::Value a);
  mlir::Value fma(Term a, Term b, Term c); // a * b + c, fused where the machine can
  mlir::Value bitAnd(Term a, Term b);
  mlir::Value bitOr(Term a, Term b);
  mlir::Value shiftLeft(Term a, Term b);
  mlir::Value shiftRight(Term a, Term b);
  mlir::Value less(Term a, Term b); // false when either is NaN
  mlir::Value lessEqual(Term a, Term b);
  mlir::Value equal(Term a, Term b);
  mlir::Value select(mlir::Value condition, Term a, Term b);
  mlir::Value toFloat(mlir::Value integer);            // i32 or i64, signed
  mlir::Value toI64(mlir::Value i32);                  // sign-extended
  mlir::Value bitcast(mlir::Value a, mlir::Type type); // between f32 and i32 of one shape

  // Elementary functions: about 1e-7 relative, NaN stays NaN. exp of less than -87.33 is 0, of more than 88.37
  // is 2.4e38.
  mlir::Value exp(mlir::Value x);
  mlir::Value log(mlir::Value x); // of positive, normal x
  mlir::Value tanh(mlir::Value x);
  mlir::Value sqrt(mlir::Value x);

  // Memory: indices count elements of the type loaded or stored (of its element type, for vectors).
  mlir::Value at(mlir::Value base, Term index, mlir::Type element = {}); // pointer to base[index], f32 by default
  mlir::Value load(mlir::Type type, mlir::Value base, Term index = 0);
  void store(mlir::Value value, mlir::Value base, Term index = 0);
  mlir::Value loadF32(mlir::Value base, Term index = 0) { return load(getF32Type(), base, index); }
  // `count` elements on the stack of the function, 64-byte aligned.
  mlir::Value stack(int64_t count, mlir::Type element = {});

  // Vectors.
  mlir::Value shuffle(mlir::Value a, mlir::Value b, llvm::ArrayRef<int64_t> lanes);
  mlir::Value extract(mlir::Value vector, int64_t lane);
  mlir::Value any(mlir::Value condition);                 // one bit: whether it holds in some lane
  mlir::Value reduce(Reduction kind, mlir::Value vector); // halves first, so the order is fixed
  // n vectors of n lanes (a power of two): out[i][j] = in[j][i].
  Values transpose(Values rows);

  // Control flow. Bodies emit at the builder's insertion point.
  void forLoop(Term lo, Term hi, Term step, llvm::function_ref<void(mlir::Value)> body);
  Values forLoop(Term lo, Term hi, Term step, mlir::ValueRange initial,
                 llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = {});
  Values ifElse(mlir::Value condition, mlir::TypeRange types, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  // Runs body(cases[i]) for the case that equals the integer; nothing when none does. One case is no switch.
  void switchOn(mlir::Value integer, llvm::ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body);

  // body(i, type) for 0 <= i < n: in steps of a register with type = vec(), the rest one by one with type = f32().
  void vectorLoop(Term n, llvm::function_ref<void(mlir::Value, mlir::Type)> body);
  // Reduces what the body returns, one value of the given type per kind, to scalars. An empty max is minus infinity.
  Values reduceLoop(Term n, llvm::ArrayRef<Reduction> kinds, llvm::function_ref<Values(mlir::Value, mlir::Type)> body);
  mlir::Value sumLoop(Term n, llvm::function_ref<mlir::Value(mlir::Value, mlir::Type)> body);
  mlir::Value maxLoop(Term n, llvm::function_ref<mlir::Value(mlir::Value, mlir::Type)> body);

  // Calls the module's internal function of that name (the instruction set's name is appended), which is made with the
  // types of the arguments when it is not there yet.
  using Body = llvm::function_ref<Values(CodeBuilder &, mlir::ValueRange)>;
  Values call(llvm::StringRef name, mlir::ValueRange arguments, Body body);

protected:
  // Marks a function for the instruction set.
  void setTarget(mlir::func::FuncOp function);

  mlir::ModuleOp module;

private:
  std::pair<mlir::Value, mlir::Value> match(Term a, Term b);
  template <typename FloatOp, typename IntOp>
  mlir::Value arithmetic(Term a, Term b);
  mlir::Value compare(mlir::arith::CmpFPredicate forFloat, mlir::arith::CmpIPredicate forInt, Term a, Term b);
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_CODEBUILDER_H
