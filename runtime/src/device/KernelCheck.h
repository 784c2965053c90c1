// Runs the module's kernels on two devices with the same random operands and compares what they leave behind.
#ifndef QFA_RUNTIME_DEVICE_KERNELCHECK_H
#define QFA_RUNTIME_DEVICE_KERNELCHECK_H

#include "device/Device.h"

namespace qfa::rt {

struct KernelDifference {
  uint32_t kernel = 0;
  int32_t bits = 0;    ///< of its elastic operand, 0 without one
  double largest = 0;  ///< difference, relative to the largest magnitude of the same result
  int64_t operand = 0; ///< where: number of the operand or result
  double seconds = 0;  ///< of one run on the device under test: the mean of `repeats`, queued at once
};

/// Runs a kernel at one width of its elastic operand (0: it has none) on `reference`, which is the host, and on
/// `device`. Results start as NaN on both. repeats: further runs on the device, to time it. Throws Error with the
/// kernel's name and width when a run fails.
KernelDifference checkKernel(const Module &module, Device &reference, Device &device, uint32_t kernel, int32_t bits,
                             uint64_t seed, int repeats);

/// The widths at which a kernel can run: those of its elastic operand's site, or 0 alone.
std::vector<int32_t> widthsOf(const Module &module, uint32_t kernel);

/// Bytes that one run must move: operands and results once, buffers and optimizer state twice.
int64_t bytesOf(const Module &module, uint32_t kernel, int32_t bits);

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_KERNELCHECK_H
