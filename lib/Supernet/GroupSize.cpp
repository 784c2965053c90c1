// Which group sizes fit an input width.
#include "GroupSize.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

int64_t qfa::automaticGroupSize(int64_t width) {
  for (int64_t size : {64, 32, 16})
    if (width % size == 0)
      return size;
  for (int64_t size = 64; size >= 8; --size)
    if (width % size == 0)
      return size;
  return width;
}

std::string qfa::fittingGroupSizes(int64_t width) {
  llvm::SmallVector<std::string> fitting;
  for (int64_t size : {16, 32, 64, 128, 256})
    if (width % size == 0)
      fitting.push_back(std::to_string(size));
  return fitting.empty() ? "none of 16, 32, 64, 128, 256" : llvm::join(fitting, ", ");
}
