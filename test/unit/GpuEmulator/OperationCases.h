// One test per row of Intrinsics.def that is no scalar function, by name.
#ifndef QFA_TEST_GPUEMULATOR_OPERATIONCASES_H
#define QFA_TEST_GPUEMULATOR_OPERATIONCASES_H

#include <functional>
#include <map>
#include <string>

namespace qfa::emu {

using OperationCases = std::map<std::string, std::function<void()>>;

void addWarpCases(OperationCases &cases);
void addBarrierCases(OperationCases &cases);
void addCopyCases(OperationCases &cases);
void addMatrixCases(OperationCases &cases);
void addWarpgroupCases(OperationCases &cases);

} // namespace qfa::emu

#endif // QFA_TEST_GPUEMULATOR_OPERATIONCASES_H
