// `check`: every kernel of the program on a GPU, or an emulated one, against the CPU's.
#include "cli/Commands.h"
#include "device/CpuDevice.h"
#include "device/KernelCheck.h"
#include "support/Error.h"

using namespace qfa::rt;

namespace {

struct CheckOptions {
  std::string device = "auto", gemm = "auto", only;
  int threads = 0, repeats = 0;
  uint64_t seed = 1;
  double tolerance = 0;
};

} // namespace

static void check(const Module &module, const CheckOptions &options) {
  ThreadPool pool(options.threads);
  CpuDevice reference(module, pool);
  auto device = openDevice(module, pool, {options.device, {}, false, options.gemm});
  if (device->isHost())
    fail("check needs a GPU or --device emulated: the CPU's kernels are what it compares with");
  // Factors of products are rounded to 8 bits of mantissa; their errors add up like the products do.
  bool isRounded = module.raw.gpu_precision && std::string_view(module.raw.gpu_precision) == "bf16";
  double tolerance = options.tolerance > 0 ? options.tolerance : isRounded ? 2e-2 : 1e-4;
  fmt::print("{} against {}; largest difference relative to the largest value, wanted at most {:.0e}\n\n",
             device->describe(), reference.describe(), tolerance);
  fmt::print("{:>10} {:>5} {:>11} {:>9} {:>9}  kernel\n", "difference", "bits", "us", "GFLOP/s", "GB/s");
  int64_t runs = 0, wrong = 0;
  for (uint32_t kernel = 0; kernel < module.kernels().size(); ++kernel) {
    const qfa_kernel_t &row = module.raw.kernels[kernel];
    if (std::string_view(row.name).find(options.only) == std::string_view::npos)
      continue;
    for (int32_t bits : widthsOf(module, kernel)) {
      KernelDifference found = checkKernel(module, reference, *device, kernel, bits, options.seed, options.repeats);
      bool isWrong = !(found.largest <= tolerance);
      std::string speed(31, ' ');
      if (options.repeats > 0)
        speed = fmt::format("{:>11.1f} {:>9.1f} {:>9.1f}", found.seconds * 1e6,
                            static_cast<double>(row.flops) / found.seconds * 1e-9,
                            static_cast<double>(bytesOf(module, kernel, bits)) / found.seconds * 1e-9);
      fmt::print("{:>10.1e} {:>5} {}  {}{}\n", found.largest, bits ? std::to_string(bits) : "", speed, row.name,
                 isWrong ? fmt::format("  WRONG at operand {}", found.operand) : "");
      std::fflush(stdout);
      ++runs;
      wrong += isWrong;
    }
  }
  fmt::print("\n{} runs, {} wrong\n", runs, wrong);
  if (runs == 0)
    fail("no kernel's name holds '{}'", options.only);
  if (wrong > 0)
    fail("{} of {} kernels differ by more than {:.0e}", wrong, runs, tolerance);
}

void qfa::rt::addCheck(CLI::App &app, const Program &program) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App *command = app.add_subcommand("check", "Compare every kernel on a GPU with the CPU's, on random operands");
  command->add_option("--device", options->device, "cuda, cuda:N, emulated, or auto: a GPU");
  command->add_option("--gemm", options->gemm, "Matrix products: generated, cublaslt, or auto: large ones by cuBLASLt");
  command->add_option("--kernel", options->only, "Only kernels whose name holds this");
  command->add_option("--repeats", options->repeats, "Further runs of each, to time it")->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->seed, "Of the operands");
  command->add_option("--tolerance", options->tolerance, "Accepted difference; 0: 2e-2 with bf16 factors, else 1e-4");
  command->add_option("--threads", options->threads, "Threads; 0: one per available core")->check(CLI::Range(0, 1024));
  command->callback([&program, options] { check(program.module, *options); });
}
