// What happens to a module as a whole: layouts, shared and global variables, entries of kernels.
#include "qfa/GpuEmulator/Retarget.h"

#include "Instrument.h"
#include "PlaceShared.h"

#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/TypeFinder.h"
#include "llvm/IR/Verifier.h"

using namespace llvm;
using namespace qfa::emu;

std::string qfa::emu::entrySymbol(StringRef kernel) { return ("qfa_emu_entry." + kernel).str(); }

static std::string textOf(Type *type) {
  std::string text;
  raw_string_ostream(text) << *type;
  return text;
}

// Memory is laid out by the device's rules and accessed by the host's: they must agree.
static void checkLayouts(Module &module, const DataLayout &device, const DataLayout &host,
                         SmallVectorImpl<std::string> &problems) {
  SmallPtrSet<Type *, 16> seen;
  auto check = [&](Type *type) {
    if (!type->isSized() || !seen.insert(type).second)
      return;
    bool same = device.getTypeAllocSize(type) == host.getTypeAllocSize(type);
    if (auto *structure = dyn_cast<StructType>(type); structure && same)
      for (unsigned i = 0; i < structure->getNumElements(); ++i)
        same &= device.getStructLayout(structure)->getElementOffset(i) ==
                host.getStructLayout(structure)->getElementOffset(i);
    if (!same)
      problems.push_back("type " + textOf(type) + ", which the host lays out otherwise");
  };
  TypeFinder types;
  types.run(module, /*onlyNamed=*/false);
  for (StructType *type : types)
    check(type);
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
        check(address->getSourceElementType());
      if (auto *store = dyn_cast<StoreInst>(&instruction))
        check(store->getValueOperand()->getType());
      if (isa<LoadInst>(instruction))
        check(instruction.getType());
    }
}

static void exportGlobals(Module &module, const DataLayout &device, Retargeted &parts,
                          SmallVectorImpl<std::string> &problems) {
  for (llvm::GlobalVariable &variable : module.globals()) {
    if (variable.isDeclaration() && !variable.use_empty())
      problems.push_back("external variable '" + variable.getName().str() + "'");
    if (variable.isDeclaration() || variable.getName().starts_with("llvm."))
      continue;
    std::string name = variable.hasName() ? variable.getName().str() : "constant";
    std::string symbol = "qfa_emu_global." + std::to_string(parts.globals.size());
    variable.setName(symbol);
    variable.setLinkage(GlobalValue::ExternalLinkage);
    parts.globals.push_back({name, symbol, device.getTypeAllocSize(variable.getValueType()), variable.isConstant()});
  }
}

// "128,1,1" of nvvm.maxntid and nvvm.reqntid.
static uint32_t threadLimit(const Function &kernel, StringRef attribute) {
  uint32_t limit = 1;
  for (StringRef part : split(kernel.getFnAttribute(attribute).getValueAsString(), ',')) {
    uint32_t size = 1;
    part.trim().getAsInteger(10, size);
    limit *= size;
  }
  return limit;
}

static KernelSignature signatureOf(const Function &kernel, const DataLayout &device) {
  KernelSignature signature;
  signature.name = kernel.getName();
  for (const Argument &argument : kernel.args())
    signature.parameterBytes.push_back(
        device.getTypeAllocSize(argument.hasByValAttr() ? argument.getParamByValType() : argument.getType()));
  signature.exactThreads = kernel.hasFnAttribute("nvvm.reqntid");
  if (signature.exactThreads)
    signature.maxThreads = threadLimit(kernel, "nvvm.reqntid");
  else if (kernel.hasFnAttribute("nvvm.maxntid"))
    signature.maxThreads = threadLimit(kernel, "nvvm.maxntid");
  return signature;
}

static void emitEntry(Module &module, Function &kernel) {
  LLVMContext &context = module.getContext();
  Type *pointer = PointerType::get(context, 0);
  Function *entry = Function::Create(FunctionType::get(Type::getVoidTy(context), {pointer}, false),
                                     Function::ExternalLinkage, entrySymbol(kernel.getName()), module);
  IRBuilder<> builder(BasicBlock::Create(context, "", entry));
  SmallVector<Value *> arguments;
  for (Argument &parameter : kernel.args()) {
    Value *at =
        builder.CreateLoad(pointer, builder.CreateConstGEP1_32(pointer, entry->getArg(0), parameter.getArgNo()));
    arguments.push_back(parameter.hasByValAttr() ? at : builder.CreateAlignedLoad(parameter.getType(), at, Align(1)));
  }
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
}

Expected<Retargeted> qfa::emu::retarget(Module &module, const DataLayout &host, const Triple &triple, bool checks) {
  Retargeted parts;
  SmallVector<std::string> problems;
  const DataLayout device = module.getDataLayout();
  checkLayouts(module, device, host, problems);
  module.setDataLayout(host);
  module.setTargetTriple(triple);
  for (StringRef name : {"llvm.used", "llvm.compiler.used"})
    if (llvm::GlobalVariable *list = module.getNamedGlobal(name))
      list->eraseFromParent();

  SmallVector<Function *> kernels, defined;
  for (Function &function : module) {
    if (function.getCallingConv() == CallingConv::PTX_Kernel && !function.isDeclaration()) {
      kernels.push_back(&function);
      parts.kernels.push_back(signatureOf(function, device));
    }
    if (!function.isDeclaration())
      defined.push_back(&function);
  }
  Instrumenter instrumenter(module, device, checks, parts.sites, problems);
  placeShared(module, kernels, device, instrumenter, parts, problems);
  exportGlobals(module, device, parts, problems);
  for (Function *function : defined)
    instrumenter.run(*function);
  if (!problems.empty()) {
    llvm::sort(problems);
    problems.erase(llvm::unique(problems), problems.end());
    return createStringError("not emulated: " + join(problems, "; "));
  }
  for (Function *function : defined) { // a kernel called "exp" must not become the host's exp
    function->setLinkage(GlobalValue::InternalLinkage);
    function->setComdat(nullptr);
  }
  for (Function *kernel : kernels)
    emitEntry(module, *kernel);
  for (StringRef name : {"nvvm.annotations", "nvvmir.version", "llvm.ident"})
    if (NamedMDNode *node = module.getNamedMetadata(name))
      node->eraseFromParent();
  StripDebugInfo(module);
  std::string error;
  raw_string_ostream stream(error);
  if (verifyModule(module, &stream))
    return createStringError("the instrumented module is not valid: " + error);
  return parts;
}
