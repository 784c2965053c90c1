// Writes the module tables as LLVM constants, field by field in the order of runtime/include/qfa/module_abi.h.
#include "qfa/Emit/EmitExecutable.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

using namespace qfa;
using llvm::Constant;

namespace {

class TableWriter {
public:
  explicit TableWriter(llvm::Module &module)
      : module(module), context(module.getContext()), pointer(llvm::PointerType::get(context, 0)) {}

  Constant *i32(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value, /*isSigned=*/true);
  }
  Constant *i64(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value, /*isSigned=*/true);
  }
  Constant *f64(double value) { return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), value); }
  Constant *f32(float value) { return llvm::ConstantFP::get(llvm::Type::getFloatTy(context), value); }
  Constant *null() { return llvm::ConstantPointerNull::get(pointer); }

  Constant *string(llvm::StringRef text) { return global(llvm::ConstantDataArray::getString(context, text)); }
  // Unpacked structs: LLVM's layout of these types is C's.
  Constant *record(llvm::ArrayRef<Constant *> fields) { return llvm::ConstantStruct::getAnon(context, fields); }
  Constant *list(llvm::ArrayRef<Constant *> items) {
    return llvm::ConstantArray::get(llvm::ArrayType::get(items.front()->getType(), items.size()), items);
  }
  // The address of a constant array of records; null when empty.
  Constant *table(llvm::ArrayRef<Constant *> rows) { return rows.empty() ? null() : global(list(rows)); }
  Constant *function(llvm::StringRef name) {
    return llvm::cast<Constant>(
        module.getOrInsertFunction(name, llvm::FunctionType::get(llvm::Type::getVoidTy(context), false)).getCallee());
  }

private:
  Constant *global(Constant *value) {
    auto *g = new llvm::GlobalVariable(module, value->getType(), true, llvm::GlobalValue::PrivateLinkage, value, "");
    g->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return g;
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
};

Constant *dims(TableWriter &w, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<Constant *> values(4, w.i64(1));
  for (auto [i, dim] : llvm::enumerate(shape.take_front(4)))
    values[i] = w.i64(dim);
  return w.list(values);
}

Constant *tensorRow(TableWriter &w, mlir::RankedTensorType type) {
  int dtype = type.getElementType().isF32() ? QFA_F32 : QFA_I32;
  return w.record({w.i32(dtype), w.i32(type.getRank()), dims(w, type.getShape())});
}

Constant *entryRow(TableWriter &w, const EntryTable &entry) {
  llvm::SmallVector<Constant *> tensors;
  for (auto type : entry.inputs)
    tensors.push_back(tensorRow(w, type));
  for (auto type : entry.outputs)
    tensors.push_back(tensorRow(w, type));
  return w.record({w.string(entry.name), w.function("qfa_entry_" + entry.name), w.i64(entry.arenaBytes),
                   w.i64(entry.flops), w.i64(entry.launches), w.i32(entry.inputs.size()), w.i32(entry.outputs.size()),
                   w.table(tensors)});
}

Constant *siteRow(TableWriter &w, SiteOp site) {
  llvm::SmallVector<Constant *> bits(4, w.i32(0));
  for (auto [i, b] : llvm::enumerate(site.getBits()))
    bits[i] = w.i32(b);
  return w.record({w.string(site.getSymName()), w.i32(site.getBits().size()), w.list(bits)});
}

Constant *elasticRow(TableWriter &w, ElasticOp elastic, const ModuleTables &tables) {
  ElasticType type = llvm::cast<ElasticType>(elastic.getType());
  return w.record({w.string(elastic.getSymName()), w.i32(tables.parameterIndex.lookup(elastic.getParameter())),
                   w.i32(tables.siteIndex.lookup(elastic.getSite())), w.i64(type.getOut()), w.i64(type.getIn()),
                   w.i64(type.getGroup()), w.i64(type.getRank()), w.f32(elastic.getAlpha().convertToFloat()),
                   w.i32(type.getScales().isF16() ? QFA_F16 : QFA_F32)});
}

Constant *trainableRow(TableWriter &w, TrainableOp trainable, const ModuleTables &tables) {
  int role = llvm::StringSwitch<int>(trainable.getRole())
                 .Case("adapter_a", QFA_ROLE_ADAPTER_A)
                 .Case("adapter_b", QFA_ROLE_ADAPTER_B)
                 .Default(QFA_ROLE_VALUE);
  const auto &sources = role == QFA_ROLE_VALUE ? tables.parameterIndex : tables.elasticIndex;
  return w.record({w.string(trainable.getSymName()), w.i32(role), w.i32(sources.lookup(trainable.getSource())),
                   w.i64(llvm::cast<TrainableType>(trainable.getType()).getNumElements()),
                   w.i64(tables.stateOffset.lookup(trainable.getGradient()))});
}

Constant *gpuProductRow(TableWriter &w, const qfa_gpu_product_t &product) {
  auto factor = [&](const qfa_gpu_factor_t &factor) {
    return w.record({w.i64(factor.offset), w.i64(factor.stride), w.i32(factor.transposed), w.i32(0)});
  };
  return w.record({w.i64(product.m), w.i64(product.n), w.i64(product.k), factor(product.left), factor(product.right),
                   w.i32(product.result), w.i32(product.addend), w.i64(product.offset), w.i64(product.stride),
                   w.f64(product.scale)});
}

Constant *gpuKernelRow(TableWriter &w, const GpuKernelRow &kernel) {
  llvm::SmallVector<Constant *> launches;
  for (const GpuKernelRow::Launch &launch : kernel.launches) {
    llvm::SmallVector<Constant *> products;
    for (const qfa_gpu_product_t &product : launch.products)
      products.push_back(gpuProductRow(w, product));
    launches.push_back(w.record({w.string(launch.function),
                                 w.list({w.i32(launch.grid[0]), w.i32(launch.grid[1]), w.i32(launch.grid[2])}),
                                 w.i32(launch.block), w.i32(launch.early), w.i32(launch.shared), w.i64(launch.argument),
                                 w.i64(products.size()), w.table(products)}));
  }
  return w.record({w.i64(kernel.pointers), w.i64(kernel.workspace), w.i64(launches.size()), w.table(launches)});
}

} // namespace

llvm::StringRef qfa::isaName(qfa_isa_t isa) {
  switch (isa) {
  case QFA_ISA_AVX2:
    return "avx2";
  case QFA_ISA_AVX512:
    return "avx512";
  default:
    return "portable";
  }
}

void qfa::emitModuleTables(llvm::Module &module, const ModuleTables &tables, llvm::ArrayRef<qfa_isa_t> compiledFor) {
  TableWriter w(module);
  llvm::SmallVector<Constant *> entries, kernels, parameters, sites, elastics, trainables, stateBytes;
  for (const EntryTable &entry : tables.entries)
    entries.push_back(entryRow(w, entry));
  for (const KernelTableRow &kernel : tables.kernels) {
    llvm::SmallVector<Constant *> functions(QFA_ISA_COUNT, w.null());
    for (qfa_isa_t isa : compiledFor)
      functions[isa] = w.function(kernel.name + "__" + isaName(isa).str());
    llvm::SmallVector<Constant *> operands;
    for (const qfa_operand_t &operand : kernel.operands)
      operands.push_back(w.record({w.i32(operand.kind), w.i32(operand.rank), w.i64(operand.elements)}));
    kernels.push_back(w.record({w.string(kernel.name), w.i64(kernel.tiles), w.i64(kernel.scratchBytes),
                                w.i64(kernel.flops), w.list(functions), w.i32(operands.size() - kernel.results),
                                w.i32(kernel.results), w.table(operands)}));
  }
  for (auto [i, parameter] : llvm::enumerate(tables.parameters)) {
    ParameterOp op = parameter;
    auto shape = llvm::cast<mlir::RankedTensorType>(op.getType()).getShape();
    parameters.push_back(w.record({w.string(op.getSymName()), w.i32(shape.size()), w.i32(tables.resident[i]),
                                   dims(w, shape), w.i32(op.getRounded() ? QFA_F16 : QFA_F32)}));
  }
  for (SiteOp site : tables.sites)
    sites.push_back(siteRow(w, site));
  for (ElasticOp elastic : tables.elastics)
    elastics.push_back(elasticRow(w, elastic, tables));
  for (TrainableOp trainable : tables.trainables)
    trainables.push_back(trainableRow(w, trainable, tables));
  for (int64_t bytes : tables.stateBytes)
    stateBytes.push_back(w.i64(bytes));

  llvm::SmallVector<Constant *> gpuImages;
  for (const GpuCode &code : tables.gpu.code) {
    llvm::SmallVector<Constant *> gpuKernels;
    for (const KernelTableRow &kernel : tables.kernels)
      gpuKernels.push_back(gpuKernelRow(w, code.kernels.lookup(kernel.name)));
    Constant *rows = w.table(gpuKernels);
    for (const GpuImage &image : code.images)
      gpuImages.push_back(w.record({w.i32(image.kind), w.i32(image.arch.number), w.i32(image.arch.feature), w.i32(0),
                                    w.i64(image.bytes.size()), w.string(image.bytes), rows}));
  }

  const ModuleInfo &info = tables.info;
  Constant *value = w.record({w.i32(QFA_MODULE_ABI_VERSION),
                              w.i32(sizeof(qfa_module_t)),
                              w.string(info.name),
                              w.string(QFA_VERSION),
                              w.i32(info.mode),
                              w.i32(QFA_ISA_COUNT),
                              w.i64(info.vocabulary),
                              w.i64(info.context),
                              w.list(stateBytes),
                              w.string(info.sampler),
                              w.i64(entries.size()),
                              w.table(entries),
                              w.i64(kernels.size()),
                              w.table(kernels),
                              w.i64(parameters.size()),
                              w.table(parameters),
                              w.i64(sites.size()),
                              w.table(sites),
                              w.i64(elastics.size()),
                              w.table(elastics),
                              w.i64(trainables.size()),
                              w.table(trainables),
                              w.string(info.supernetOptions),
                              w.string(tables.gpu.precision),
                              w.i64(gpuImages.size()),
                              w.table(gpuImages)});
  auto *symbol =
      new llvm::GlobalVariable(module, value->getType(), true, llvm::GlobalValue::ExternalLinkage, value, "qfa_module");
  assert(module.getDataLayout().getTypeAllocSize(value->getType()) == sizeof(qfa_module_t) && "layout of the ABI");
  symbol->setAlignment(llvm::Align(64));
}
