// The part of the CUDA driver's interface that is used, found at run time: no toolkit is needed to build, and no driver
// to start. Names, types and numbers are those of the CUDA Driver API.
#ifndef QFA_RUNTIME_DEVICE_CUDADRIVER_H
#define QFA_RUNTIME_DEVICE_CUDADRIVER_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace qfa::rt::cuda {

using Result = int; // CUresult, 0: success
using DevicePtr = unsigned long long;
using Device = int;
struct ContextObject;
struct ModuleObject;
struct FunctionObject;
struct StreamObject;
struct EventObject;
struct GraphObject;
struct GraphExecObject;
using Context = ContextObject *;
using Module = ModuleObject *;
using Function = FunctionObject *;
using Stream = StreamObject *;
using Event = EventObject *;
using Graph = GraphObject *;
using GraphExec = GraphExecObject *;

constexpr int computeCapabilityMajor = 75, computeCapabilityMinor = 76; // CUdevice_attribute
constexpr int largestSharedBytesOfABlock = 97;                          // likewise, static and dynamic
constexpr unsigned streamNonBlocking = 1, eventDefault = 0, eventDisableTiming = 2, eventWaitDefault = 0;
constexpr int largestDynamicSharedBytes = 8;   // CUfunction_attribute
constexpr int captureRelaxed = 2;              // CUstreamCaptureMode
constexpr int errorLog = 5, errorLogBytes = 6; // CUjit_option

// name of the member, symbol in libcuda, parameters
#define QFA_CUDA_FUNCTIONS(F)                                                                                          \
  F(init, cuInit, (unsigned flags))                                                                                    \
  F(getErrorName, cuGetErrorName, (Result error, const char **name))                                                   \
  F(getErrorString, cuGetErrorString, (Result error, const char **text))                                               \
  F(driverGetVersion, cuDriverGetVersion, (int *version))                                                              \
  F(deviceGetCount, cuDeviceGetCount, (int *count))                                                                    \
  F(deviceGet, cuDeviceGet, (Device * device, int ordinal))                                                            \
  F(deviceGetName, cuDeviceGetName, (char *name, int length, Device device))                                           \
  F(deviceGetAttribute, cuDeviceGetAttribute, (int *value, int attribute, Device device))                              \
  F(primaryContextRetain, cuDevicePrimaryCtxRetain, (Context * context, Device device))                                \
  F(primaryContextRelease, cuDevicePrimaryCtxRelease_v2, (Device device))                                              \
  F(contextSetCurrent, cuCtxSetCurrent, (Context context))                                                             \
  F(memGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total))                                                        \
  F(memAlloc, cuMemAlloc_v2, (DevicePtr * memory, size_t bytes))                                                       \
  F(memFree, cuMemFree_v2, (DevicePtr memory))                                                                         \
  F(memHostAlloc, cuMemHostAlloc, (void **memory, size_t bytes, unsigned flags))                                       \
  F(memFreeHost, cuMemFreeHost, (void *memory))                                                                        \
  F(memcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (DevicePtr to, const void *from, size_t bytes, Stream stream))              \
  F(memcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void *to, DevicePtr from, size_t bytes, Stream stream))                    \
  F(memcpyDtoDAsync, cuMemcpyDtoDAsync_v2, (DevicePtr to, DevicePtr from, size_t bytes, Stream stream))                \
  F(memsetD8Async, cuMemsetD8Async, (DevicePtr to, unsigned char value, size_t count, Stream stream))                  \
  F(moduleLoadDataEx, cuModuleLoadDataEx,                                                                              \
    (Module * module, const void *image, unsigned optionCount, int *options, void **values))                           \
  F(moduleUnload, cuModuleUnload, (Module module))                                                                     \
  F(moduleGetFunction, cuModuleGetFunction, (Function * function, Module module, const char *name))                    \
  F(functionSetAttribute, cuFuncSetAttribute, (Function function, int attribute, int value))                           \
  F(launchKernel, cuLaunchKernel,                                                                                      \
    (Function function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,              \
     unsigned blockZ, unsigned sharedBytes, Stream stream, void **parameters, void **extra))                           \
  F(streamCreate, cuStreamCreate, (Stream * stream, unsigned flags))                                                   \
  F(streamDestroy, cuStreamDestroy_v2, (Stream stream))                                                                \
  F(streamSynchronize, cuStreamSynchronize, (Stream stream))                                                           \
  F(streamWaitEvent, cuStreamWaitEvent, (Stream stream, Event event, unsigned flags))                                  \
  F(streamBeginCapture, cuStreamBeginCapture_v2, (Stream stream, int mode))                                            \
  F(streamEndCapture, cuStreamEndCapture, (Stream stream, Graph * graph))                                              \
  F(eventCreate, cuEventCreate, (Event * event, unsigned flags))                                                       \
  F(eventDestroy, cuEventDestroy_v2, (Event event))                                                                    \
  F(eventRecord, cuEventRecord, (Event event, Stream stream))                                                          \
  F(eventSynchronize, cuEventSynchronize, (Event event))                                                               \
  F(graphInstantiate, cuGraphInstantiateWithFlags, (GraphExec * exec, Graph graph, unsigned long long flags))          \
  F(graphLaunch, cuGraphLaunch, (GraphExec exec, Stream stream))                                                       \
  F(graphDestroy, cuGraphDestroy, (Graph graph))                                                                       \
  F(graphExecDestroy, cuGraphExecDestroy, (GraphExec exec))

struct Functions {
#define QFA_CUDA_MEMBER(member, symbol, parameters) Result(*member) parameters = nullptr;
  QFA_CUDA_FUNCTIONS(QFA_CUDA_MEMBER)
#undef QFA_CUDA_MEMBER
};

} // namespace qfa::rt::cuda

namespace qfa::rt {

struct CudaDriver : cuda::Functions {
  /// The machine's driver. Throws Error that says what is missing.
  static CudaDriver open();

  /// Throws Error when a call did not succeed, with what it was for and the driver's own words.
  void check(cuda::Result result, const char *call, const std::string &purpose = "") const;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_CUDADRIVER_H
