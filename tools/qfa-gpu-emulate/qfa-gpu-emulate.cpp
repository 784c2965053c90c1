// qfa-gpu-emulate: runs a kernel's LLVM IR on the CPU under the CUDA execution model, and says what is wrong with it.
// Exit codes: 0 the kernel ran, 1 a fault was found, 2 it could not be run.
#include "Arguments.h"

#include "qfa/GpuEmulator/Emulator.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace qfa::emu;

namespace {

cl::opt<std::string> inputFile(cl::Positional, cl::desc("<FILE.ll or FILE.bc>"), cl::Required);
cl::opt<std::string> kernelName("kernel", cl::desc("kernel to launch; without it, the kernels are listed"));
cl::opt<std::string> gridSize("grid", cl::desc("blocks, X[,Y[,Z]]"), cl::init("1"));
cl::opt<std::string> blockSize("block", cl::desc("threads of a block, X[,Y[,Z]]"), cl::init("32"));
cl::opt<unsigned> sharedBytes("shared", cl::desc("bytes of dynamic shared memory"), cl::init(0));
cl::list<std::string> kernelArguments(
    "arg", cl::desc("an argument: buffer:TYPE:SHAPE[:random|zero|iota|FILE.npy], memref:..., i32:N, i64:N, f32:X"));
cl::list<std::string> outputs("out", cl::desc("write a buffer after the launch: N=FILE.npy"));
cl::opt<std::string> checkLevel("check", cl::desc("all or none"), cl::init("all"));
cl::opt<bool> trafficTable("mem", cl::desc("print bank conflicts and coalescing of the first block, per instruction"));
cl::opt<std::string> jsonFile("json", cl::desc("write the report as JSON; - is standard output"));
cl::opt<std::string> scheduleName("schedule", cl::desc("forward, reverse or random"), cl::init("forward"));
cl::opt<uint64_t> seed("seed", cl::desc("of random contents and of the random schedule"), cl::init(1));
cl::opt<uint64_t> budget("budget", cl::desc("instructions of one thread in loops; more is an endless loop"),
                         cl::init(LaunchOptions().instructionBudget));
cl::opt<unsigned> workers("workers", cl::desc("host threads, with --check none"), cl::init(1));

[[noreturn]] void cannotRun(const Twine &why) {
  errs() << "qfa-gpu-emulate: " << why << "\n";
  std::exit(2);
}

void must(Error error) {
  if (error)
    cannotRun(toString(std::move(error)));
}

Dim3 parseSize(StringRef option, StringRef text) {
  uint32_t sizes[3] = {1, 1, 1};
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (auto [index, part] : enumerate(parts))
    if (index >= 3 || part.getAsInteger(10, sizes[index]))
      cannotRun("--" + option + " '" + text + "', wanted X[,Y[,Z]]");
  return {sizes[0], sizes[1], sizes[2]};
}

LaunchOptions parseOptions() {
  LaunchOptions options;
  if (checkLevel != "all" && checkLevel != "none")
    cannotRun("--check '" + checkLevel + "', wanted all or none");
  options.races = options.uninitialised = checkLevel == "all";
  options.traffic = trafficTable;
  if (trafficTable && checkLevel == "none")
    cannotRun("--mem needs --check all: accesses that are not checked are not seen");
  if (scheduleName == "reverse")
    options.schedule = Schedule::Reverse;
  else if (scheduleName == "random")
    options.schedule = Schedule::Random;
  else if (scheduleName != "forward")
    cannotRun("--schedule '" + scheduleName + "', wanted forward, reverse or random");
  options.seed = seed;
  options.instructionBudget = budget;
  options.workers = workers;
  return options;
}

void writeJson(const Report &report) {
  std::error_code error;
  raw_fd_ostream file(jsonFile, error);
  if (error)
    cannotRun(jsonFile + ": " + error.message());
  file << report.json() << "\n";
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "runs a GPU kernel's LLVM IR on the CPU and checks it\n");
  auto file = MemoryBuffer::getFileOrSTDIN(inputFile);
  if (!file)
    cannotRun(inputFile + ": " + file.getError().message());
  LaunchOptions options = parseOptions();
  auto program = Program::load((*file)->getMemBufferRef(), {.checks = checkLevel == "all"});
  if (!program)
    cannotRun(toString(program.takeError()));
  if (kernelName.empty()) {
    for (const KernelSignature &kernel : (*program)->kernels())
      outs() << kernel.name << "\n";
    return 0;
  }
  Memory memory;
  Arguments arguments(memory, seed);
  for (const std::string &text : kernelArguments)
    must(arguments.add(text));
  KernelLaunch launch{kernelName, parseSize("grid", gridSize), parseSize("block", blockSize), sharedBytes,
                      arguments.pointers()};
  Report report = (*program)->launch(launch, memory, options);
  errs() << report.text();
  if (!jsonFile.empty())
    writeJson(report);
  if (!report.ok())
    return report.fault->kind == "bad-launch" ? 2 : 1;
  for (const std::string &text : outputs) {
    auto [index, path] = StringRef(text).split('=');
    unsigned number;
    if (index.getAsInteger(10, number) || path.empty())
      cannotRun("--out '" + text + "', wanted N=FILE.npy");
    must(arguments.write(number, path));
  }
  return 0;
}
