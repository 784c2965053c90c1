// Verifiers of the elastic, training and program ops; each check carries its constraint's number.
#include "qfa/Dialect/Qfa.h"

#include "Shapes.h"

using namespace mlir;
using namespace qfa;

//===----------------------------------------------------------------------===//
// Elastic ops
//===----------------------------------------------------------------------===//

LogicalResult SiteOp::verify() {
  int64_t previous = 0;
  for (int64_t b : getBits()) { // site_c1
    if (b != 2 && b != 3 && b != 4 && b != 8)
      return emitOpError("bit width ") << b << " is not one of 2, 3, 4, 8";
    if (b <= previous)
      return emitOpError("bit widths must ascend, found ") << previous << " before " << b;
    previous = b;
  }
  return previous ? success() : emitOpError("needs at least one bit width");
}

LogicalResult GroupPoolOp::verify() {
  int64_t features = lastDim(getX()), group = getGroup();
  if (!divides(group, features)) // group_pool_c1
    return emitOpError("group size ") << group << " does not divide " << features << " features";
  return expectLike(*this, "result", getResult(), getX(),
                    ShapedType::isDynamic(features) ? features : features / group);
}

LogicalResult GroupUnpoolOp::verify() {
  if (getAddend() && getAddend().getType() != getResult().getType()) // group_unpool_c1
    return emitOpError("addend is ") << getAddend().getType() << ", wanted " << getResult().getType();
  int64_t groups = lastDim(getU());
  return expectLike(*this, "result", getResult(), getU(),
                    ShapedType::isDynamic(groups) ? groups : groups * static_cast<int64_t>(getGroup()));
}

LogicalResult AdapterDownOp::verify() {
  ElasticType weight = getWeight().getType(); // adapter_down_c1
  if (failed(expectLike(*this, "u", getU(), getU(), weight.getGroups())))
    return failure();
  return expectLike(*this, "result", getResult(), getU(), weight.getRank());
}

LogicalResult AdapterDownGradOp::verify() {
  ElasticType weight = getWeight().getType(); // adapter_down_grad_c1
  if (failed(expectLike(*this, "dy", getDy(), getDy(), weight.getRank())))
    return failure();
  return expectLike(*this, "result", getResult(), getDy(), weight.getGroups());
}

//===----------------------------------------------------------------------===//
// Training ops
//===----------------------------------------------------------------------===//

LogicalResult CrossEntropyOp::verify() {
  if (!agree(weightIn(getWeight()), lastDim(getH()))) // cross_entropy_c1
    return emitOpError("weight has input width ")
           << weightIn(getWeight()) << ", h has " << lastDim(getH()) << " features";
  ArrayRef<int64_t> tokens = getH().getType().getShape().drop_back();
  if (failed(expectShape(*this, "labels", getLabels().getType(), tokens)) || // cross_entropy_c2
      failed(expectShape(*this, "log_sum_exp", getLogSumExp().getType(), tokens)) ||
      failed(expectShape(*this, "loss", getLoss().getType(), tokens)))
    return failure();
  if (getGradient() && getGradient().getType() != getH().getType()) // cross_entropy_c3
    return emitOpError("gradient is ") << getGradient().getType() << ", wanted " << getH().getType();
  return success();
}

LogicalResult CrossEntropyWeightGradOp::verify() {
  if (getInto().getType().getTensorType() != getWeight().getType() ||
      !agree(weightIn(getWeight()), lastDim(getH()))) // cross_entropy_weight_grad_c1
    return emitOpError("buffer is ") << getInto().getType() << " and weight " << getWeight().getType()
                                     << ", wanted both [vocabulary, " << lastDim(getH()) << "]";
  ArrayRef<int64_t> tokens = getH().getType().getShape().drop_back();
  if (failed(expectShape(*this, "labels", getLabels().getType(), tokens))) // cross_entropy_weight_grad_c2
    return failure();
  return expectShape(*this, "log_sum_exp", getLogSumExp().getType(), tokens);
}

LogicalResult LinearGradOp::verify() {
  if (!agree(weightOut(getWeight()), lastDim(getDy()))) // linear_grad_c1
    return emitOpError("weight has output width ")
           << weightOut(getWeight()) << ", dy has " << lastDim(getDy()) << " features";
  if (failed(expectLike(*this, "dx", getDx(), getDy(), weightIn(getWeight()))))
    return failure();
  if (getDadapter()) { // linear_grad_c2
    auto elastic = dyn_cast<ElasticType>(getWeight().getType());
    if (!elastic)
      return emitOpError("has an adapter gradient but its weight is not elastic");
    if (failed(expectLike(*this, "dadapter", getDadapter(), getDy(), elastic.getRank())))
      return failure();
  }
  if (getAddend() && getAddend().getType() != getDx().getType()) // linear_grad_c3
    return emitOpError("addend is ") << getAddend().getType() << ", wanted " << getDx().getType();
  return success();
}

LogicalResult AccumulateOuterOp::verify() {
  if (failed(expectShape(*this, "buffer", getInto().getType().getTensorType(),
                         {lastDim(getLeft()), lastDim(getRight())}))) // accumulate_outer_c1
    return failure();
  return expectLike(*this, "right", getRight(), getLeft(), lastDim(getRight())); // accumulate_outer_c2
}

LogicalResult RmsNormGradOp::verify() {
  if (failed(expectShape(*this, "gain", getGain().getType(), {lastDim(getX())}))) // rms_norm_grad_c1
    return failure();
  if (getAddend() && getAddend().getType() != getX().getType()) // rms_norm_grad_c2
    return emitOpError("addend is ") << getAddend().getType() << ", wanted " << getX().getType();
  return success();
}

LogicalResult RmsNormGainGradOp::verify() {
  return expectShape(*this, "buffer", getInto().getType().getTensorType(), {lastDim(getX())}); // rms_norm_gain_grad_c1
}

LogicalResult EmbeddingGradOp::verify() {
  ArrayRef<int64_t> shape = getInto().getType().getShape();
  if (shape.size() != 2 || shape[1] != lastDim(getDy())) // embedding_grad_c1
    return emitOpError("buffer is ") << getInto().getType() << ", wanted [rows, " << lastDim(getDy()) << "]";
  return expectShape(*this, "ids", getIds().getType(), getDy().getType().getShape().drop_back()); // embedding_grad_c2
}

LogicalResult GradientNormOp::verify() {
  return expectShape(*this, "result", getResult().getType(), {1}); // gradient_norm_c1
}

LogicalResult AdamwOp::verify() {
  if (getTrainable().getType().getShape() != getGradient().getType().getShape()) // adamw_c1
    return emitOpError("gradient is ") << getGradient().getType() << ", trainable is " << getTrainable().getType();
  return expectShape(*this, "hyper", getHyper().getType(), {8}); // adamw_c2
}

//===----------------------------------------------------------------------===//
// Program ops
//===----------------------------------------------------------------------===//

LogicalResult KernelOp::verify() {
  if (getBody().front().empty() || !isa<YieldOp>(getBody().front().back())) // kernel_c1
    return emitOpError("body does not end with qfa.yield");
  return success();
}

LogicalResult LaunchOp::verify() {
  if (getOffsets() && getOffsets()->size() != getNumResults()) // launch_c3
    return emitOpError("has ") << getOffsets()->size() << " offsets for " << getNumResults() << " results";
  return success();
}

LogicalResult GpuKernelOp::verify() {
  Block &body = getBody().front();
  if (body.empty()) // gpu_kernel_c1
    return emitOpError("launches nothing");
  for (Operation &op : body)
    if (!isa<GpuLaunchOp>(op))
      return emitOpError("holds ") << op.getName() << ", wanted qfa.gpu_launch only";
  return success();
}

LogicalResult GpuLaunchOp::verify() {
  constexpr int64_t most[] = {0x7fffffff, 65535, 65535}; // what CUDA allows
  auto isSize = [](auto pair) { return std::get<0>(pair) >= 1 && std::get<0>(pair) <= std::get<1>(pair); };
  if (getGrid().size() != 3 || !llvm::all_of(llvm::zip(getGrid(), most), isSize)) // gpu_launch_c1
    return emitOpError("has grid [") << getGrid() << "], wanted three positive sizes up to " << ArrayRef<int64_t>(most);
  if (getBlock() < 32 || getBlock() > 1024 || getBlock() % 32 != 0) // gpu_launch_c2
    return emitOpError("has blocks of ") << getBlock() << " threads, wanted a multiple of 32 up to 1024";
  if (auto bytes = static_cast<int64_t>(getShared()); bytes < 0) // gpu_launch_c3
    return emitOpError("has ") << bytes << " bytes of shared memory, wanted 0 or more";
  for (Operation &op : getComputed().getOps()) // gpu_launch_c4
    if (!isa<GpuProductOp>(op))
      return emitOpError("computes ") << op.getName() << ", wanted qfa.gpu_product only";
  return success();
}

LogicalResult GpuProductOp::verify() {
  ArrayRef<int64_t> sizes = getSizes();
  if (sizes.size() != 3 || !llvm::all_of(sizes, [](int64_t size) { return size >= 1; })) // gpu_product_c1
    return emitOpError("has sizes [") << sizes << "], wanted three positive ones";
  auto checkPlace = [&](StringRef name, ArrayRef<int64_t> place, int64_t row) -> LogicalResult {
    if (place.size() == 2 && place[0] >= 0 && place[1] >= row) // gpu_product_c2
      return success();
    return emitOpError("has ") << name << " [" << place << "], wanted an offset from 0 and a stride from " << row;
  };
  int64_t m = sizes[0], n = sizes[1], k = sizes[2];
  if (failed(checkPlace("left", getLeft(), getTransposedLeft() ? m : k)) ||
      failed(checkPlace("right", getRight(), getTransposedRight() ? n : k)) || failed(checkPlace("at", getAt(), n)))
    return failure();
  int64_t workspace = (*this)->getParentOfType<GpuKernelOp>().getPointers();
  for (int64_t pointer : {static_cast<int64_t>(getInto()), static_cast<int64_t>(getPlus().value_or(0))})
    if (pointer < 0 || pointer > workspace) // gpu_product_c3
      return emitOpError("names pointer ") << pointer << ", wanted one of 0 to " << workspace;
  return success();
}
