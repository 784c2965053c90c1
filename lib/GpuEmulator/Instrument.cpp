// Puts the emulator's calls before accesses and divisions and into loops.
#include "Instrument.h"

#include "qfa/GpuEmulator/Fiber.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;
using namespace qfa::emu;

static constexpr size_t longestText = 110;

static bool isDivision(const Instruction &instruction) {
  switch (instruction.getOpcode()) {
  case Instruction::UDiv:
  case Instruction::SDiv:
  case Instruction::URem:
  case Instruction::SRem:
    return instruction.getType()->isIntegerTy() && !isa<Constant>(instruction.getOperand(1));
  default:
    return false;
  }
}

Instrumenter::Instrumenter(Module &module, const DataLayout &device, bool checks,
                           std::vector<std::unique_ptr<Site>> &sites, SmallVectorImpl<std::string> &problems)
    : module(module), device(device), checks(checks), sites(sites), problems(problems) {
  LLVMContext &llvm = module.getContext();
  word64 = Type::getInt64Ty(llvm);
  word32 = Type::getInt32Ty(llvm);
  voidType = Type::getVoidTy(llvm);
  pointerType = PointerType::get(llvm, 0);
  // One tracker for all: printing an instruction alone numbers its whole function each time.
  ModuleSlotTracker tracker(&module);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    tracker.incorporateFunction(function);
    for (Instruction &instruction : instructions(function)) {
      if (!instruction.mayReadOrWriteMemory() && !isa<CallInst>(instruction) && !isDivision(instruction))
        continue;
      std::string text;
      raw_string_ostream stream(text);
      instruction.print(stream, tracker);
      StringRef kept = StringRef(text).ltrim();
      texts[&instruction] = kept.substr(0, kept.find(", !")).substr(0, longestText).str();
    }
  }
}

Site &Instrumenter::newSite(Instruction &instruction, OpKind kind) {
  auto site = std::make_unique<Site>();
  site->kind = kind;
  site->id = sites.size();
  site->function = instruction.getFunction()->getName();
  site->instruction = texts.lookup(&instruction);
  if (const DILocation *at = instruction.getDebugLoc().get())
    site->source = (at->getFilename() + ":" + Twine(at->getLine())).str();
  sites.push_back(std::move(site));
  return *sites.back();
}

Value *Instrumenter::constant(const void *address) {
  return ConstantExpr::getIntToPtr(ConstantInt::get(word64, uint64_t(address)), pointerType);
}

// The arithmetic of fiberContextOf.
Instruction *Instrumenter::context(Function &function) {
  Frame &frame = frames[&function];
  if (frame.context)
    return frame.context;
  IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().getFirstInsertionPt());
  Value *address = builder.CreateIntrinsic(Intrinsic::addressofreturnaddress, {pointerType}, {});
  address = builder.CreatePtrToInt(address, word64);
  Value *base = builder.CreateAnd(address, ~(fiberStackBytes - 1));
  Value *number = builder.CreateLShr(address, Log2_64(fiberStackBytes));
  Value *shift = builder.CreateMul(builder.CreateAnd(number, fiberShiftMask), builder.getInt64(fiberShiftBytes));
  Value *at = builder.CreateSub(builder.CreateAdd(base, builder.getInt64(fiberStackBytes - fiberContextBytes)), shift);
  frame.context = cast<Instruction>(builder.CreateIntToPtr(at, pointerType));
  return frame.context;
}

Value *Instrumenter::word(IRBuilderBase &builder, unsigned offset, Type *type) {
  Value *at = context(*builder.GetInsertBlock()->getParent());
  return builder.CreateLoad(type, builder.CreateConstGEP1_32(builder.getInt8Ty(), at, offset));
}

Value *Instrumenter::sharedAddress(Function &function, uint64_t offset) {
  Instruction *at = context(function);
  Frame &frame = frames[&function];
  if (!frame.shared) {
    IRBuilder<> builder(at->getNextNode());
    frame.shared = cast<Instruction>(word(builder, offsetof(FiberContext, shared), word64));
  }
  IRBuilder<> builder(frame.shared->getNextNode());
  Value *sum = builder.CreateAdd(frame.shared, builder.getInt64(offset));
  return builder.CreateIntToPtr(sum, PointerType::get(module.getContext(), 3));
}

void Instrumenter::checkAccess(Instruction &instruction, Value *pointer, Type *type, bool reads, bool writes,
                               bool atomic, Align alignment) {
  if (isa<AllocaInst>(getUnderlyingObject(pointer)))
    return;
  Site &site = newSite(instruction, OpKind::Access);
  site.reads = reads;
  site.writes = writes;
  site.atomic = atomic;
  site.addressSpace = pointer->getType()->getPointerAddressSpace();
  site.bytes = device.getTypeStoreSize(type);
  site.alignment = alignment.value();
  IRBuilder<> builder(&instruction);
  FunctionCallee check = module.getOrInsertFunction("qfa_emu_access", voidType, pointerType, word64);
  builder.CreateCall(check, {constant(&site), builder.CreatePtrToInt(pointer, word64)});
}

void Instrumenter::checkRange(Instruction &instruction, Value *pointer, Value *bytes, bool writes,
                              MaybeAlign alignment) {
  if (isa<AllocaInst>(getUnderlyingObject(pointer)))
    return;
  Site &site = newSite(instruction, OpKind::Access);
  site.reads = !writes;
  site.writes = writes;
  site.addressSpace = pointer->getType()->getPointerAddressSpace();
  site.alignment = alignment.valueOrOne().value();
  IRBuilder<> builder(&instruction);
  FunctionCallee check = module.getOrInsertFunction("qfa_emu_access_bytes", voidType, pointerType, word64, word64);
  builder.CreateCall(
      check, {constant(&site), builder.CreatePtrToInt(pointer, word64), builder.CreateZExtOrTrunc(bytes, word64)});
}

void Instrumenter::checkMemory(Instruction &instruction) {
  if (auto *load = dyn_cast<LoadInst>(&instruction))
    return checkAccess(*load, load->getPointerOperand(), load->getType(), true, false, load->isAtomic(),
                       load->getAlign());
  if (auto *store = dyn_cast<StoreInst>(&instruction))
    return checkAccess(*store, store->getPointerOperand(), store->getValueOperand()->getType(), false, true,
                       store->isAtomic(), store->getAlign());
  if (auto *update = dyn_cast<AtomicRMWInst>(&instruction))
    return checkAccess(*update, update->getPointerOperand(), update->getType(), true, true, true, update->getAlign());
  if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction))
    return checkAccess(*exchange, exchange->getPointerOperand(), exchange->getCompareOperand()->getType(), true, true,
                       true, exchange->getAlign());
  if (auto *many = dyn_cast<MemIntrinsic>(&instruction)) {
    if (auto *transfer = dyn_cast<MemTransferInst>(many))
      checkRange(*many, transfer->getRawSource(), many->getLength(), false, transfer->getSourceAlign());
    checkRange(*many, many->getRawDest(), many->getLength(), true, many->getDestAlign());
  }
}

// The host would stop at a division that a card lets pass with a value that means nothing.
void Instrumenter::checkDivision(BinaryOperator &division) {
  Site &site = newSite(division, OpKind::DivideByZero);
  IRBuilder<> builder(&division);
  Value *divisor = division.getOperand(1);
  Instruction *end = SplitBlockAndInsertIfThen(builder.CreateICmpEQ(divisor, ConstantInt::get(divisor->getType(), 0)),
                                               &division, /*Unreachable=*/false);
  builder.SetInsertPoint(end);
  FunctionCallee operate =
      module.getOrInsertFunction("qfa_emu_operate", voidType, pointerType, pointerType, pointerType);
  Value *none = ConstantPointerNull::get(pointerType);
  builder.CreateCall(operate, {constant(&site), none, none});
}

void Instrumenter::countInstructions(BasicBlock &block, unsigned count) {
  Instruction *first = &*block.getFirstInsertionPt();
  Instruction *at = context(*block.getParent());
  if (at->getParent() == &block) // the entry block is in no loop
    return;
  IRBuilder<> builder(first);
  Value *left = builder.CreateConstGEP1_32(builder.getInt8Ty(), at, offsetof(FiberContext, instructionsLeft));
  Value *rest = builder.CreateSub(builder.CreateLoad(word64, left), builder.getInt64(count));
  builder.CreateStore(rest, left);
  Value *spent = builder.CreateICmpSLT(rest, builder.getInt64(0));
  Instruction *end = SplitBlockAndInsertIfThen(spent, first, /*Unreachable=*/false);
  builder.SetInsertPoint(end);
  builder.CreateCall(module.getOrInsertFunction("qfa_emu_spend", voidType));
}

static SmallVector<std::pair<BasicBlock *, unsigned>> blocksInLoops(Function &function) {
  SmallVector<std::pair<BasicBlock *, unsigned>> blocks;
  for (auto component = scc_begin(&function); !component.isAtEnd(); ++component)
    if (component.hasCycle())
      for (BasicBlock *block : *component)
        blocks.emplace_back(block, block->size());
  return blocks;
}

void Instrumenter::run(Function &function) {
  function.setCallingConv(CallingConv::C);
  AttributeList kept;
  for (Argument &argument : function.args())
    if (argument.hasByValAttr())
      kept = kept.addParamAttribute(module.getContext(), argument.getArgNo(), argument.getAttribute(Attribute::ByVal));
  function.setAttributes(kept);
  auto loops = blocksInLoops(function);
  SmallVector<Instruction *> before;
  for (Instruction &instruction : instructions(function))
    before.push_back(&instruction);
  for (Instruction *instruction : before) {
    if (checks && texts.contains(instruction))
      checkMemory(*instruction);
    if (auto *update = dyn_cast<AtomicRMWInst>(instruction))
      update->setSyncScopeID(SyncScope::System); // the device's scopes mean nothing to the host
    if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(instruction))
      exchange->setSyncScopeID(SyncScope::System);
    if (auto *fence = dyn_cast<FenceInst>(instruction))
      fence->setSyncScopeID(SyncScope::System);
    if (checks && isDivision(*instruction))
      checkDivision(cast<BinaryOperator>(*instruction));
    if (auto *call = dyn_cast<CallInst>(instruction)) {
      call->setCallingConv(CallingConv::C);
      if (replaceCall(*call))
        call->eraseFromParent();
    }
  }
  if (checks)
    for (auto [block, count] : loops)
      countInstructions(*block, count);
}
