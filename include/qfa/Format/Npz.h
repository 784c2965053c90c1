// NumPy's .npy arrays and .npz archives of them: recorded inputs and outputs. Not part of compiled programs.
// Nothing here throws; a function that fails returns false and explains itself in `error`.
#ifndef QFA_FORMAT_NPZ_H
#define QFA_FORMAT_NPZ_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace qfa::format {

// Values of any number type as doubles: exact for floats and for integers up to 2^53.
struct Array {
  std::vector<int64_t> shape;
  bool integral = false;
  std::vector<double> values;
};
using Arrays = std::map<std::string, Array>;

// Little-endian floats of 2, 4 and 8 bytes, integers of 1 to 8 bytes and booleans; C or Fortran order.
bool readNpy(const std::string &path, Array &array, std::string &error);
bool readNpz(const std::string &path, Arrays &arrays, std::string &error); // stored or deflated entries

// As 4-byte floats or 4-byte integers; or 8-byte ones when `wide`.
bool writeNpz(const std::string &path, const Arrays &arrays, bool wide, std::string &error);

} // namespace qfa::format

#endif // QFA_FORMAT_NPZ_H
