// `logits`, hidden: compares the program's logits with recorded ones (qfa-compile --verify).
#include "cli/Commands.h"
#include "qfa/Format/Npz.h"
#include "support/Error.h"

#include <cmath>

using namespace qfa::rt;

namespace {

struct Comparison {
  double largest = 0;
  int64_t row = 0, position = 0;
  int64_t compared = 0; // logits
};

} // namespace

static const qfa::format::Array &getArray(const qfa::format::Arrays &arrays, const std::string &name, size_t rank,
                                          const std::string &file) {
  auto found = arrays.find(name);
  if (found == arrays.end())
    fail("{}: no array '{}'", file, name);
  if (found->second.shape.size() != rank)
    fail("{}: array '{}' has {} dimensions, wanted {}", file, name, found->second.shape.size(), rank);
  return found->second;
}

// Recorded sequences go through the entry's fixed shape one batch at a time. What lies behind a position does not
// change its logits, so rows are padded on the right, and of longer ones the beginning is compared.
static Comparison compare(Session &session, const qfa::format::Array &ids, const qfa::format::Array &logits) {
  const qfa_entry_t &entry = session.module.entry("logits");
  int64_t batch = entry.tensors[0].dims[0], sequence = entry.tensors[0].dims[1];
  int64_t vocabulary = entry.tensors[entry.input_count].dims[2], rows = ids.shape[0], length = ids.shape[1];
  if (logits.shape != std::vector<int64_t>{rows, length, vocabulary})
    fail("recorded logits have shape [{}], wanted [{}, {}, {}]", fmt::join(logits.shape, ", "), rows, length,
         vocabulary);
  for (double id : ids.values)
    if (!(id >= 0 && id < static_cast<double>(vocabulary)))
      fail("recorded input_ids hold {}, wanted ids of a vocabulary of {}", id, vocabulary);
  std::vector<int32_t> input(batch * sequence);
  std::vector<float> output(batch * sequence * vocabulary);
  Comparison result;
  for (int64_t first = 0; first < rows; first += batch) {
    int64_t count = std::min(batch, rows - first), seen = std::min(sequence, length);
    std::fill(input.begin(), input.end(), 0);
    for (int64_t row = 0; row < count; ++row)
      for (int64_t t = 0; t < seen; ++t)
        input[row * sequence + t] = static_cast<int32_t>(ids.values[(first + row) * length + t]);
    session.run(entry, {input.data(), output.data()});
    for (int64_t row = 0; row < count; ++row)
      for (int64_t t = 0; t < seen; ++t)
        for (int64_t v = 0; v < vocabulary; ++v, ++result.compared) {
          double difference = std::abs(output[(row * sequence + t) * vocabulary + v] -
                                       logits.values[((first + row) * length + t) * vocabulary + v]);
          if (!(difference <= result.largest)) // also true for NaN, which then stays
            result = {difference, first + row, t, result.compared};
        }
  }
  return result;
}

void qfa::rt::addLogits(CLI::App &app, const Program &program) {
  struct Options {
    MachineOptions machine;
    ModelOptions model;
    std::string input;
    double tolerance = 1e-4;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("logits", "Compare logits with recorded ones");
  command->group(""); // hidden
  command->add_option("--input", options->input, ".npz with input_ids [b, s] and logits [b, s, v]")->required();
  command->add_option("--tolerance", options->tolerance, "Largest difference that is accepted");
  addMachineOptions(*command, options->machine);
  addModelOptions(*command, program, options->model);
  command->callback([&program, options] {
    format::Arrays arrays;
    std::string error;
    if (!format::readNpz(options->input, arrays, error))
      throw Error(error);
    const format::Array &ids = getArray(arrays, "input_ids", 2, options->input);
    const format::Array &logits = getArray(arrays, "logits", 3, options->input);
    auto machine = openMachine(program, options->machine, options->model);
    Comparison result = compare(machine->session, ids, logits);
    fmt::print("largest difference {:.2e} of {} logits, at sequence {} position {}\n", result.largest, result.compared,
               result.row, result.position);
    if (!(result.largest <= options->tolerance))
      fail("logits differ by {:.2e} from the recorded ones, wanted at most {:.2e}", result.largest, options->tolerance);
  });
}
