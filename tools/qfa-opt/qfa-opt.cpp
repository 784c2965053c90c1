// The developer's tool: runs any pass or pipeline on a file of IR.
#include "qfa/Pipelines/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  qfa::registerAllDialects(registry);
  qfa::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "QFA optimizer driver\n", registry));
}
