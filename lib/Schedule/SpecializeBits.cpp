// Leaves bit choices to the site table, or turns them into constants.
#include "qfa/Schedule/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "Configuration.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/InterleavedRange.h"

namespace qfa {
#define GEN_PASS_DEF_SPECIALIZEBITS
#include "qfa/Schedule/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

struct SpecializeBitsPass : qfa::impl::SpecializeBitsBase<SpecializeBitsPass> {
  using SpecializeBitsBase::SpecializeBitsBase;

  void runOnOperation() override {
    LogicalResult result = failure();
    if (mode == "table")
      result = nameSampler();
    else if (mode == "static")
      result = specialize();
    else
      emitError(loc()) << "mode '" << mode << "' is not one of table, static";
    if (failed(result))
      return signalPassFailure();
    getOperation()->setAttr("qfa.mode", StringAttr::get(&getContext(), mode));
  }

private:
  Location loc() { return getOperation().getLoc(); }

  LogicalResult nameSampler() {
    if (sampler != "resource-balanced" && sampler != "uniform")
      return emitError(loc()) << "sampler '" << sampler << "' is not one of resource-balanced, uniform";
    getOperation()->setAttr("qfa.sampler", StringAttr::get(&getContext(), sampler));
    return success();
  }

  LogicalResult specialize() {
    if (scaleType != "f16" && scaleType != "f32")
      return emitError(loc()) << "scale type '" << scaleType << "' is not one of f16, f32";
    for (auto trainable : getOperation().getOps<TrainableOp>())
      return emitError(loc()) << "mode static wants a program without training, found trainable "
                              << trainable.getSymName();
    Configuration configured;
    if (failed(readConfiguration(configuration, loc(), configured)) ||
        (!file.empty() && failed(readConfigurationFile(file, loc(), configured))) || failed(chooseBits(configured)))
      return failure();
    narrowTypes();
    dropAdapters();
    dropDeadSymbols();
    return success();
  }

  // Every site keeps the width that the configuration gives it.
  LogicalResult chooseBits(const Configuration &configured) {
    llvm::DenseSet<StringRef> known;
    for (auto site : getOperation().getOps<SiteOp>()) {
      known.insert(site.getSymName());
      ArrayRef<int64_t> offered = site.getBits();
      auto it = configured.find(site.getSymName());
      if (it == configured.end()) {
        if (offered.size() == 1)
          continue;
        return emitError(site.getLoc()) << "configuration gives site " << site.getSymName() << " no bits";
      }
      if (!llvm::is_contained(offered, it->second))
        return emitError(site.getLoc()) << "configuration gives site " << site.getSymName() << " " << it->second
                                        << " bits, it offers " << llvm::interleaved(offered);
      site.setBits({it->second});
    }
    // In the order of the names, so that the message does not depend on hashing.
    SmallVector<StringRef> unknown;
    for (StringRef name : configured.keys())
      if (!known.contains(name))
        unknown.push_back(name);
    if (unknown.empty())
      return success();
    return emitError(loc()) << "configuration names site " << *llvm::min_element(unknown)
                            << ", which the model does not have";
  }

  void narrowTypes() {
    SymbolTable symbols(getOperation());
    Type scales = scaleType == "f16" ? Type(Float16Type::get(&getContext())) : Float32Type::get(&getContext());
    for (auto elastic : getOperation().getOps<ElasticOp>()) {
      auto type = cast<ElasticType>(elastic.getType());
      auto site = symbols.lookup<SiteOp>(elastic.getSite());
      elastic.setType(ElasticType::get(&getContext(), type.getOut(), type.getIn(), site.getBits(), type.getGroup(),
                                       /*rank=*/0, scales));
    }
    getOperation().walk([&](ElasticRefOp ref) {
      ref.getResult().setType(cast<ElasticType>(symbols.lookup<ElasticOp>(ref.getElastic()).getType()));
    });
  }

  void dropAdapters() {
    getOperation().walk([](LinearOp linear) { linear.getAdapterMutable().clear(); });
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
        if (isOpTriviallyDead(&op))
          op.erase();
  }

  // Users before what they use: a row before its site and its parameter.
  void dropDeadSymbols() {
    auto drop = [&](auto kind) {
      for (auto symbol : llvm::make_early_inc_range(getOperation().getOps<decltype(kind)>()))
        if (SymbolTable::symbolKnownUseEmpty(symbol, getOperation()))
          symbol.erase();
    };
    drop(ElasticOp());
    drop(SiteOp());
    drop(StateOp());
    drop(ParameterOp());
  }
};

} // namespace
