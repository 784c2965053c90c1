// Places the results of launches in one arena so that results alive at the same time never overlap.
#include "qfa/Kernels/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"

namespace qfa {
#define GEN_PASS_DEF_PLANMEMORY
#include "qfa/Kernels/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

constexpr int64_t kAlignment = 64; // a cache line, and the widest vector

struct Allocation {
  LaunchOp launch;
  unsigned result;
  int64_t first, last; // positions of the launch and of the last reader
  int64_t bytes, offset = 0;
};

int64_t alignUp(int64_t n) { return llvm::alignTo(n, kAlignment); }

SmallVector<Allocation> collect(func::FuncOp func) {
  DenseMap<Operation *, int64_t> position;
  for (Operation &op : func.getBody().front())
    position[&op] = position.size();
  SmallVector<Allocation> allocations;
  for (auto launch : func.getOps<LaunchOp>())
    for (OpResult result : launch->getResults()) {
      Allocation a{launch, result.getResultNumber(), position[launch], position[launch],
                   alignUp(cast<RankedTensorType>(result.getType()).getNumElements() * 4)};
      for (Operation *user : result.getUsers())
        a.last = std::max(a.last, position[user]);
      allocations.push_back(a);
    }
  return allocations;
}

// Greedy by size: the largest first, each at the lowest offset where no placed neighbour in time is in the way. Returns
// the arena's size.
int64_t place(MutableArrayRef<Allocation> allocations) {
  SmallVector<Allocation *> order;
  for (Allocation &a : allocations)
    order.push_back(&a);
  llvm::sort(order, [](Allocation *a, Allocation *b) {
    return std::tuple(-a->bytes, a->first, a->result) < std::tuple(-b->bytes, b->first, b->result);
  });

  int64_t arena = 0;
  SmallVector<Allocation *> placed; // by offset
  for (Allocation *a : order) {
    int64_t offset = 0;
    for (Allocation *other : placed) {
      if (other->last < a->first || a->last < other->first)
        continue;
      if (offset + a->bytes <= other->offset)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    a->offset = offset;
    arena = std::max(arena, offset + a->bytes);
    placed.insert(llvm::upper_bound(placed, a, [](Allocation *x, Allocation *y) { return x->offset < y->offset; }), a);
  }
  return arena;
}

class PlanMemory : public qfa::impl::PlanMemoryBase<PlanMemory> {
public:
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    SmallVector<Allocation> allocations = collect(func);
    int64_t arena = place(allocations);
    Builder builder(&getContext());
    func->setAttr("qfa.arena_bytes", builder.getI64IntegerAttr(arena));
    DenseMap<Operation *, SmallVector<int64_t>> offsets;
    for (const Allocation &a : allocations)
      offsets[a.launch].push_back(a.offset); // in the order of the results, as collected
    for (auto &[launch, values] : offsets)
      cast<LaunchOp>(launch).setOffsets(values);
  }
};

} // namespace
