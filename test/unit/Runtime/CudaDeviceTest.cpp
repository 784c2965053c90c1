// The host's side of the CUDA device, against a driver that records its calls and has host memory for device memory.
#include "FakeCublasLt.h"
#include "FakeModule.h"

#include "cli/Info.h"
#include "core/ThreadPool.h"
#include "device/CudaDevice.h"
#include "support/Error.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace qfa::rt;

namespace {

// The fake driver's state; its functions are plain functions, so it is global and made anew by each test.
struct FakeDriver {
  std::vector<std::string> calls;    // "main launch linear__product", in the order of the host
  std::vector<std::string> captured; // of the capture that is open or was the last
  bool capturing = false;
  int handles = 0;
  std::set<void *> memory; // allocated, not freed
  size_t freeBytes = 1 << 30;
  int version = 12040, capability = 90, largestShared = 227 << 10;
  std::set<std::string> refused; // images that do not load
  std::string failing;           // member that returns an error
  std::vector<void *> streams;
  std::vector<std::vector<uint64_t>> parameters; // of launches: their first values
  std::map<std::string, int> sharedBytes;        // that functions asked for

  void *handle() { return reinterpret_cast<void *>(static_cast<uintptr_t>(++handles)); }
  std::string nameOf(void *stream) const { return !streams.empty() && stream == streams[0] ? "main" : "side"; }
  void note(const std::string &call) { (capturing ? captured : calls).push_back(call); }
  int status(const char *member) const { return failing == member ? 2 : 0; }
};
FakeDriver fakeDriver;

const qfa_gpu_product_t linearProducts[] = {{2, 3, 4, {0, 4, 0, 0}, {64, 4, 0, 0}, 1, -1, 0, 3, 1.0}};
const qfa_gpu_launch_t linearLaunches[] = {{"linear__cast", {3, 2, 1}, 256, 0, 0, 0, 0, nullptr},
                                           {"linear__weight", {5, 1, 1}, 128, 1, 0, 0, 0, nullptr},
                                           {"linear__product", {1, 1, 1}, 128, 0, 65536, 7, 1, linearProducts}};
const qfa_gpu_launch_t addLaunches[] = {{"add__elements", {1, 1, 1}, 256, 0, 0, 0, 0, nullptr}};
const qfa_gpu_kernel_t gpuKernels[] = {{2, 1024, 3, linearLaunches}, {3, 0, 1, addLaunches}};
// Never called: the device under test runs GPU functions.
void onCpu(void *const *, int64_t, int64_t, void *) {}
const qfa_kernel_t kernels[] = {{"linear", 1, 0, 100, {onCpu, nullptr, nullptr}, 1, 1, nullptr},
                                {"add", 1, 0, 10, {onCpu, nullptr, nullptr}, 2, 1, nullptr}};
const qfa_gpu_image_t images[] = {{QFA_GPU_BITCODE, 80, 0, 0, 1, "b", gpuKernels},
                                  {QFA_GPU_CUBIN, 80, 0, 0, 1, "c80", gpuKernels},
                                  {QFA_GPU_CUBIN, 90, 0, 0, 1, "c90", gpuKernels},
                                  {QFA_GPU_PTX, 80, 0, 0, 4, "ptx", gpuKernels}};

// Three linears and an addition.
void fakeEntry(const qfa_context_t *context, void *const *io) {
  for (int i = 0; i < 3; ++i) {
    void *args[] = {io[0], context->arena};
    context->launch(context->runtime, 0, args);
  }
  void *args[] = {io[0], context->arena, io[1]};
  context->launch(context->runtime, 1, args);
  context->copy(context->runtime, io[1], context->arena, 16);
}
const qfa_entry_t entry = {"train_step", fakeEntry, 64, 310, 4, 1, 1, nullptr};

qfa_module_t makeModule() {
  qfa_module_t module = fake::emptyModule();
  module.kernel_count = 2;
  module.kernels = kernels;
  module.gpu_precision = "bf16";
  module.gpu_image_count = 4;
  module.gpu_images = images;
  return module;
}

template <typename Handle>
int make(Handle *handle, const char *member) {
  *handle = static_cast<Handle>(fakeDriver.handle());
  return fakeDriver.status(member);
}

CudaDriver makeDriver() {
  CudaDriver d;
  d.driverGetVersion = [](int *version) { return *version = fakeDriver.version, 0; };
  d.init = [](unsigned) { return fakeDriver.status("init"); };
  d.getErrorName = [](int, const char **name) { return *name = "CUDA_ERROR_OUT_OF_MEMORY", 0; };
  d.getErrorString = [](int, const char **text) { return *text = "out of memory", 0; };
  d.deviceGetCount = [](int *count) { return *count = 1, 0; };
  d.deviceGet = [](int *device, int ordinal) { return *device = ordinal, 0; };
  d.deviceGetName = [](char *name, int, int) { return std::strcpy(name, "Fake GPU"), 0; };
  d.deviceGetAttribute = [](int *value, int attribute, int) {
    *value = attribute == cuda::computeCapabilityMajor   ? fakeDriver.capability / 10
             : attribute == cuda::computeCapabilityMinor ? fakeDriver.capability % 10
                                                         : fakeDriver.largestShared;
    return 0;
  };
  d.primaryContextRetain = [](cuda::Context *context, int) { return make(context, "primaryContextRetain"); };
  d.primaryContextRelease = [](int) { return fakeDriver.note("release context"), 0; };
  d.contextSetCurrent = [](cuda::Context) { return 0; };
  d.memGetInfo = [](size_t *free, size_t *total) { return *free = *total = fakeDriver.freeBytes, 0; };
  d.memAlloc = [](cuda::DevicePtr *memory, size_t bytes) {
    if (bytes > fakeDriver.freeBytes)
      return 2;
    void *start = std::malloc(bytes);
    fakeDriver.memory.insert(start);
    *memory = reinterpret_cast<cuda::DevicePtr>(start);
    return 0;
  };
  d.memFree = [](cuda::DevicePtr memory) {
    EXPECT_EQ(fakeDriver.memory.erase(reinterpret_cast<void *>(memory)), 1u) << "freed what was not allocated";
    std::free(reinterpret_cast<void *>(memory));
    return 0;
  };
  d.memHostAlloc = [](void **memory, size_t bytes, unsigned) {
    fakeDriver.memory.insert(*memory = std::malloc(bytes));
    return 0;
  };
  d.memFreeHost = [](void *memory) { return fakeDriver.memory.erase(memory), std::free(memory), 0; };
  d.memcpyHtoDAsync = [](cuda::DevicePtr to, const void *from, size_t bytes, cuda::Stream stream) {
    fakeDriver.note(fakeDriver.nameOf(stream) + " upload " + std::to_string(bytes));
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return 0;
  };
  d.memcpyDtoHAsync = [](void *to, cuda::DevicePtr from, size_t bytes, cuda::Stream) {
    std::memcpy(to, reinterpret_cast<void *>(from), bytes);
    return 0;
  };
  d.memcpyDtoDAsync = [](cuda::DevicePtr, cuda::DevicePtr, size_t bytes, cuda::Stream stream) {
    return fakeDriver.note(fakeDriver.nameOf(stream) + " copy " + std::to_string(bytes)), 0;
  };
  d.memsetD8Async = [](cuda::DevicePtr to, unsigned char value, size_t count, cuda::Stream) {
    return std::memset(reinterpret_cast<void *>(to), value, count), 0;
  };
  d.moduleLoadDataEx = [](cuda::Module *module, const void *image, unsigned count, int *options, void **values) {
    std::string text(static_cast<const char *>(image));
    fakeDriver.note("load " + text);
    if (!fakeDriver.refused.contains(text))
      return make(module, "moduleLoadDataEx");
    EXPECT_TRUE(count == 2 && options[0] == 5 && options[1] == 6) << "CU_JIT_ERROR_LOG_BUFFER and its size";
    if (text.starts_with("ptx"))
      std::strncpy(static_cast<char *>(values[0]), "line 7 is wrong", reinterpret_cast<size_t>(values[1]));
    return 200;
  };
  d.moduleUnload = [](cuda::Module) { return 0; };
  d.moduleGetFunction = [](cuda::Function *function, cuda::Module, const char *name) {
    *function = reinterpret_cast<cuda::Function>(const_cast<char *>(name));
    return fakeDriver.status("moduleGetFunction");
  };
  d.functionSetAttribute = [](cuda::Function function, int attribute, int value) {
    EXPECT_EQ(attribute, cuda::largestDynamicSharedBytes);
    fakeDriver.sharedBytes[reinterpret_cast<const char *>(function)] = value;
    return 0;
  };
  d.launchKernel = [](cuda::Function function, unsigned x, unsigned y, unsigned z, unsigned block, unsigned, unsigned,
                      unsigned shared, cuda::Stream stream, void **parameters, void **) {
    EXPECT_EQ(static_cast<int>(shared), fakeDriver.sharedBytes[reinterpret_cast<const char *>(function)]);
    fakeDriver.note(fakeDriver.nameOf(stream) + " launch " + reinterpret_cast<const char *>(function));
    EXPECT_GT(x * y * z * block, 0u);
    std::vector<uint64_t> values;
    for (int i = 0; i < 4; ++i)
      values.push_back(*static_cast<uint64_t *>(parameters[i]));
    fakeDriver.parameters.push_back(values);
    return fakeDriver.status("launchKernel");
  };
  d.streamCreate = [](cuda::Stream *stream, unsigned) {
    int status = make(stream, "streamCreate");
    fakeDriver.streams.push_back(*stream);
    return status;
  };
  d.streamDestroy = [](cuda::Stream) { return 0; };
  d.streamSynchronize = [](cuda::Stream stream) { return fakeDriver.note(fakeDriver.nameOf(stream) + " wait"), 0; };
  d.streamWaitEvent = [](cuda::Stream stream, cuda::Event event, unsigned) {
    fakeDriver.note(fakeDriver.nameOf(stream) + " waits for " + std::to_string(reinterpret_cast<uintptr_t>(event)));
    return 0;
  };
  d.streamBeginCapture = [](cuda::Stream, int mode) {
    EXPECT_EQ(mode, 2) << "kernels may be loaded during a capture";
    fakeDriver.note("begin capture");
    fakeDriver.captured.clear();
    fakeDriver.capturing = true;
    return 0;
  };
  d.streamEndCapture = [](cuda::Stream, cuda::Graph *graph) {
    fakeDriver.capturing = false;
    return make(graph, "streamEndCapture");
  };
  d.eventCreate = [](cuda::Event *event, unsigned) { return make(event, "eventCreate"); };
  d.eventDestroy = [](cuda::Event) { return 0; };
  d.eventRecord = [](cuda::Event event, cuda::Stream stream) {
    fakeDriver.note(fakeDriver.nameOf(stream) + " records " + std::to_string(reinterpret_cast<uintptr_t>(event)));
    return 0;
  };
  d.eventSynchronize = [](cuda::Event) { return 0; };
  d.graphInstantiate = [](cuda::GraphExec *exec, cuda::Graph, unsigned long long) {
    fakeDriver.note("instantiate");
    return make(exec, "graphInstantiate");
  };
  d.graphLaunch = [](cuda::GraphExec, cuda::Stream stream) {
    return fakeDriver.note(fakeDriver.nameOf(stream) + " graph"), 0;
  };
  d.graphDestroy = [](cuda::Graph) { return 0; };
  d.graphExecDestroy = [](cuda::GraphExec) { return fakeDriver.note("destroy graph"), 0; };
  return d;
}

class CudaDeviceTest : public testing::Test {
protected:
  CudaDeviceTest() : raw(makeModule()), module(raw) { fakeDriver = FakeDriver(); }
  std::unique_ptr<CudaDevice> open(bool profile = false, const CudaGemm &gemm = {}) {
    auto device = std::make_unique<CudaDevice>(module, makeDriver(), 0, profile, gemm);
    device->bind(context);
    context.arena = arena;
    return device;
  }
  static int64_t count(const std::vector<std::string> &calls, const std::string &call) {
    return std::count(calls.begin(), calls.end(), call);
  }
  template <typename Work>
  static std::string reason(Work work) {
    try {
      work();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }

  qfa_module_t raw;
  Module module;
  qfa_context_t context = {};
  alignas(64) char arena[64] = {};
  char input[16] = {}, output[16] = {};
  void *io[2] = {input, output};
};

} // namespace

// The first time kernels are loaded, which is not for a capture.
TEST_F(CudaDeviceTest, CapturesAnEntryTheSecondTimeAndLaunchesItsGraphFromThenOn) {
  auto device = open();
  device->run(entry, context, io);
  EXPECT_EQ(count(fakeDriver.calls, "begin capture"), 0);
  EXPECT_EQ(count(fakeDriver.calls, "main launch linear__product"), 3);
  fakeDriver.calls.clear();
  for (int time = 0; time < 3; ++time)
    device->run(entry, context, io);
  EXPECT_EQ(count(fakeDriver.calls, "begin capture"), 1);
  EXPECT_EQ(count(fakeDriver.calls, "instantiate"), 1);
  EXPECT_EQ(count(fakeDriver.calls, "main graph"), 3);
  EXPECT_EQ(count(fakeDriver.captured, "main launch linear__product"), 3);
  EXPECT_EQ(count(fakeDriver.captured, "main copy 16"), 1);
  for (const std::string &call : fakeDriver.calls)
    EXPECT_EQ(call.find("launch"), std::string::npos) << call << " outside of the graph";
}

// An order of streams in which a launch may come: replay waits and records as the driver would.
TEST_F(CudaDeviceTest, DequantizesAheadButNeverIntoAWorkspaceThatIsRead) {
  auto device = open();
  for (int time = 0; time < 2; ++time)
    device->run(entry, context, io);
  // What must have happened before each launch, by the records that its stream has waited for.
  std::map<std::string, std::set<int>> done; // of a stream: launches known to be over when its next one starts
  std::map<std::string, std::set<int>> events;
  std::vector<std::pair<std::string, std::set<int>>> launches; // name, what is over before it
  for (const std::string &call : fakeDriver.captured) {
    std::string stream = call.substr(0, 4), rest = call.substr(5);
    if (rest.starts_with("waits for "))
      done[stream].insert(events[rest.substr(10)].begin(), events[rest.substr(10)].end());
    else if (rest.starts_with("records "))
      events[rest.substr(8)] = done[stream];
    else if (rest.starts_with("launch ")) {
      launches.push_back({rest.substr(7), done[stream]});
      done[stream].insert(static_cast<int>(launches.size()) - 1);
    }
  }
  std::vector<int> weights, products;
  for (size_t i = 0; i < launches.size(); ++i) {
    if (launches[i].first == "linear__weight")
      weights.push_back(static_cast<int>(i));
    if (launches[i].first == "linear__product")
      products.push_back(static_cast<int>(i));
  }
  ASSERT_EQ(weights.size(), 3u);
  ASSERT_EQ(products.size(), 3u);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(launches[products[i]].second.count(weights[i])) << "product " << i << " does not wait for its weight";
  EXPECT_FALSE(launches[weights[1]].second.count(products[0])) << "the second weight waits for the first product";
  EXPECT_TRUE(launches[weights[2]].second.count(products[0])) << "the third weight overwrites the first's workspace";
  EXPECT_TRUE(done["main"].count(weights[2])) << "the capture leaves the side stream behind";
}

TEST_F(CudaDeviceTest, GivesFunctionsPointersWorkspaceAndArgument) {
  auto device = open();
  device->run(entry, context, io);
  ASSERT_EQ(fakeDriver.parameters.size(), 10u);
  auto at = [](const void *memory) { return reinterpret_cast<uint64_t>(memory); };
  const auto &first = fakeDriver.parameters[2], &second = fakeDriver.parameters[5], &third = fakeDriver.parameters[8];
  EXPECT_EQ(first[0], at(input));
  EXPECT_EQ(first[1], at(arena));
  EXPECT_EQ(first[3], 7u);
  EXPECT_NE(first[2], second[2]) << "workspaces take turns";
  EXPECT_EQ(first[2], third[2]);
  EXPECT_EQ(fakeDriver.sharedBytes["linear__product"], 65536);
}

TEST_F(CudaDeviceTest, LetsTheLibraryMakeProducts) {
  test::fakeCublasLt = {};
  test::fakeCublasLt.onMultiply = [](cuda::Stream stream) { fakeDriver.note(fakeDriver.nameOf(stream) + " multiply"); };
  {
    auto device = open(false, {test::makeFakeCublasLt(), /*always=*/true});
    EXPECT_EQ(device->describe(),
              "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), machine code for sm_90, products by cuBLASLt 12.8.4");
    device->run(entry, context, io);
    EXPECT_EQ(test::fakeCublasLt.heuristics, 1) << "asked before the capture";
    device->run(entry, context, io);
    EXPECT_EQ(test::fakeCublasLt.heuristics, 1) << "and not in it";
    EXPECT_EQ(count(fakeDriver.captured, "main launch linear__product"), 0);
    ASSERT_EQ(count(fakeDriver.captured, "main multiply"), 3);
    // In the place of the function: behind the wait for its weights, before the record that frees its workspace.
    auto multiply = std::find(fakeDriver.captured.begin(), fakeDriver.captured.end(), "main multiply");
    EXPECT_TRUE(multiply[-1].starts_with("main waits for ")) << multiply[-1];
    EXPECT_TRUE(multiply[1].starts_with("main records ")) << multiply[1];
    // What the library has no algorithm for, and what has another address, the function makes.
    test::fakeCublasLt.hasAlgorithm = false;
    device->forget(entry);
    void *other[] = {input, output};
    context.arena = arena + 4;
    for (int time = 0; time < 2; ++time)
      device->run(entry, context, other);
    EXPECT_EQ(count(fakeDriver.captured, "main launch linear__product"), 3);
    EXPECT_EQ(count(fakeDriver.captured, "main multiply"), 0);
  }
  EXPECT_EQ(test::fakeCublasLt.objects, 0);
  EXPECT_TRUE(fakeDriver.memory.empty());
}

TEST_F(CudaDeviceTest, LetsTheLibraryMakeLargeProductsWhereItWorks) {
  test::fakeCublasLt = {};
  auto device = open(false, {test::makeFakeCublasLt(), /*always=*/false});
  EXPECT_EQ(
      device->describe(),
      "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), machine code for sm_90, large products by cuBLASLt 12.8.4");
  device->run(entry, context, io);
  EXPECT_EQ(count(fakeDriver.calls, "main launch linear__product"), 3) << "of 48 FLOP";
  test::fakeCublasLt.failing = "create";
  EXPECT_EQ(open(false, {test::makeFakeCublasLt(), false})->describe(),
            "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), machine code for sm_90");
  EXPECT_EQ(reason([&] { open(false, {test::makeFakeCublasLt(), true}); }),
            "cublasLtCreate failed: the library failed to launch on the GPU (status 13)");
  test::fakeCublasLt.failing = "";
  fakeDriver.freeBytes = 1 << 20; // less than its workspace
  EXPECT_EQ(open(false, {test::makeFakeCublasLt(), false})->describe(),
            "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), machine code for sm_90");
}

TEST_F(CudaDeviceTest, ProfilesKernelByKernelWithoutAGraph) {
  auto device = open(/*profile=*/true);
  device->run(entry, context, io);
  EXPECT_EQ(count(fakeDriver.calls, "begin capture"), 0);
  EXPECT_EQ(count(fakeDriver.calls, "main launch linear__weight"), 3);
  EXPECT_EQ(count(fakeDriver.calls, "main wait"), 4);
  EXPECT_EQ(device->launches(), 4);
  EXPECT_EQ(device->flops(), 310);
  EXPECT_NE(device->profileTable().find("linear"), std::string::npos);
}

TEST_F(CudaDeviceTest, UploadsInPartsThroughPinnedMemory) {
  auto device = open();
  std::vector<char> from((20 << 20) + 3), back(from.size());
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = static_cast<char>(i * 7 + i / 4096);
  DeviceMemory memory(*device, "a test", from.size());
  device->upload(memory.data(), from.data(), from.size());
  EXPECT_EQ(count(fakeDriver.calls, "main upload " + std::to_string(8 << 20)), 2);
  EXPECT_EQ(count(fakeDriver.calls, "main upload " + std::to_string((4 << 20) + 3)), 1);
  device->download(back.data(), memory.data(), back.size());
  EXPECT_EQ(from, back);
}

TEST_F(CudaDeviceTest, ChoosesTheImageThatTheDeviceRuns) {
  for (auto [capability, image] : {std::pair(80, "load c80"), {86, "load c80"}, {90, "load c90"}, {100, "load ptx"}}) {
    fakeDriver = FakeDriver();
    fakeDriver.capability = capability;
    open();
    EXPECT_EQ(count(fakeDriver.calls, image), 1) << capability;
  }
  fakeDriver = FakeDriver();
  fakeDriver.capability = 75;
  EXPECT_EQ(reason([&] { open(); }),
            "cuda:0 (Fake GPU, sm_75, driver for CUDA 12.4) runs none of this program's GPU code, which is for "
            "sm_80, sm_90: --gpu-arch makes other, for 80 or later");
  EXPECT_TRUE(fakeDriver.memory.empty());
}

// Without machine code: the newest PTX, unless it needs more shared memory than the device has.
TEST_F(CudaDeviceTest, ChoosesThePtxWhoseTilesFit) {
  const qfa_gpu_launch_t large[] = {{"linear__product", {1, 1, 1}, 256, 0, 144 << 10, 0, 0, nullptr}};
  const qfa_gpu_kernel_t largeKernels[] = {{2, 1024, 1, large}, {3, 0, 1, addLaunches}};
  const qfa_gpu_image_t ptx[] = {{QFA_GPU_PTX, 80, 0, 0, 6, "ptx80", gpuKernels},
                                 {QFA_GPU_PTX, 90, 0, 0, 6, "ptx90", largeKernels}};
  raw.gpu_image_count = 2;
  raw.gpu_images = ptx;
  struct Case {
    int capability, sharedKiB;
    const char *image;
  };
  for (auto [capability, sharedKiB, image] :
       {Case{80, 163, "load ptx80"}, {90, 227, "load ptx90"}, {100, 227, "load ptx90"}, {120, 99, "load ptx80"}}) {
    fakeDriver = FakeDriver();
    fakeDriver.capability = capability;
    fakeDriver.largestShared = sharedKiB << 10;
    open();
    EXPECT_EQ(count(fakeDriver.calls, image), 1) << capability;
  }
}

TEST_F(CudaDeviceTest, NamesTheCallThatFails) {
  EXPECT_EQ(reason([&] { CudaDevice(module, makeDriver(), 3, false); }), "no CUDA device 3: this machine has 1");
  {
    auto device = open();
    fakeDriver.freeBytes = 1000;
    EXPECT_EQ(reason([&] { device->allocate("the arena", 32 << 20); }),
              "cuMemAlloc of 33554432 bytes for the arena failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
    fakeDriver.failing = "launchKernel";
    EXPECT_EQ(reason([&] { device->run(entry, context, io); }),
              "cuLaunchKernel of 'linear__cast' failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
    fakeDriver.failing = "";
    for (int time = 0; time < 2; ++time)
      device->run(entry, context, io);
    EXPECT_EQ(count(fakeDriver.calls, "main graph"), 1) << "a run that failed is not the first";
  }
  EXPECT_TRUE(fakeDriver.memory.empty()) << "device memory left behind";
  EXPECT_EQ(count(fakeDriver.calls, "release context"), 1);
}

TEST_F(CudaDeviceTest, RunsWithoutAGraphWhereThereCanBeNone) {
  for (const char *call : {"graphInstantiate", "streamEndCapture"}) {
    fakeDriver = FakeDriver();
    auto device = open();
    device->run(entry, context, io);
    fakeDriver.failing = call;
    testing::internal::CaptureStderr();
    for (int time = 0; time < 2; ++time)
      device->run(entry, context, io);
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(said.starts_with("'train_step' becomes no CUDA graph, its kernels are launched one by one: cu"))
        << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << "said once";
    EXPECT_FALSE(fakeDriver.capturing) << "the capture was left open";
    EXPECT_EQ(count(fakeDriver.calls, "main launch linear__product"), 9);
    EXPECT_EQ(count(fakeDriver.calls, "main graph"), 0);
  }
}

// A driver for CUDA 12 does not load machine code of a toolkit 13.
TEST_F(CudaDeviceTest, LoadsTheNextBestCodeWhereTheBestIsRefused) {
  fakeDriver.refused = {"c90"};
  EXPECT_EQ(open()->describe(), "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), PTX for sm_80");
  fakeDriver = FakeDriver();
  fakeDriver.refused = {"c90", "ptx"};
  EXPECT_EQ(
      reason([&] { open(); }),
      "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4) loads none of this program's GPU code: cuModuleLoadDataEx of "
      "the machine code for sm_90 failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory); cuModuleLoadDataEx of the PTX "
      "for sm_80 failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory): line 7 is wrong");
}

TEST_F(CudaDeviceTest, RefusesAnOldDriver) {
  fakeDriver.version = 11080;
  EXPECT_EQ(reason([&] { open(); }), "the NVIDIA driver is for CUDA 11.8, wanted 12.0 or later");
}

// Code with a letter runs on its own card: before that of the number, but on no other of the generation.
TEST_F(CudaDeviceTest, ChoosesCodeOfACardsOwn) {
  const qfa_gpu_image_t own[] = {
      {QFA_GPU_CUBIN, 90, 0, 0, 1, "c90", gpuKernels},      {QFA_GPU_CUBIN, 90, 'a', 0, 1, "c90a", gpuKernels},
      {QFA_GPU_CUBIN, 100, 'a', 0, 1, "c100a", gpuKernels}, {QFA_GPU_CUBIN, 100, 'f', 0, 1, "c100f", gpuKernels},
      {QFA_GPU_PTX, 90, 'a', 0, 6, "ptx90a", gpuKernels},   {QFA_GPU_PTX, 80, 0, 0, 4, "ptx", gpuKernels}};
  raw.gpu_image_count = 6;
  raw.gpu_images = own;
  for (auto [capability, image] :
       {std::pair(90, "load c90a"), {100, "load c100a"}, {103, "load c100f"}, {120, "load ptx"}}) {
    fakeDriver = FakeDriver();
    fakeDriver.capability = capability;
    open();
    EXPECT_EQ(count(fakeDriver.calls, image), 1) << capability;
  }
  fakeDriver = FakeDriver();
  setenv("QFA_GPU_ARCH", "90", 1);
  open();
  EXPECT_EQ(count(fakeDriver.calls, "load c90"), 1);
  setenv("QFA_GPU_ARCH", "100a", 1);
  EXPECT_EQ(reason([&] { open(); }), "cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4) runs none of this program's GPU "
                                     "code for sm_100a, which QFA_GPU_ARCH names");
  unsetenv("QFA_GPU_ARCH");
}

TEST_F(CudaDeviceTest, SaysBeforeTrainingThatItDoesNotFit) {
  raw.state_bytes[QFA_STATE_GRADIENT] = 100 << 20;
  auto device = open();
  MemoryPlan plan = planMemory(module, /*onGpu=*/true);
  checkMemory(plan, *device, "training");
  fakeDriver.freeBytes = (36 << 20) + 2048; // with the rest of the slab of 64 MiB that has the workspaces
  checkMemory(plan, *device, "training");
  fakeDriver.freeBytes = 1 << 20;
  EXPECT_EQ(
      reason([&] { checkMemory(plan, *device, "training"); }),
      "training needs 100.0 MiB on cuda:0 (Fake GPU, sm_90, driver for CUDA 12.4), machine code for sm_90, 65.0 MiB "
      "are free: parameters 0 B, copies 0 B, adapters 0 "
      "B, optimizer 0 B, gradients 100.0 MiB, caches 0 B, arena 0 B, workspace 2.0 KiB; a smaller --batch or "
      "--activation-memory at compile time needs less");
}

TEST_F(CudaDeviceTest, OpensNothingThatIsNotThere) {
  ThreadPool pool(1);
  auto opening = [&](const std::string &name, const std::string &gemm = "auto") {
    return reason([&] { openDevice(module, pool, {name, {}, false, gemm}); });
  };
  EXPECT_TRUE(opening("emulated").starts_with("no emulator of GPUs: libqfa_gpu_emulator.so")) << opening("emulated");
  EXPECT_EQ(opening("cuda:x"), "--device is 'cuda:x', wanted cpu, cuda, cuda:N, emulated or auto");
  EXPECT_EQ(opening("cpu"), "");
  EXPECT_EQ(opening("cpu", "fast"), "--gemm is 'fast', wanted generated, cublaslt or auto");
  EXPECT_TRUE(opening("cpu", "cublaslt").starts_with("--gemm cublaslt needs a CUDA device, found cpu ("))
      << opening("cpu", "cublaslt");
  raw.gpu_images = images + 1;
  raw.gpu_image_count = 3;
  EXPECT_EQ(opening("emulated"), "this program holds no bitcode for the emulated device");
  raw.gpu_image_count = 0;
  EXPECT_EQ(opening("cuda"), "this program is compiled for the CPU only, so not for --device cuda; compile it with "
                             "--target=cpu,cuda");
  EXPECT_EQ(opening("auto"), "");
}
