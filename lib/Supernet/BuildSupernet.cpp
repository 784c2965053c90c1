// Makes linear layers elastic: 1. read the options; 2. collect the layers of @forward and group them; 3. declare sites
// and rows;
// 4. rewrite embedding and layers.
#include "qfa/Supernet/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "GroupSize.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InterleavedRange.h"

namespace qfa {
#define GEN_PASS_DEF_BUILDSUPERNET
#include "qfa/Supernet/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

// A linear layer of a block, or the embedding or head.
struct Layer {
  Operation *op; // qfa.linear or qfa.embedding
  WeightOp weight;
  std::string name;  // of the parameter without ".weight"
  std::string block; // "model.layers.0"; for a layer outside of blocks its own name
};

std::string blockOf(StringRef name) {
  SmallVector<StringRef> parts;
  name.split(parts, '.');
  for (size_t i = 1; i + 1 < parts.size(); ++i)
    if (llvm::all_of(parts[i], llvm::isDigit))
      return llvm::join(ArrayRef(parts).take_front(i + 1), ".");
  return name.str();
}

// {..self_attn.q_proj, ..self_attn.k_proj, ..self_attn.v_proj} make "..self_attn.qkv", gate and up "..mlp.gate_up",
// whatever their order in the graph.
std::string joinedName(ArrayRef<Layer *> layers) {
  SmallVector<StringRef> parts;
  for (Layer *layer : layers)
    parts.push_back(StringRef(layer->name).substr(StringRef(layer->name).rfind('.') + 1));
  for (StringRef &part : parts)
    part.consume_back("_proj");
  llvm::sort(parts, [](StringRef a, StringRef b) {
    return std::pair(StringRef("qkv").find(a), a) < std::pair(StringRef("qkv").find(b), b);
  });
  bool letters = llvm::all_of(parts, [](StringRef part) { return part.size() == 1; });
  StringRef parent = StringRef(layers.front()->name);
  parent = parent.take_front(parent.rfind('.') + 1);
  return parent.str() + llvm::join(parts, letters ? "" : "_");
}

struct BuildSupernetPass : qfa::impl::BuildSupernetBase<BuildSupernetPass> {
  using BuildSupernetBase::BuildSupernetBase;

  void runOnOperation() override {
    if (failed(checkOptions()) || failed(collectLayers()) || failed(checkGroupSizes()))
      return signalPassFailure();
    declareRows();
    for (Layer &layer : layers)
      rewrite(layer);
    for (Layer &layer : tables)
      rewrite(layer);
    getOperation()->setAttr("qfa.supernet_options", StringAttr::get(&getContext(), optionsText()));
  }

private:
  LogicalResult checkOptions() {
    // At the location only: a note with the whole module would bury the text.
    Location loc = getOperation().getLoc();
    widths.assign(bits.begin(), bits.end());
    if (widths.empty())
      widths = {2, 3, 4};
    int64_t previous = 0;
    for (int64_t b : widths) {
      if (b != 2 && b != 3 && b != 4 && b != 8)
        return emitError(loc) << "bit width " << b << " is not one of 2, 3, 4, 8";
      if (b <= previous)
        return emitError(loc) << "bit widths must ascend, found " << previous << " before " << b;
      previous = b;
    }
    if (granularity != "linear" && granularity != "group" && granularity != "block")
      return emitError(loc) << "granularity '" << granularity << "' is not one of linear, group, block";
    if (groupSize != "auto" && (StringRef(groupSize).getAsInteger(10, fixedGroup) || fixedGroup <= 0))
      return emitError(loc) << "group size '" << groupSize << "' is neither a positive number nor auto";
    if (rank < 0)
      return emitError(loc) << "adapter rank " << rank.getValue() << " is negative";
    if (!(alpha > 0))
      return emitError(loc) << "adapter strength " << alpha.getValue() << " is not positive";
    if (!llvm::is_contained({2, 3, 4, 8, 16}, static_cast<int64_t>(embeddingBits)))
      return emitError(loc) << "embedding bit width " << embeddingBits.getValue() << " is not one of 2, 3, 4, 8, 16";
    return success();
  }

  LogicalResult collectLayers() {
    forward = getOperation().lookupSymbol<func::FuncOp>("forward");
    if (!forward || forward.isExternal())
      return emitError(getOperation().getLoc()) << "module has no function @forward";
    LinearOp head;
    forward.walk([&](LinearOp op) { head = op; });
    auto result = forward.walk([&](Operation *op) {
      Value weight;
      if (auto linear = dyn_cast<LinearOp>(op))
        weight = linear.getWeight();
      else if (auto embedding = dyn_cast<EmbeddingOp>(op))
        weight = embedding.getTable();
      if (!weight || isa<ElasticType>(weight.getType()))
        return WalkResult::advance();
      auto source = weight.getDefiningOp<WeightOp>();
      if (!source) {
        op->emitError("weight is not the value of a parameter");
        return WalkResult::interrupt();
      }
      StringRef name = source.getParameter();
      name.consume_back(".weight");
      bool table = op == head || isa<EmbeddingOp>(op);
      if (table && embeddingBits == 16)
        SymbolTable::lookupNearestSymbolFrom<ParameterOp>(op, source.getParameterAttr())
            .setRounded(Float16Type::get(&getContext()));
      else
        (table ? tables : layers).push_back({op, source, name.str(), blockOf(name)});
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  int64_t groupOf(int64_t width, bool table) const {
    bool automatic = groupSize == "auto" || (table && width % fixedGroup != 0);
    return automatic ? automaticGroupSize(width) : fixedGroup;
  }

  // One error per width: a model has hundreds of layers and few widths.
  LogicalResult checkGroupSizes() {
    llvm::MapVector<int64_t, SmallVector<Layer *>> misfits;
    for (Layer &layer : layers)
      if (int64_t width = layer.weight.getType().getDimSize(1); width % groupOf(width, false) != 0)
        misfits[width].push_back(&layer);
    for (auto &[width, found] : misfits) {
      auto error = found.front()->op->emitError()
                   << "group size " << groupSize << " does not divide input width " << width << " of "
                   << found.front()->name << "; sizes that fit: " << fittingGroupSizes(width) << "; auto takes "
                   << automaticGroupSize(width);
      if (found.size() > 1)
        error.attachNote(found.back()->op->getLoc()) << "the same holds for " << found.size() - 1 << " more layers";
    }
    return success(misfits.empty());
  }

  // Sites and rows stand before @forward in the order of the layers.
  void declareRows() {
    llvm::MapVector<Attribute, SmallVector<Layer *>> tableSites;
    for (Layer &layer : tables)
      tableSites[layer.weight.getParameterAttr()].push_back(&layer);
    for (auto &[parameter, members] : tableSites)
      declareSite({members.front()}, members.front()->name, /*table=*/true);

    // Layers with one key share a bit choice.
    llvm::MapVector<std::pair<void *, StringRef>, SmallVector<Layer *>> sites;
    for (Layer &layer : layers) {
      if (granularity == "block")
        sites[{nullptr, StringRef(layer.block)}].push_back(&layer);
      else if (granularity == "group")
        sites[{layer.op->getOperand(0).getAsOpaquePointer(), StringRef(layer.block)}].push_back(&layer);
      else
        sites[{nullptr, StringRef(layer.name)}].push_back(&layer);
    }
    for (auto &[key, members] : sites)
      declareSite(members, granularity == "block" ? key.second.str() : joinedName(members), /*table=*/false);
  }

  void declareSite(ArrayRef<Layer *> members, std::string name, bool table) {
    // A parameter that several layers use is one row, at the site of its first use.
    SmallVector<Layer *> fresh;
    llvm::copy_if(members, std::back_inserter(fresh),
                  [&](Layer *layer) { return !rows.contains(layer->weight.getParameterAttr()); });
    if (fresh.empty())
      return;
    if (llvm::any_of(layers, [&](Layer &l) { return l.name == name; }) ||
        llvm::any_of(tables, [&](Layer &l) { return l.name == name; }))
      name += ".site";
    OpBuilder b(forward);
    SmallVector<int64_t> siteBits = table ? SmallVector<int64_t>{embeddingBits} : widths;
    auto site = SiteOp::create(b, fresh.front()->op->getLoc(), name, siteBits);
    for (Layer *layer : fresh) {
      if (rows.contains(layer->weight.getParameterAttr()))
        continue;
      ArrayRef<int64_t> shape = layer->weight.getType().getShape();
      auto type = ElasticType::get(&getContext(), shape[0], shape[1], siteBits, groupOf(shape[1], table),
                                   table ? 0 : rank, b.getF32Type());
      rows[layer->weight.getParameterAttr()] =
          ElasticOp::create(b, layer->op->getLoc(), b.getStringAttr(layer->name), layer->weight.getParameterAttr(),
                            FlatSymbolRefAttr::get(site), TypeAttr::get(type), b.getF32FloatAttr(alpha));
    }
  }

  Value pooled(OpBuilder &b, Location loc, Value x, int64_t group) {
    Value &u = pools[{x, group}];
    if (!u) {
      auto type = cast<RankedTensorType>(x.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape.back() /= group;
      u = GroupPoolOp::create(b, loc, type.clone(shape), x, b.getI64IntegerAttr(group));
    }
    return u;
  }

  void rewrite(Layer &layer) {
    ElasticOp row = rows.lookup(layer.weight.getParameterAttr());
    auto type = cast<ElasticType>(row.getType());
    OpBuilder b(layer.weight);
    Value &ref = references[row];
    if (!ref)
      ref = ElasticRefOp::create(b, layer.weight.getLoc(), type, FlatSymbolRefAttr::get(row));
    layer.op->setOperand(1, ref);
    if (auto linear = dyn_cast<LinearOp>(layer.op); linear && type.getRank() > 0) {
      b.setInsertionPoint(linear);
      Value u = pooled(b, linear.getLoc(), linear.getX(), type.getGroup());
      SmallVector<int64_t> shape(linear.getX().getType().getShape());
      shape.back() = type.getRank();
      double scale = alpha / static_cast<double>(type.getRank());
      linear.getAdapterMutable().assign(AdapterDownOp::create(
          b, linear.getLoc(), RankedTensorType::get(shape, b.getF32Type()), u, ref, b.getF32FloatAttr(scale)));
    }
    if (layer.weight->use_empty())
      layer.weight->erase();
  }

  std::string optionsText() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "bits=" << llvm::interleaved(widths, ",") << " granularity=" << granularity << " group-size=" << groupSize
       << " rank=" << rank << llvm::format(" alpha=%g", alpha.getValue()) << " embedding-bits=" << embeddingBits;
    return text;
  }

  SmallVector<int64_t> widths;
  int64_t fixedGroup = 1; // unused with auto
  func::FuncOp forward;
  SmallVector<Layer> layers, tables;
  llvm::DenseMap<Attribute, ElasticOp> rows;              // by parameter
  llvm::DenseMap<Operation *, Value> references;          // by row
  llvm::DenseMap<std::pair<Value, int64_t>, Value> pools; // by input and group size
};

} // namespace
