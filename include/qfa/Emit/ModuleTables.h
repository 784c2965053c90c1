// The tables of a compiled module, as read off the symbols and functions of a planned program.
//
// Indices follow the order of the symbols in the module, so that the entries' code and the tables agree by
// construction.
#ifndef QFA_EMIT_MODULETABLES_H
#define QFA_EMIT_MODULETABLES_H

#include "qfa/Dialect/Qfa.h"
#include "qfa/Support/GpuArch.h"
#include "qfa/module_abi.h"

#include "llvm/ADT/StringMap.h"

namespace qfa {

// What the tables say of the model beside its symbols.
struct ModuleInfo {
  std::string name;            // of the model
  std::string supernetOptions; // of --qfa-build-supernet
  std::string sampler = "resource-balanced";
  qfa_mode_t mode = QFA_MODE_DENSE;
  int64_t vocabulary = 0;
  int64_t context = 0;
};

struct EntryTable {
  std::string name;
  int64_t arenaBytes = 0, flops = 0, launches = 0;
  llvm::SmallVector<mlir::RankedTensorType> inputs, outputs;
};

struct KernelTableRow {
  std::string name;
  int64_t tiles = 0, scratchBytes = 0, flops = 0; // filled by the lowering of the kernels
  llvm::SmallVector<qfa_operand_t> operands = {}; // then results
  int64_t results = 0;
};

// A kernel on a GPU, as qfa_gpu_kernel_t.
struct GpuKernelRow {
  struct Launch {
    std::string function;
    int64_t grid[3];
    int64_t block, argument, shared;
    bool early;
    llvm::SmallVector<qfa_gpu_product_t> products;
  };
  int64_t pointers = 0, workspace = 0;
  llvm::SmallVector<Launch> launches;
};

// The GPU functions in one form.
struct GpuImage {
  qfa_gpu_image_kind_t kind;
  GpuArch arch;
  std::string bytes;
};

// The GPU functions of one choice of tiles, in all their forms.
struct GpuCode {
  llvm::StringMap<GpuKernelRow> kernels; // every kernel of the module
  llvm::SmallVector<GpuImage> images;
};

// Without code the program is not compiled for GPUs.
struct GpuTables {
  std::string precision; // as qfa_module_t::gpu_precision
  llvm::SmallVector<GpuCode> code;
};

struct ModuleTables {
  ModuleInfo info;
  GpuTables gpu;
  llvm::SmallVector<EntryTable> entries;
  llvm::SmallVector<KernelTableRow> kernels;
  llvm::SmallVector<ParameterOp> parameters;
  llvm::SmallVector<bool> resident; // by parameter: the code reads its values
  llvm::SmallVector<SiteOp> sites;
  llvm::SmallVector<ElasticOp> elastics;
  llvm::SmallVector<TrainableOp> trainables;
  llvm::StringMap<int64_t> parameterIndex, siteIndex, elasticIndex, trainableIndex, kernelIndex;
  llvm::StringMap<int64_t> stateOffset; // bytes, within the state's kind
  int64_t stateBytes[QFA_STATE_KIND_COUNT] = {};
};

// Reads the tables of a module whose functions hold planned launches. The ops stay owned by the module.
ModuleTables readModuleTables(mlir::ModuleOp module, ModuleInfo info);

} // namespace qfa

#endif // QFA_EMIT_MODULETABLES_H
