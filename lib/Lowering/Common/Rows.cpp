// Rows, field by field.
#include "Rows.h"

#include "qfa/module_abi.h"

using namespace mlir;
using namespace qfa;

SiteRow qfa::loadSiteRow(CodeBuilder &b, Value row) {
  Type pointer = row.getType();
  auto field = [&](Type type, size_t offset) { return b.load(type, b.at(row, offset, b.getI8Type())); };
  return {field(pointer, offsetof(qfa_site_row_t, codes)),     field(pointer, offsetof(qfa_site_row_t, scales)),
          field(pointer, offsetof(qfa_site_row_t, zeros)),     field(pointer, offsetof(qfa_site_row_t, adapter_a)),
          field(pointer, offsetof(qfa_site_row_t, adapter_b)), field(b.getI32Type(), offsetof(qfa_site_row_t, bits))};
}

TrainableRow qfa::loadTrainableRow(CodeBuilder &b, Value row) {
  Type pointer = row.getType();
  auto field = [&](Type type, size_t offset) { return b.load(type, b.at(row, offset, b.getI8Type())); };
  return {field(pointer, offsetof(qfa_trainable_row_t, value)), field(pointer, offsetof(qfa_trainable_row_t, m)),
          field(pointer, offsetof(qfa_trainable_row_t, v)), field(b.getF32Type(), offsetof(qfa_trainable_row_t, c1)),
          field(b.getF32Type(), offsetof(qfa_trainable_row_t, c2))};
}
