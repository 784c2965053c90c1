// The command line of qfa-compile.
#include "Driver.h"

#include "qfa/Emit/SerializeGpu.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

namespace cl = llvm::cl;
using namespace qfa;

namespace {

[[noreturn]] void fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "qfa-compile") << message << "\n";
  std::exit(1);
}

Stage parseStageOption(llvm::StringRef option, llvm::StringRef text) {
  if (auto stage = parseStage(text))
    return *stage;
  std::string names;
  for (const StageInfo &info : allStages())
    names += (names.empty() ? "" : ", ") + info.name.str();
  fail("--" + option + "=" + text + " is not a stage: " + names);
}

// `auto` or ascending widths, as --qfa-build-supernet takes them.
std::string parseBits(llvm::StringRef text) {
  if (text == "auto")
    return "2,3,4";
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  int previous = 0;
  for (llvm::StringRef part : parts) {
    int bits;
    if (part.trim().getAsInteger(10, bits) || (bits != 2 && bits != 3 && bits != 4 && bits != 8))
      fail("--bits=" + text + ": '" + part + "' is not one of 2, 3, 4, 8");
    if (bits <= previous)
      fail("--bits=" + text + ": bit widths must ascend");
    previous = bits;
  }
  return text.str();
}

// 80,90a: numbers of 80 or more, with the letter of an architecture's own features.
llvm::SmallVector<std::string> parseArchs(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  llvm::SmallVector<std::string> archs;
  for (llvm::StringRef part : parts) {
    if (!parseGpuArch(part))
      fail("--gpu-arch=" + text + ": '" + part + "' is not an architecture of 80 or more, such as 80 or 90a");
    archs.push_back(part.trim().str());
  }
  return archs;
}

// Bytes with an optional unit: 512MiB, 2GB, 1000000.
int64_t parseBytes(llvm::StringRef option, llvm::StringRef text) {
  double number;
  size_t digits = text.find_first_not_of("0123456789.");
  llvm::StringRef unit = digits == llvm::StringRef::npos ? "" : text.substr(digits);
  double factor = llvm::StringSwitch<double>(unit.lower())
                      .Case("", 1)
                      .Case("b", 1)
                      .Case("kib", 1024.0)
                      .Case("mib", 1048576.0)
                      .Case("gib", 1073741824.0)
                      .Case("kb", 1e3)
                      .Case("mb", 1e6)
                      .Case("gb", 1e9)
                      .Default(-1);
  if (text.substr(0, digits).getAsDouble(number) || factor < 0)
    fail("--" + option + "=" + text + " is not a number of bytes (for example 512MiB)");
  return static_cast<int64_t>(number * factor);
}

} // namespace

DriverOptions qfa::parseCommandLine(int argc, char **argv) {
  cl::OptionCategory general("Compilation"), supernet("Supernet"), program("Program"), stages("Stages");
  cl::opt<std::string> model(cl::Positional, cl::desc("MODEL (.onnx, or .mlir with --compile-from)"),
                             cl::value_desc("model"), cl::Required);
  cl::opt<std::string> output("o", cl::desc("Program to write"), cl::value_desc("path"), cl::cat(general));
  cl::opt<std::string> weights("weights", cl::desc("A run or a safetensors file: its weights replace the model's"),
                               cl::value_desc("path"), cl::cat(general));
  cl::opt<std::string> verify(
      "verify", cl::desc("Run recorded inputs through the compiled code and compare (.npz or ONNX test data)"),
      cl::value_desc("path"), cl::cat(general));
  cl::opt<double> tolerance("tolerance", cl::desc("Largest difference that --verify accepts (default 1e-4)"),
                            cl::init(1e-4), cl::cat(general));
  cl::opt<std::string> isas(
      "isa", cl::desc("Instruction sets to compile for: portable,avx2,avx512 (default), or portable and some of them"),
      cl::init("portable,avx2,avx512"), cl::cat(general));
  cl::opt<std::string> target(
      "target", cl::desc("Devices to compile for: cpu (default) or cpu,cuda; the program chooses at start"),
      cl::init("cpu"), cl::cat(general));
  cl::opt<std::string> gpuArch(
      "gpu-arch",
      cl::desc("GPU architectures to make code for (default 80,90; 90a has products by Hopper's warpgroups); "
               "PTX of the lowest serves the others"),
      cl::init("80,90"), cl::cat(general));
  cl::opt<unsigned> gpuMultiprocessors(
      "gpu-multiprocessors", cl::desc("Multiprocessors of the cards (default: as many as an A100 or H100 has)"),
      cl::init(0), cl::cat(general));
  cl::opt<std::string> gpuPrecision("gpu-precision",
                                    cl::desc("Factors of matrix products on GPUs: bf16 (default) or f32, for checks"),
                                    cl::init("bf16"), cl::cat(general));
  cl::opt<bool> programOnly("program-only", cl::desc("Write no weight file: the one that is there serves on"),
                            cl::cat(general));
  cl::opt<std::string> linker("linker", cl::desc("Compiler driver that links (default: c++, g++ or clang++ on PATH)"),
                              cl::cat(general));
  cl::opt<std::string> runtime("runtime", cl::desc("libqfa_runtime.a (default: beside the compiler's installation)"),
                               cl::cat(general));

  cl::opt<std::string> method("method", cl::desc("What is trained: supernet (default) or full (all weights in float)"),
                              cl::init("supernet"), cl::cat(supernet));
  cl::opt<std::string> bits("bits", cl::desc("Bit widths of every site: auto (2,3,4) or a list among 2,3,4,8"),
                            cl::init("auto"), cl::cat(supernet));
  cl::opt<std::string> granularity("granularity",
                                   cl::desc("What shares a bit choice: linear, group (default) or block"),
                                   cl::init("group"), cl::cat(supernet));
  cl::opt<std::string> groupSize("group-size", cl::desc("Weights that share a scale and a zero (default 64), or auto"),
                                 cl::init("64"), cl::cat(supernet));
  cl::opt<int> rank("rank", cl::desc("Rank of the adapters (default 16)"), cl::init(16), cl::cat(supernet));
  cl::opt<double> alpha("alpha",
                        cl::desc("Strength of the adapters: their product counts alpha / rank times (default 16)"),
                        cl::init(16), cl::cat(supernet));
  cl::opt<std::string> adapter("adapter", cl::desc("Kind of adapter: qa-lora, which merges exactly"),
                               cl::init("qa-lora"), cl::cat(supernet));
  cl::opt<std::string> quantizer("quantizer", cl::desc("How copies are made: rtn (round to nearest)"), cl::init("rtn"),
                                 cl::cat(supernet));
  cl::opt<int> embeddingBits("embedding-bits", cl::desc("Width of embedding and head: 16 (float16), 8 (default) or 4"),
                             cl::init(8), cl::cat(supernet));
  cl::opt<std::string> sampler("sampler", cl::desc("Sampler of configurations: resource-balanced (default) or uniform"),
                               cl::init("resource-balanced"), cl::cat(supernet));

  cl::opt<int> batch("batch", cl::desc("Sequences of a step (default 2)"), cl::init(2), cl::cat(program));
  cl::opt<int> sequence("sequence", cl::desc("Tokens of a sequence (default 256)"), cl::init(256), cl::cat(program));
  cl::opt<int> context("context", cl::desc("Positions that generate can reach (default 2048)"), cl::init(2048),
                       cl::cat(program));
  cl::opt<std::string> memory(
      "activation-memory",
      cl::desc("Budget for saved activations, e.g. 512MiB; more is computed again (default: no limit)"), cl::init("0"),
      cl::cat(program));
  cl::opt<std::string> subnet("subnet", cl::desc("Compile the subnet of this JSON, with --weights RUN"),
                              cl::value_desc("json"), cl::cat(program));
  cl::opt<std::string> scaleType("scale-type", cl::desc("Scales and zeros of a subnet: f16 (default) or f32"),
                                 cl::init("f16"), cl::cat(program));

  cl::opt<std::string> compileTo("compile-to", cl::desc("Stop after a stage and print the module"),
                                 cl::value_desc("stage"), cl::init("emit"), cl::cat(stages));
  cl::opt<std::string> compileFrom("compile-from", cl::desc("MODEL is a module as it stands after this stage"),
                                   cl::value_desc("stage"), cl::init("import"), cl::cat(stages));
  cl::opt<std::string> dumpStages("dump-stages-to", cl::desc("Write the module after every stage into this folder"),
                                  cl::value_desc("folder"), cl::cat(stages));

  cl::HideUnrelatedOptions({&general, &supernet, &program, &stages});
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "qfa-compile " QFA_VERSION "\n"; });
  cl::ParseCommandLineOptions(argc, argv,
                              "QFA compiler: a decoder LLM as ONNX becomes a native training program or, with "
                              "--subnet, an inference program\n");

  DriverOptions options;
  options.model = model;
  options.output = output;
  options.weights = weights;
  options.subnet = subnet;
  options.verify = verify;
  options.tolerance = tolerance;
  options.programOnly = programOnly;
  options.linker = linker;
  options.runtimeLibrary = runtime;
  options.compileTo = parseStageOption("compile-to", compileTo);
  options.compileFrom = parseStageOption("compile-from", compileFrom);
  if (options.runtimeLibrary.empty()) {
    // bin/qfa-compile and lib/libqfa_runtime.a, in the build folder as after installation
    llvm::SmallString<128> path(
        llvm::sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&qfa::parseCommandLine)));
    llvm::sys::path::remove_filename(path);
    llvm::sys::path::append(path, "..", "lib", "libqfa_runtime.a");
    options.runtimeLibrary = path.str().str();
  }

  if (method != "supernet" && method != "full")
    fail("--method=" + method + " is not one of supernet, full");
  if (adapter != "qa-lora")
    fail("--adapter=" + adapter + " is not known: qa-lora");
  if (quantizer != "rtn")
    fail("--quantizer=" + quantizer + " is not known: rtn");
  if (embeddingBits != 16 && embeddingBits != 8 && embeddingBits != 4)
    fail("--embedding-bits=" + llvm::Twine(embeddingBits) + " is not one of 16, 8, 4");
  if (scaleType != "f16" && scaleType != "f32")
    fail("--scale-type=" + scaleType + " is not one of f16, f32");
  if (sampler != "resource-balanced" && sampler != "uniform")
    fail("--sampler=" + sampler + " is not one of resource-balanced, uniform");
  if (batch < 1 || sequence < 2 || context < 1)
    fail("--batch, --sequence and --context must be positive, and a sequence has at least 2 tokens");
  if (!options.subnet.empty() && options.weights.empty())
    fail("--subnet needs --weights RUN, the run it was searched in");
  if (options.output.empty() && options.verify.empty() && options.compileTo == Stage::Emit)
    fail("-o PATH is missing: the program to write");

  ProgramOptions &p = options.program;
  p.elastic = method == "supernet";
  p.supernetOptions =
      ("bits=" + parseBits(bits) + " granularity=" + granularity + " group-size=" + groupSize +
       " rank=" + llvm::Twine(rank) + " alpha=" + llvm::Twine(llvm::formatv("{0:f4}", double(alpha)).str()) +
       " embedding-bits=" + llvm::Twine(embeddingBits))
          .str();
  p.autodiff.functions.batch = batch;
  p.autodiff.functions.sequence = sequence;
  p.autodiff.functions.context = context;
  p.autodiff.functions.prefill = std::min<int64_t>(p.autodiff.functions.prefill, context);
  p.autodiff.training.method = method;
  p.autodiff.recompute.activationMemory = parseBytes("activation-memory", memory);
  p.schedule.sampler = sampler;
  p.schedule.scaleType = scaleType;
  p.dumpStagesTo = dumpStages;
  p.isas.clear();
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(isas).split(names, ',');
  for (llvm::StringRef name : names) {
    int isa = llvm::StringSwitch<int>(name)
                  .Case("portable", QFA_ISA_PORTABLE)
                  .Case("avx2", QFA_ISA_AVX2)
                  .Case("avx512", QFA_ISA_AVX512)
                  .Default(-1);
    if (isa < 0)
      fail("--isa=" + isas + ": '" + name + "' is not one of portable, avx2, avx512");
    p.isas.push_back(static_cast<qfa_isa_t>(isa));
  }
  if (target != "cpu" && target != "cpu,cuda")
    fail("--target=" + target + " is not one of cpu; cpu,cuda");
  if (gpuPrecision != "bf16" && gpuPrecision != "f32")
    fail("--gpu-precision=" + gpuPrecision + " is not one of bf16, f32");
  p.gpu.enabled = target == "cpu,cuda";
  p.gpu.precision = gpuPrecision;
  p.gpu.multiprocessors = gpuMultiprocessors;
  p.gpu.archs = parseArchs(gpuArch);
  if (!llvm::is_contained(p.isas, QFA_ISA_PORTABLE))
    fail("--isa=" + isas + " leaves out portable, which runs where nothing else does");
  return options;
}
