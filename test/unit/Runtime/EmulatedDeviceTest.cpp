// The emulated device against an emulator that only notes what it is asked for.
#include "FakeModule.h"

#include "device/EmulatedDevice.h"
#include "support/Error.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace qfa::rt;

namespace {

std::vector<std::string> calls;
int failing = -1; // the launch that does, counted

EmulatorLibrary makeLibrary() {
  EmulatorLibrary library;
  library.create = [](const qfa_emulator_options_t *) { return reinterpret_cast<qfa_emulator_t *>(1); };
  library.destroy = [](qfa_emulator_t *) {};
  library.allocate = [](qfa_emulator_t *, const char *, uint64_t bytes) { return std::malloc(bytes); };
  library.free = [](qfa_emulator_t *, void *memory) { std::free(memory); };
  library.markWritten = [](qfa_emulator_t *, const void *, uint64_t) { calls.push_back("copy"); };
  library.load = [](qfa_emulator_t *, const void *, uint64_t) { return reinterpret_cast<qfa_emulator_module_t *>(1); };
  library.launch = [](qfa_emulator_t *, qfa_emulator_module_t *, const char *kernel, const uint32_t *, const uint32_t *,
                      uint32_t, const void *const *parameters) {
    calls.push_back(std::string(kernel) + " " + std::to_string(**static_cast<const int *const *>(parameters[0])));
    return failing-- == 0 ? 1 : 0;
  };
  library.error = [](const qfa_emulator_t *) { return "out of bounds"; };
  return library;
}

const qfa_gpu_launch_t linear[] = {{"cast", {1, 1, 1}, 32, 0, 0, 0, 0, nullptr},
                                   {"weight", {1, 1, 1}, 32, 1, 0, 0, 0, nullptr},
                                   {"product", {1, 1, 1}, 32, 0, 0, 0, 0, nullptr}};
const qfa_gpu_launch_t early[] = {{"fill", {1, 1, 1}, 32, 1, 0, 0, 0, nullptr}};
const qfa_gpu_kernel_t gpuKernels[] = {{1, 64, 3, linear}, {1, 64, 1, early}};
const qfa_gpu_image_t images[] = {{QFA_GPU_BITCODE, 80, 0, 0, 1, "b", gpuKernels}};
void onCpu(void *const *, int64_t, int64_t, void *) {}
const qfa_kernel_t kernels[] = {{"linear", 1, 0, 1, {onCpu, nullptr, nullptr}, 2, 1, nullptr},
                                {"fill", 1, 0, 1, {onCpu, nullptr, nullptr}, 2, 1, nullptr}};

// What is launched in this order, by kernel; then a copy.
std::vector<uint32_t> order;
void launchAll(const qfa_context_t *context, void *const *io) {
  for (int i = 0; i < static_cast<int>(order.size()); ++i) {
    int *place = static_cast<int *>(io[0]) + i;
    *place = i;
    void *args[] = {place}; // gone when a delayed launch comes
    context->launch(context->runtime, order[i], args);
  }
  context->copy(context->runtime, io[0], io[0], 4);
}
const qfa_entry_t entry = {"train_step", launchAll, 64, 0, 0, 1, 0, nullptr};

class EmulatedDeviceTest : public testing::Test {
protected:
  EmulatedDeviceTest() : raw(makeModule()), module(raw) {}
  static qfa_module_t makeModule() {
    qfa_module_t raw = fake::emptyModule();
    raw.kernel_count = 2;
    raw.kernels = kernels;
    raw.gpu_precision = "bf16";
    raw.gpu_image_count = 1;
    raw.gpu_images = images;
    return raw;
  }
  std::vector<std::string> run(const std::vector<uint32_t> &launched, bool profile = false) {
    EmulatedDevice device(module, 1, profile, makeLibrary());
    qfa_context_t context = {};
    device.bind(context);
    calls.clear();
    order = launched;
    int numbers[8] = {};
    void *io[] = {numbers};
    device.run(entry, context, io);
    return calls;
  }

  qfa_module_t raw;
  Module module;
};

} // namespace

TEST_F(EmulatedDeviceTest, EarlyLaunchesComeAsSoonAsTheyMay) {
  EXPECT_EQ(run({0, 0, 0}), (std::vector<std::string>{"weight 0", "weight 1", "cast 0", "product 0", "weight 2",
                                                      "cast 1", "product 1", "cast 2", "product 2", "copy"}));
}

TEST_F(EmulatedDeviceTest, ButNotIntoAWorkspaceThatIsRead) {
  EXPECT_EQ(run({0, 1, 1}), (std::vector<std::string>{"weight 0", "fill 1", "cast 0", "product 0", "fill 2", "copy"}));
}

TEST_F(EmulatedDeviceTest, AProfileHasOneKernelAfterTheOther) {
  EXPECT_EQ(run({0, 0}, /*profile=*/true),
            (std::vector<std::string>{"cast 0", "weight 0", "product 0", "cast 1", "weight 1", "product 1", "copy"}));
}

TEST_F(EmulatedDeviceTest, NamesTheLaunchThatFails) {
  failing = 3;
  try {
    run({0, 0});
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "kernel 'product' on the emulated device: out of bounds");
  }
  failing = -1;
  EXPECT_EQ(run({1}), (std::vector<std::string>{"fill 0", "copy"}));
}
