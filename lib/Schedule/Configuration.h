// Reads a configuration: the bits of the sites of a subnet.
#ifndef QFA_LIB_SCHEDULE_CONFIGURATION_H
#define QFA_LIB_SCHEDULE_CONFIGURATION_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"

namespace qfa {

using Configuration = llvm::StringMap<int64_t>; // bits by site

// From pairs "site=bits". Adds to `result`.
llvm::LogicalResult readConfiguration(llvm::ArrayRef<std::string> pairs, mlir::Location loc, Configuration &result);

// From the key "configuration" of a subnet's JSON file. Adds to `result`.
llvm::LogicalResult readConfigurationFile(llvm::StringRef path, mlir::Location loc, Configuration &result);

} // namespace qfa

#endif // QFA_LIB_SCHEDULE_CONFIGURATION_H
