// Gives parameters their Hugging Face names: from the file where it says them, from their role otherwise.

#include "ParameterBytes.h"
#include "qfa/Import/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace qfa {
#define GEN_PASS_DEF_NAMEPARAMETERS
#include "qfa/Import/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

/// Whether two parameters of one type hold the same numbers. Distant elements first: different tables differ at once.
static bool sameContent(ParameterOp a, ParameterOp b) {
  if (a.getStorage() != b.getStorage() || a.getBytes() != b.getBytes())
    return false;
  auto bytesA = mapParameter(a), bytesB = mapParameter(b);
  if (!bytesA || !bytesB) {
    llvm::consumeError(bytesA.takeError());
    llvm::consumeError(bytesB.takeError());
    return false;
  }
  ArrayRef<int64_t> shape = cast<RankedTensorType>(a.getType()).getShape();
  int64_t rows = shape[0], columns = shape[1], width = a.getStorage().getIntOrFloatBitWidth() / 8;
  auto element = [&](ParameterOp p, const llvm::MemoryBuffer &bytes, int64_t row, int64_t column) {
    int64_t index = p.getTransposed() ? column * rows + row : row * columns + column;
    return StringRef(bytes.getBufferStart() + index * width, width);
  };
  auto equal = [&](int64_t row, int64_t column) {
    return element(a, **bytesA, row, column) == element(b, **bytesB, row, column);
  };
  bool constant = true; // placeholders of zeros are equal without being tied
  for (int64_t i = 0; i < 256; ++i) {
    int64_t row = i * 7919 % rows, column = i * 104729 % columns;
    if (!equal(row, column))
      return false;
    constant &= element(a, **bytesA, row, column) == element(a, **bytesA, 0, 0);
  }
  if (constant)
    return false;
  constexpr int64_t tile = 64; // one of the two may be read across its rows
  for (int64_t row = 0; row < rows; row += tile)
    for (int64_t column = 0; column < columns; column += tile)
      for (int64_t r = row; r < std::min(rows, row + tile); ++r)
        for (int64_t c = column; c < std::min(columns, column + tile); ++c)
          if (!equal(r, c))
            return false;
  return true;
}

namespace {
struct NameParameters : qfa::impl::NameParametersBase<NameParameters> {
  using Users = llvm::MapVector<ParameterOp, SmallVector<WeightOp>>;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Users users;
    for (auto parameter : module.getOps<ParameterOp>())
      users[parameter];
    SymbolTable symbols(module);
    module.walk([&](WeightOp weight) {
      if (auto parameter = symbols.lookup<ParameterOp>(weight.getParameter()))
        users[parameter].push_back(weight);
    });
    for (auto &[parameter, weights] : users)
      if (weights.empty())
        parameter.erase();
    users.remove_if([](auto &entry) { return entry.second.empty(); });
    mergeTied(users);

    llvm::DenseMap<ParameterOp, std::string> roles;
    for (auto function : module.getOps<func::FuncOp>())
      findRoles(function, symbols, roles);
    llvm::StringMap<ParameterOp> taken;
    for (auto &[parameter, weights] : users) {
      std::string name = recoveredName(parameter, isTied(weights)), role = roles.lookup(parameter);
      if (name.empty() || taken.contains(name))
        name = !role.empty() ? role : name.empty() ? parameter.getSymName().str() : name;
      auto [entry, isNew] = taken.try_emplace(name, parameter);
      if (!isNew) {
        parameter.emitError("two weights would be called '")
            .append(name, "'")
            .attachNote(entry->second.getLoc())
            .append("the other is here");
        return signalPassFailure();
      }
      auto symbol = StringAttr::get(&getContext(), name);
      parameter.setSymNameAttr(symbol);
      parameter->removeAttr("onnx.scope");
      for (WeightOp weight : weights)
        weight.setParameterAttr(FlatSymbolRefAttr::get(symbol));
    }
    module->removeAttr("onnx.opsets");
  }

  static bool usedBy(ArrayRef<WeightOp> weights, function_ref<bool(Operation *)> is) {
    return llvm::any_of(weights, [&](WeightOp weight) { return llvm::any_of(weight->getUsers(), is); });
  }

  static bool isTied(ArrayRef<WeightOp> weights) {
    return usedBy(weights, [](Operation *op) { return isa<EmbeddingOp>(op); }) &&
           usedBy(weights, [](Operation *op) { return isa<LinearOp>(op); });
  }

  /// A file may hold the embedding a second time as the output projection.
  static void mergeTied(Users &users) {
    ParameterOp table, copy;
    for (auto &[parameter, weights] : users)
      if (usedBy(weights, [](Operation *op) { return isa<EmbeddingOp>(op); }))
        table = parameter;
    for (auto &[parameter, weights] : users)
      if (table && parameter != table && parameter.getType() == table.getType() &&
          usedBy(weights, [](Operation *op) { return isa<LinearOp>(op); }) && sameContent(table, parameter))
        copy = parameter;
    if (!copy)
      return;
    for (WeightOp weight : users[copy]) {
      weight.setParameterAttr(FlatSymbolRefAttr::get(table.getSymNameAttr()));
      users[table].push_back(weight);
    }
    users.erase(copy);
    copy.erase();
  }

  /// The name that the file gives, as the initializer's name or the module that uses it; empty when it gives none.
  static std::string recoveredName(ParameterOp parameter, bool tied) {
    StringRef symbol = parameter.getSymName();
    auto scope = parameter->getAttrOfType<StringAttr>("onnx.scope");
    std::string name;
    if ((symbol.ends_with(".weight") || symbol.ends_with(".bias")) && !symbol.contains("::"))
      name = symbol.str();
    else if (scope)
      name = scope.getValue().str() + ".weight";
    // An export wrapped in another module has one prefix more.
    StringRef rest = name;
    while (rest.starts_with("model.model.") || rest.starts_with("model.lm_head."))
      rest.consume_front("model.");
    return tied && rest == "lm_head.weight" ? "model.embed_tokens.weight" : rest.str();
  }

  /// What every weight is for, from the ops around it: the n-th attention is that of block n.
  static void findRoles(func::FuncOp function, SymbolTable &symbols, llvm::DenseMap<ParameterOp, std::string> &roles) {
    auto assign = [&](Value value, const Twine &role) {
      if (auto weight = value ? value.getDefiningOp<WeightOp>() : WeightOp())
        roles.try_emplace(symbols.lookup<ParameterOp>(weight.getParameter()), (role + ".weight").str());
    };
    /// Names the linear layer that computes `value` and returns its input.
    auto assignLinear = [&](Value value, const Twine &role) {
      if (auto rope = value.getDefiningOp<RopeOp>())
        value = rope.getX();
      auto linear = value.getDefiningOp<LinearOp>();
      assign(linear ? linear.getWeight() : Value(), role);
      return linear ? linear.getX() : Value();
    };
    auto assignNorm = [&](Value value, const Twine &role) {
      if (auto norm = value ? value.getDefiningOp<RmsNormOp>() : RmsNormOp())
        assign(norm.getGain(), role);
    };
    auto assignUser = [&](Value value, const Twine &role) {
      for (Operation *user : value.getUsers())
        if (auto linear = dyn_cast<LinearOp>(user))
          assign(linear.getWeight(), role);
    };
    int64_t block = -1;
    function.walk([&](Operation *op) {
      std::string prefix = ("model.layers." + Twine(std::max<int64_t>(block, 0)) + ".").str();
      if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
        assign(embedding.getTable(), "model.embed_tokens");
      } else if (auto attention = dyn_cast<AttentionOp>(op)) {
        prefix = ("model.layers." + Twine(++block) + ".").str();
        assignNorm(assignLinear(attention.getQ(), prefix + "self_attn.q_proj"), prefix + "input_layernorm");
        assignLinear(attention.getK(), prefix + "self_attn.k_proj");
        assignLinear(attention.getV(), prefix + "self_attn.v_proj");
        assignUser(attention.getResult(), prefix + "self_attn.o_proj");
      } else if (auto gated = dyn_cast<GatedActivationOp>(op)) {
        assignNorm(assignLinear(gated.getGate(), prefix + "mlp.gate_proj"), prefix + "post_attention_layernorm");
        assignLinear(gated.getUp(), prefix + "mlp.up_proj");
        assignUser(gated.getResult(), prefix + "mlp.down_proj");
      } else if (auto end = dyn_cast<func::ReturnOp>(op)) {
        for (Value result : end.getOperands())
          assignNorm(assignLinear(result, "lm_head"), "model.norm");
      }
    });
  }
};
} // namespace
