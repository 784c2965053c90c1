// The bytes of one .npy array, as they stand in a file or in an archive's entry.
#ifndef QFA_LIB_FORMAT_NPY_H
#define QFA_LIB_FORMAT_NPY_H

#include "qfa/Format/Npz.h"

#include <span>

namespace qfa::format {

bool parseNpy(std::span<const uint8_t> bytes, Array &array, std::string &error);
std::string printNpy(const Array &array, bool wide);

} // namespace qfa::format

#endif // QFA_LIB_FORMAT_NPY_H
