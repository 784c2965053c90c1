// Rewrites the functions of a module for the emulator, one after another.
#ifndef QFA_GPUEMULATOR_INSTRUMENT_H
#define QFA_GPUEMULATOR_INSTRUMENT_H

#include "qfa/GpuEmulator/Site.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <memory>
#include <vector>

namespace qfa::emu {

class Instrumenter {
public:
  // Keeps the text of every instruction that may be reported, before anything is changed.
  Instrumenter(llvm::Module &module, const llvm::DataLayout &device, bool checks,
               std::vector<std::unique_ptr<Site>> &sites, llvm::SmallVectorImpl<std::string> &problems);

  // A place in the block's shared memory, for use anywhere in the function.
  llvm::Value *sharedAddress(llvm::Function &function, uint64_t offset);

  void run(llvm::Function &function);

private:
  // What the entry block of a function holds for all of it.
  struct Frame {
    llvm::Instruction *context = nullptr, *shared = nullptr;
    llvm::AllocaInst *in = nullptr, *out = nullptr; // operands and result of an operation, of as many bytes:
    uint64_t inBytes = 0, outBytes = 0;
  };

  llvm::Instruction *context(llvm::Function &function);
  llvm::AllocaInst *slots(llvm::Function &function, llvm::AllocaInst *&place, uint64_t &size, uint64_t bytes);
  llvm::Value *word(llvm::IRBuilderBase &builder, unsigned offset, llvm::Type *type);
  Site &newSite(llvm::Instruction &instruction, OpKind kind);
  llvm::Value *constant(const void *address);

  void checkAccess(llvm::Instruction &instruction, llvm::Value *pointer, llvm::Type *type, bool reads, bool writes,
                   bool atomic, llvm::Align alignment);
  void checkRange(llvm::Instruction &instruction, llvm::Value *pointer, llvm::Value *bytes, bool writes,
                  llvm::MaybeAlign alignment);
  void checkMemory(llvm::Instruction &instruction);
  void checkDivision(llvm::BinaryOperator &division);
  void countInstructions(llvm::BasicBlock &block, unsigned count);

  // Both replace the call, or say that they do not know it.
  bool replaceCall(llvm::CallInst &call);
  bool replaceNarrowFma(llvm::CallInst &call);
  void replaceOperation(llvm::CallInst &call, Site &site);
  llvm::Value *callFunction(llvm::IRBuilderBase &builder, llvm::Value *function, llvm::Value *site,
                            llvm::ArrayRef<llvm::Value *> operands, llvm::Type *result);
  llvm::Value *callScalar(llvm::IRBuilderBase &builder, llvm::StringRef name, llvm::ArrayRef<llvm::Value *> operands,
                          llvm::Type *result);

  llvm::Module &module;
  const llvm::DataLayout &device;
  bool checks;
  std::vector<std::unique_ptr<Site>> &sites;
  llvm::SmallVectorImpl<std::string> &problems;
  llvm::DenseMap<const llvm::Instruction *, std::string> texts;
  llvm::DenseMap<const llvm::Function *, Frame> frames;
  llvm::Type *word64, *word32, *voidType;
  llvm::PointerType *pointerType;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_INSTRUMENT_H
