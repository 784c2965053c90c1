// Reads the module tables off the symbols and functions of a planned program.
#include "qfa/Emit/ModuleTables.h"

using namespace mlir;
using namespace qfa;

static int64_t kernelFlops(KernelOp kernel) {
  int64_t flops = 0;
  for (Operation &op : kernel.getBody().front()) {
    if (auto counted = dyn_cast<KernelOpInterface>(op))
      flops += counted.getFlops();
    else if (!isa<YieldOp, arith::ConstantOp>(op)) // elementwise: one operation per element
      flops += cast<RankedTensorType>(op.getResult(0).getType()).getNumElements();
  }
  return flops;
}

static qfa_operand_t describe(Type type, const ModuleTables &tables) {
  auto row = [](qfa_operand_kind_t kind, int64_t rank, int64_t elements) {
    return qfa_operand_t{kind, static_cast<int32_t>(rank), elements};
  };
  if (isa<ElasticType>(type)) {
    auto same = llvm::find_if(tables.elastics, [&](ElasticOp elastic) { return elastic.getType() == type; });
    return row(QFA_OPERAND_ELASTIC, 2, same == tables.elastics.end() ? -1 : same - tables.elastics.begin());
  }
  if (auto buffer = dyn_cast<BufferType>(type))
    return row(QFA_OPERAND_BUFFER, buffer.getShape().size(), buffer.getNumElements());
  if (auto trainable = dyn_cast<TrainableType>(type))
    return row(QFA_OPERAND_TRAINABLE, trainable.getShape().size(), trainable.getNumElements());
  auto tensor = cast<RankedTensorType>(type);
  return row(tensor.getElementType().isF32() ? QFA_OPERAND_F32 : QFA_OPERAND_I32, tensor.getRank(),
             tensor.getNumElements());
}

static KernelTableRow readKernel(KernelOp kernel, const ModuleTables &tables) {
  KernelTableRow row{kernel.getSymName().str(), 0, 0, kernelFlops(kernel)};
  Block &body = kernel.getBody().front();
  for (Type type : body.getArgumentTypes())
    row.operands.push_back(describe(type, tables));
  for (Type type : body.getTerminator()->getOperandTypes())
    row.operands.push_back(describe(type, tables));
  row.results = body.getTerminator()->getNumOperands();
  return row;
}

static EntryTable readEntry(func::FuncOp func, const ModuleTables &tables) {
  EntryTable entry;
  entry.name = func.getSymName();
  if (auto bytes = func->getAttrOfType<IntegerAttr>("qfa.arena_bytes"))
    entry.arenaBytes = bytes.getInt();
  for (Type type : func.getArgumentTypes())
    entry.inputs.push_back(cast<RankedTensorType>(type));
  for (Type type : func.getResultTypes())
    entry.outputs.push_back(cast<RankedTensorType>(type));
  for (auto launch : func.getOps<LaunchOp>()) {
    ++entry.launches;
    entry.flops += tables.kernels[tables.kernelIndex.lookup(launch.getKernel())].flops;
  }
  return entry;
}

ModuleTables qfa::readModuleTables(ModuleOp module, ModuleInfo info) {
  ModuleTables tables;
  tables.info = std::move(info);
  for (Operation &op : *module.getBody()) {
    if (auto parameter = dyn_cast<ParameterOp>(op)) {
      tables.parameterIndex[parameter.getSymName()] = tables.parameters.size();
      tables.parameters.push_back(parameter);
    } else if (auto site = dyn_cast<SiteOp>(op)) {
      tables.siteIndex[site.getSymName()] = tables.sites.size();
      tables.sites.push_back(site);
    } else if (auto elastic = dyn_cast<ElasticOp>(op)) {
      tables.elasticIndex[elastic.getSymName()] = tables.elastics.size();
      tables.elastics.push_back(elastic);
    } else if (auto trainable = dyn_cast<TrainableOp>(op)) {
      tables.trainableIndex[trainable.getSymName()] = tables.trainables.size();
      tables.trainables.push_back(trainable);
    } else if (auto state = dyn_cast<StateOp>(op)) {
      // Without padding: qfa.state_all is the sum of its parts.
      int64_t &bytes = tables.stateBytes[static_cast<int>(state.getKind())];
      tables.stateOffset[state.getSymName()] = bytes;
      bytes += cast<BufferType>(state.getType()).getNumElements() * 4;
    } else if (auto kernel = dyn_cast<KernelOp>(op)) {
      tables.kernelIndex[kernel.getSymName()] = tables.kernels.size();
      tables.kernels.emplace_back();
    }
  }
  for (auto [row, kernel] : llvm::zip(tables.kernels, module.getOps<KernelOp>()))
    row = readKernel(kernel, tables);
  tables.resident.assign(tables.parameters.size(), false);
  module.walk([&](WeightOp weight) { tables.resident[tables.parameterIndex.lookup(weight.getParameter())] = true; });
  for (auto func : module.getOps<func::FuncOp>())
    tables.entries.push_back(readEntry(func, tables));
  return tables;
}
