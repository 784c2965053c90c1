// The C border of the emulator: objects behind handles, errors as text.
#include "qfa/GpuEmulator/emulator_c.h"

#include "qfa/GpuEmulator/Emulator.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace qfa::emu;

struct qfa_emulator_module {
  std::unique_ptr<Program> program;
};

struct qfa_emulator {
  Memory memory;
  LoadOptions load;
  LaunchOptions launch;
  std::vector<std::unique_ptr<qfa_emulator_module>> modules;
  std::string error;
};

qfa_emulator_t *qfa_emulator_create(const qfa_emulator_options_t *options) {
  if (options->version != QFA_EMULATOR_VERSION || options->schedule > uint32_t(Schedule::Random))
    return nullptr;
  auto *emulator = new qfa_emulator;
  emulator->load.checks = options->checks;
  emulator->launch.races = emulator->launch.uninitialised = options->checks;
  emulator->launch.workers = options->workers;
  emulator->launch.schedule = Schedule(options->schedule);
  emulator->launch.seed = options->seed;
  return emulator;
}

void qfa_emulator_destroy(qfa_emulator_t *emulator) { delete emulator; }

void *qfa_emulator_allocate(qfa_emulator_t *emulator, const char *name, uint64_t bytes) {
  return emulator->memory.allocate(name, bytes);
}

void qfa_emulator_free(qfa_emulator_t *emulator, void *memory) {
  emulator->memory.release(static_cast<std::byte *>(memory));
}

void qfa_emulator_mark_written(qfa_emulator_t *emulator, const void *memory, uint64_t bytes) {
  emulator->memory.markInitialised(static_cast<const std::byte *>(memory), bytes);
}

qfa_emulator_module_t *qfa_emulator_load(qfa_emulator_t *emulator, const void *bytes, uint64_t count) {
  // Text must end with a zero byte.
  auto copy = llvm::MemoryBuffer::getMemBufferCopy({static_cast<const char *>(bytes), count}, "module");
  auto program = Program::load(copy->getMemBufferRef(), emulator->load);
  if (!program) {
    emulator->error = llvm::toString(program.takeError());
    return nullptr;
  }
  emulator->modules.push_back(std::make_unique<qfa_emulator_module>());
  emulator->modules.back()->program = std::move(*program);
  return emulator->modules.back().get();
}

int qfa_emulator_launch(qfa_emulator_t *emulator, qfa_emulator_module_t *module, const char *kernel,
                        const uint32_t grid[3], const uint32_t block[3], uint32_t shared_bytes,
                        const void *const *arguments) {
  KernelLaunch launch{kernel, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, shared_bytes, {}};
  if (const KernelSignature *found = module->program->findKernel(kernel))
    launch.arguments.assign(arguments, arguments + found->parameterBytes.size());
  Report report = module->program->launch(launch, emulator->memory, emulator->launch);
  if (!report.ok())
    emulator->error = report.text();
  return report.ok() ? 0 : 1;
}

const char *qfa_emulator_error(const qfa_emulator_t *emulator) { return emulator->error.c_str(); }
