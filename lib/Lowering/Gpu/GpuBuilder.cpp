// The frame of a GPU function and what its threads do together.
#include "GpuBuilder.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace qfa;

// One lane: a GPU's vectors are its warps. mr and nr are the CPU micro-kernel's.
static const Isa gpuTarget = {"gpu", 1, 1, 1, true, true, "", ""};

static constexpr unsigned globalSpace = 1, sharedSpace = 3;

GpuBuilder::GpuBuilder(KernelOp kernel, gpu::GPUModuleOp into, StringRef name, int64_t threads)
    : CodeBuilder(kernel.getLoc(), kernel->getParentOfType<ModuleOp>(), gpuTarget), threads(threads), kernel(kernel),
      into(into) {
  setInsertionPointToEnd(into.getBody());
  Type pointer = LLVM::LLVMPointerType::get(getContext(), globalSpace);
  Block &body = kernel.getBody().front();
  SmallVector<Type> types(body.getNumArguments() + body.getTerminator()->getNumOperands() + 1, pointer);
  types.push_back(getI64Type()); // .., workspace, argument
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), types);
  function = LLVM::LLVMFuncOp::create(*this, name, type);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  setInsertionPointToStart(function.addEntryBlock(*this));
  threadIndex = toI64(NVVM::ThreadIdXOp::create(*this, getI32Type()));
}

void GpuBuilder::finish() { LLVM::ReturnOp::create(*this, ValueRange()); }

void GpuBuilder::wantBlocks(int32_t perMultiprocessor) {
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), getI32IntegerAttr(perMultiprocessor));
}

int64_t qfa::pointerIndex(KernelOp kernel, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getArgNumber();
  Block &body = kernel.getBody().front();
  ValueRange yielded = body.getTerminator()->getOperands();
  auto found = llvm::find(yielded, value);
  assert(found != yielded.end() && "results of a kernel's op are yielded");
  return body.getNumArguments() + std::distance(yielded.begin(), found);
}

Value GpuBuilder::operand(Value value) { return function.getArgument(pointerIndex(kernel, value)); }
Value GpuBuilder::result(Value value) { return function.getArgument(pointerIndex(kernel, value)); }

SiteRow GpuBuilder::site(Value elastic) { return loadSiteRow(*this, operand(elastic)); }

TrainableRow GpuBuilder::trainable(Value value) { return loadTrainableRow(*this, operand(value)); }

Value GpuBuilder::workspace(int64_t bytes) {
  return at(function.getArgument(function.getNumArguments() - 2), bytes, getI8Type());
}
Value GpuBuilder::argument() { return function.getArgument(function.getNumArguments() - 1); }

Value GpuBuilder::thread() { return threadIndex; }

Value GpuBuilder::block(int dimension) {
  Type type = getI32Type();
  Value index = dimension == 0   ? NVVM::BlockIdXOp::create(*this, type).getResult()
                : dimension == 1 ? NVVM::BlockIdYOp::create(*this, type).getResult()
                                 : NVVM::BlockIdZOp::create(*this, type).getResult();
  return toI64(index);
}

void GpuBuilder::barrier() { NVVM::BarrierOp::create(*this); }

void GpuBuilder::forThreads(Term n, llvm::function_ref<void(Value)> body) { forLoop(thread(), n, threads, body); }

void GpuBuilder::forGrid(int64_t n, llvm::function_ref<void(Value)> body, int dimension) {
  Value i = add(mul(block(dimension), threads), thread());
  ifThen(less(i, n), [&] { body(i); });
}

Value GpuBuilder::declareShared(LLVM::Linkage linkage, const Twine &suffix, int64_t count, Type element,
                                int64_t alignment) {
  InsertionGuard guard(*this);
  setInsertionPointToStart(into.getBody());
  std::string name = (function.getName() + suffix).str();
  auto global = LLVM::GlobalOp::create(*this, LLVM::LLVMArrayType::get(element, count), /*isConstant=*/false, linkage,
                                       name, Attribute(), alignment, sharedSpace);
  setInsertionPointToStart(&function.getBody().front());
  return LLVM::AddressOfOp::create(*this, global);
}

Value GpuBuilder::shared(int64_t count, Type element) {
  element = element ? element : getF32Type();
  sharedBytes += llvm::alignTo(count * element.getIntOrFloatBitWidth() / 8, 16);
  return declareShared(LLVM::Linkage::Internal, "__shared" + Twine(sharedCount++), count, element, 16);
}

Value GpuBuilder::dynamicShared(int64_t count, Type element, int64_t alignment) {
  element = element ? element : getF32Type();
  if (!dynamicStart) // all names of dynamic shared memory begin at one address
    dynamicStart = declareShared(LLVM::Linkage::External, "__dynamic", 0, getI8Type(), alignment);
  int64_t first = dynamicBytes;
  dynamicBytes += llvm::alignTo(count * element.getIntOrFloatBitWidth() / 8, 16);
  return at(dynamicStart, first, getI8Type());
}

Value GpuBuilder::shuffleXor(Value f32, int64_t mask) {
  Value everyLane = i32(-1), lastLane = i32(kWarp - 1);
  return NVVM::ShflOp::create(*this, f32.getType(), everyLane, f32, i32(mask), lastLane, NVVM::ShflKind::bfly,
                              /*return_value_and_is_valid=*/UnitAttr());
}

static Value combine(CodeBuilder &b, Reduction kind, Value x, Value y) {
  return kind == Reduction::sum ? b.add(x, y) : b.max(x, y);
}

Value GpuBuilder::reduceWarp(Reduction kind, Value f32) {
  for (int64_t mask = kWarp / 2; mask > 0; mask /= 2)
    f32 = combine(*this, kind, f32, shuffleXor(f32, mask));
  return f32;
}

Value GpuBuilder::reduceBlock(Reduction kind, Value f32) {
  f32 = reduceWarp(kind, f32);
  int64_t warps = threads / kWarp;
  if (warps == 1)
    return f32;
  Value parts = shared(warps);
  ifThen(equal(lane(), 0), [&] { store(f32, parts, warp()); });
  barrier();
  Value total = loadF32(parts);
  for (int64_t i = 1; i < warps; ++i)
    total = combine(*this, kind, total, loadF32(parts, i));
  return total;
}

Value GpuBuilder::vectorOf(ValueRange scalars) {
  VectorType type = vec(scalars[0].getType(), static_cast<int64_t>(scalars.size()));
  return vector::FromElementsOp::create(*this, type, scalars);
}

Value GpuBuilder::loadAligned(VectorType type, Value base, Term index) {
  Type element = type.getElementType();
  return LLVM::LoadOp::create(*this, type, at(base, index, element),
                              type.getNumElements() * element.getIntOrFloatBitWidth() / 8);
}

void GpuBuilder::storeAligned(Value vector, Value base, Term index) {
  auto type = cast<VectorType>(vector.getType());
  Type element = type.getElementType();
  LLVM::StoreOp::create(*this, vector, at(base, index, element),
                        type.getNumElements() * element.getIntOrFloatBitWidth() / 8);
}

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

Value GpuBuilder::toBf16(Value f32) {
  return arith::TruncFOp::create(*this, withElement(f32.getType(), getBF16Type()), f32);
}
Value GpuBuilder::fromBf16(Value bf16) {
  return arith::ExtFOp::create(*this, withElement(bf16.getType(), getF32Type()), bf16);
}
