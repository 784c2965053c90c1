// The central difference over four points, (8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12h, has an error of order h^4, far
// below what a wrong rule shows.
#include "qfa/Reference/GradientCheck.h"

#include "llvm/Support/Format.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

// Prints one trainable's comparison; returns its largest relative error.
static FailureOr<double> checkTrainable(Interpreter &interpreter, TrainableOp op, ArrayRef<Tensor> inputs,
                                        const GradientCheckOptions &options, raw_ostream &out) {
  Trained *trained = interpreter.trainable(op);
  auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(op, op.getGradientAttr());
  if (!trained || !state)
    return op.emitOpError("has no value or no gradient state");
  MutableArrayRef<double> gradient = interpreter.state(state);
  double largest = 0, worst = 0;
  int64_t largestAt = 0;
  for (auto [i, value] : llvm::enumerate(gradient))
    if (std::fabs(value) > largest) {
      largest = std::fabs(value);
      largestAt = i;
    }
  int64_t size = gradient.size();
  for (int64_t sample = 0; sample < options.samples; ++sample) {
    // The largest element first: it must not be missed in a gradient that is mostly zero, as an embedding's.
    double number = seededNumber(options.seed, op.getSymName(), sample) / 2 + 0.5;
    int64_t at = sample == 0 ? largestAt : std::min(size - 1, int64_t(number * size));
    double &element = trained->value.data[at], kept = element, difference = 0;
    for (auto [steps, weight] : {std::pair(1, 8.0), {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
      element = kept + steps * options.step;
      FailureOr<std::vector<Tensor>> results = interpreter.run(options.loss, inputs);
      element = kept;
      if (failed(results))
        return failure();
      const std::vector<double> &loss = results->front().data; // one per token
      difference += weight * std::accumulate(loss.begin(), loss.end(), 0.0) / (12 * options.step);
    }
    double scale = std::max({std::fabs(difference), std::fabs(gradient[at]), 1e-4 * largest, 1e-12});
    double error = std::fabs(difference - gradient[at]) / scale;
    if (!(error <= options.tolerance))
      return op.emitOpError("element ") << at << " has gradient " << gradient[at] << ", differences say " << difference;
    worst = std::max(worst, error);
  }
  out << "gradient of " << op.getSymName() << ": largest " << llvm::format("%.3e", largest) << ", relative error "
      << llvm::format("%.1e", worst) << "\n";
  return worst;
}

LogicalResult reference::checkGradients(Interpreter &interpreter, ArrayRef<Tensor> inputs,
                                        const GradientCheckOptions &options, raw_ostream &out) {
  MutableArrayRef<double> gradients = interpreter.states(StateKind::gradient);
  std::fill(gradients.begin(), gradients.end(), 0.0);
  if (failed(interpreter.run(options.train, inputs)))
    return failure();
  double worst = 0;
  int64_t count = 0;
  for (TrainableOp op : interpreter.getModule().getOps<TrainableOp>()) {
    // A loss function that accumulates too must not change what is compared.
    std::vector<double> kept(gradients.begin(), gradients.end());
    FailureOr<double> error = checkTrainable(interpreter, op, inputs, options, out);
    std::copy(kept.begin(), kept.end(), gradients.begin());
    if (failed(error))
      return failure();
    worst = std::max(worst, *error);
    ++count;
  }
  if (count == 0)
    return interpreter.getModule().emitError("has no qfa.trainable to check");
  out << "gradients of " << count << " trainables agree, largest relative error " << llvm::format("%.1e", worst)
      << "\n";
  return success();
}
