// Replaces calls of NVVM intrinsics and inline PTX by the emulator's functions.
#include "Instrument.h"

#include "qfa/GpuEmulator/AsmPatterns.h"
#include "qfa/GpuEmulator/Intrinsics.h"
#include "qfa/GpuEmulator/Math.h"

#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace qfa::emu;

// One buffer serves all operations of a function: each has read its operands, and its result is read, before the next.
AllocaInst *Instrumenter::slots(Function &function, AllocaInst *&place, uint64_t &size, uint64_t bytes) {
  IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().getFirstInsertionPt());
  if (!place) {
    place = builder.CreateAlloca(builder.getInt8Ty(), builder.getInt64(bytes));
    place->setAlignment(Align(slotBytes));
    size = bytes;
  }
  if (size < bytes) {
    place->setOperand(0, builder.getInt64(bytes));
    size = bytes;
  }
  return place;
}

// void function([site,] operands, result).
Value *Instrumenter::callFunction(IRBuilderBase &builder, Value *callee, Value *site, ArrayRef<Value *> operands,
                                  Type *result) {
  Function &function = *builder.GetInsertBlock()->getParent();
  Frame &frame = frames[&function];
  Value *in = ConstantPointerNull::get(pointerType), *out = in;
  if (!operands.empty())
    in = slots(function, frame.in, frame.inBytes, slotBytes * operands.size());
  if (!result->isVoidTy())
    out = slots(function, frame.out, frame.outBytes, std::max<uint64_t>(slotBytes, device.getTypeAllocSize(result)));
  for (auto [index, value] : llvm::enumerate(operands)) {
    Value *stored = value->getType()->isIntegerTy(1) ? builder.CreateZExt(value, builder.getInt8Ty()) : value;
    builder.CreateAlignedStore(stored, builder.CreateConstGEP1_32(builder.getInt8Ty(), in, slotBytes * index),
                               Align(slotBytes));
  }
  SmallVector<Value *> arguments;
  if (site)
    arguments.push_back(site);
  arguments.append({in, out});
  SmallVector<Type *> types(arguments.size(), pointerType);
  builder.CreateCall(FunctionType::get(voidType, types, false), callee, arguments);
  if (result->isVoidTy())
    return nullptr;
  if (result->isIntegerTy(1))
    return builder.CreateTrunc(builder.CreateLoad(builder.getInt8Ty(), out), result);
  return builder.CreateLoad(result, out);
}

Value *Instrumenter::callScalar(IRBuilderBase &builder, StringRef name, ArrayRef<Value *> operands, Type *result) {
  ScalarFunction *function = findScalar(std::string_view(name));
  return function ? callFunction(builder, constant(reinterpret_cast<void *>(function)), nullptr, operands, result)
                  : nullptr;
}

void Instrumenter::replaceOperation(CallInst &call, Site &site) {
  IRBuilder<> builder(&call);
  SmallVector<Value *> operands(call.args());
  Value *result;
  if (site.kind == OpKind::Scalar) {
    result = callFunction(builder, constant(reinterpret_cast<void *>(site.scalar)), nullptr, operands, call.getType());
  } else {
    FunctionCallee operate =
        module.getOrInsertFunction("qfa_emu_operate", voidType, pointerType, pointerType, pointerType);
    result = callFunction(builder, operate.getCallee(), constant(&site), operands, call.getType());
  }
  if (result)
    call.replaceAllUsesWith(result);
}

// The host rounds fma of 16-bit floats twice; each element goes through the emulator's own.
bool Instrumenter::replaceNarrowFma(CallInst &call) {
  Intrinsic::ID id = call.getIntrinsicID();
  Type *element = call.getType()->getScalarType();
  if ((id != Intrinsic::fma && id != Intrinsic::fmuladd) || !(element->isBFloatTy() || element->isHalfTy()))
    return false;
  IRBuilder<> builder(&call);
  StringRef name = element->isBFloatTy() ? "fma.rn.bf16" : "fma.rn.f16";
  auto *vector = dyn_cast<FixedVectorType>(call.getType());
  Value *result = PoisonValue::get(call.getType());
  for (unsigned i = 0; i < (vector ? vector->getNumElements() : 1); ++i) {
    SmallVector<Value *> operands;
    for (Value *operand : call.args())
      operands.push_back(vector ? builder.CreateExtractElement(operand, i) : operand);
    Value *one = callScalar(builder, name, operands, element);
    result = vector ? builder.CreateInsertElement(result, one, i) : one;
  }
  call.replaceAllUsesWith(result);
  return true;
}

bool Instrumenter::replaceCall(CallInst &call) {
  IRBuilder<> builder(&call);
  std::string function = call.getFunction()->getName().str();
  if (Site product; call.isInlineAsm() && describeWarpgroupMma(call, product)) {
    Site &site = newSite(call, product.kind);
    site.count = product.count;
    site.operands = product.operands;
    site.instruction = "wgmma.mma_async.m64n" + std::to_string(product.count * 8) + "k16.f32.bf16.bf16";
    replaceOperation(call, site);
    return true;
  }
  if (call.isInlineAsm()) {
    Value *value = emitAsm(call, builder, [&](StringRef name, ArrayRef<Value *> operands, Type *result) {
      return callScalar(builder, name, operands, result);
    });
    if (value)
      call.replaceAllUsesWith(value);
    else
      problems.push_back("inline asm in '" + function + "': " + texts.lookup(&call));
    return value;
  }
  Function *callee = call.getCalledFunction();
  if (!callee) // through a pointer: another function of this module
    return false;
  StringRef name = callee->getName();
  if (name == "__nvvm_reflect" || name.starts_with("llvm.nvvm.reflect")) {
    call.replaceAllUsesWith(ConstantInt::get(call.getType(), 0)); // no flush to zero, no fast square root
    return true;
  }
  if (name == "llvm.trap") {
    Site &site = newSite(call, OpKind::Trap);
    replaceOperation(call, site);
    return false; // the host's trap stays behind it, where nobody comes
  }
  if (replaceNarrowFma(call))
    return true;
  if (!name.consume_front("llvm.nvvm.")) {
    if (callee->isDeclaration() && !callee->isIntrinsic())
      problems.push_back("external function '" + name.str() + "'");
    return false;
  }
  if (name.starts_with("internal.addrspace.wrap")) {
    call.replaceAllUsesWith(builder.CreateAddrSpaceCast(call.getArgOperand(0), call.getType()));
    return true;
  }
  if (StringRef reg = name; reg.consume_front("read.ptx.sreg.")) {
    std::optional<unsigned> place = registerWord(std::string_view(reg));
    if (reg == "warpsize")
      call.replaceAllUsesWith(builder.getInt32(32));
    else if (place)
      call.replaceAllUsesWith(word(builder, 4 * *place, word32));
    else
      problems.push_back("special register '" + reg.str() + "' in '" + function + "'");
    return place || reg == "warpsize";
  }
  Site &site = newSite(call, OpKind::Trap);
  site.intrinsic = callee->getName().str();
  site.operands = call.arg_size();
  if (!describeIntrinsic(std::string_view(name), site)) {
    problems.push_back("intrinsic '" + site.intrinsic + "' in '" + function + "'");
    return false;
  }
  replaceOperation(call, site);
  return true;
}
