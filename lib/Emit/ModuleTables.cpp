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
      tables.kernels.push_back({kernel.getSymName().str(), 0, 0, kernelFlops(kernel)});
    }
  }
  tables.resident.assign(tables.parameters.size(), false);
  module.walk([&](WeightOp weight) { tables.resident[tables.parameterIndex.lookup(weight.getParameter())] = true; });
  for (auto func : module.getOps<func::FuncOp>())
    tables.entries.push_back(readEntry(func, tables));
  return tables;
}
