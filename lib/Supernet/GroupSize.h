// Which group sizes fit an input width.
#ifndef QFA_LIB_SUPERNET_GROUPSIZE_H
#define QFA_LIB_SUPERNET_GROUPSIZE_H

#include <cstdint>
#include <string>

namespace qfa {

// The first of 64, 32, 16 that divides the width, else its largest divisor from 8 to 64, else the whole row.
int64_t automaticGroupSize(int64_t width);

// The common sizes that divide the width, for error messages: "16, 32", or "none of 16, 32, 64, 128, 256".
std::string fittingGroupSizes(int64_t width);

} // namespace qfa

#endif // QFA_LIB_SUPERNET_GROUPSIZE_H
