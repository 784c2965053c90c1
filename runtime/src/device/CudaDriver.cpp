// Opening libcuda, and its error texts.
#include "device/CudaDriver.h"

#include "support/Error.h"

#include <dlfcn.h>

using namespace qfa::rt;

CudaDriver CudaDriver::open() {
  constexpr const char *library = "libcuda.so.1";
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL); // stays open: a driver that was used must not go
  if (!handle)
    fail("no NVIDIA driver: {} is not found", library);
  CudaDriver driver;
  auto find = [&](auto &member, const char *symbol) {
    member = reinterpret_cast<std::remove_reference_t<decltype(member)>>(dlsym(handle, symbol));
    if (!member)
      fail("the NVIDIA driver lacks {}: wanted one for CUDA 12 or later", symbol);
  };
#define QFA_CUDA_FIND(member, symbol, parameters) find(driver.member, #symbol);
  QFA_CUDA_FUNCTIONS(QFA_CUDA_FIND)
#undef QFA_CUDA_FIND
  return driver;
}

void CudaDriver::check(cuda::Result result, const char *call, const std::string &purpose) const {
  if (result == 0)
    return;
  const char *name = nullptr, *text = nullptr;
  getErrorName(result, &name);
  getErrorString(result, &text);
  fail("{}{}{} failed: {} ({})", call, purpose.empty() ? "" : " ", purpose,
       name ? name : fmt::format("error {}", result), text ? text : "no text");
}
