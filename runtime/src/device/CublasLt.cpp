// Opening libcublasLt, and its error texts.
#include "device/CublasLt.h"

#include "support/Error.h"

#include <dlfcn.h>

using namespace qfa::rt;

CublasLt CublasLt::open() {
  constexpr const char *names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  void *handle = nullptr; // stays open, as the driver does
  for (const char *name : names)
    if (!handle)
      handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    fail("no cuBLASLt: none of {} is found", fmt::join(names, ", "));
  CublasLt library;
  auto find = [&](auto &member, const char *symbol) {
    member = reinterpret_cast<std::remove_reference_t<decltype(member)>>(dlsym(handle, symbol));
    if (!member)
      fail("cuBLASLt lacks {}: wanted the one of CUDA 12 or later", symbol);
  };
#define QFA_CUBLASLT_FIND(type, member, symbol, parameters) find(library.member, #symbol);
  QFA_CUBLASLT_FUNCTIONS(QFA_CUBLASLT_FIND)
#undef QFA_CUBLASLT_FIND
  return library;
}

std::string CublasLt::version() const {
  size_t number = getVersion();
  return fmt::format("{}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

void CublasLt::check(cublas::Status status, const char *call) const {
  if (status == 0)
    return;
  const char *text = getStatusString(status);
  fail("{} failed: {} (status {})", call, text ? text : "no text", status);
}
