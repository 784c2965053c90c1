// What the PTX ISA says of each scalar function, stated plainly: the cases of ScalarTest.cpp.
#ifndef QFA_TEST_GPUEMULATOR_SCALARCASES_H
#define QFA_TEST_GPUEMULATOR_SCALARCASES_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace qfa::emu {

// Bits of the operands in, bits of the result out.
using Statement = std::function<uint64_t(const uint64_t *)>;
struct ScalarCase {
  std::string name, signature; // result, then operands: f d i l s h b H B
  Statement statement;
  double tolerance = 0; // relative, where PTX allows an approximation
};

using ScalarCases = std::vector<ScalarCase>;

void addArithmetic(ScalarCases &cases);
void addFunctions(ScalarCases &cases);
void addConversions(ScalarCases &cases);
void addNarrow(ScalarCases &cases);
void addIntegers(ScalarCases &cases);

} // namespace qfa::emu

#endif // QFA_TEST_GPUEMULATOR_SCALARCASES_H
