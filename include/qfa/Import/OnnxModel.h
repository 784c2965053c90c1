// An ONNX file as plain structures over the mapped bytes: names are views, tensors are locations.

#ifndef QFA_IMPORT_ONNXMODEL_H
#define QFA_IMPORT_ONNXMODEL_H

#include "qfa/Import/WireReader.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>

namespace qfa::onnx {

/// TensorProto.DataType, the values that QFA knows.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  Uint8 = 2,
  Int8 = 3,
  Uint16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  Uint32 = 12,
  Uint64 = 13,
  Bfloat16 = 16,
};

/// Bytes of an element, 0 for a type that QFA does not know.
unsigned bytesOf(DataType type);
bool isFloat(DataType type);

/// Where the bytes of a tensor lie. A small tensor kept in typed fields of the message has its values here instead.
struct Tensor {
  llvm::StringRef name;
  DataType type = DataType::Undefined;
  llvm::SmallVector<int64_t, 4> dims;
  std::string file; // empty: values are in `ints` or `floats`
  uint64_t offset = 0, bytes = 0;
  llvm::SmallVector<int64_t, 0> ints;
  llvm::SmallVector<double, 0> floats;

  int64_t size() const;
};

struct NodeAttribute {
  enum Kind {
    Missing = 0,
    Float = 1,
    Int = 2,
    String = 3,
    TensorValue = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8
  };
  llvm::StringRef name;
  int kind = Missing;
  float f = 0;
  int64_t i = 0;
  llvm::StringRef s;
  llvm::SmallVector<float, 0> floats;
  llvm::SmallVector<int64_t, 0> ints;
  llvm::SmallVector<llvm::StringRef, 0> strings;
  Tensor tensor;
};

struct Node {
  llvm::StringRef type, domain, name;
  llvm::SmallVector<llvm::StringRef, 4> inputs;
  llvm::SmallVector<llvm::StringRef, 1> outputs;
  llvm::SmallVector<NodeAttribute, 2> attributes;
  std::string scope; // dotted path of the module that the node came from, as far as the exporter says
};

/// An input or output of the graph. A dimension is a number, or -1 for a symbol or nothing.
struct ValueInfo {
  llvm::StringRef name;
  DataType type = DataType::Undefined;
  llvm::SmallVector<int64_t, 4> dims;
};

struct Model {
  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> bytes; // what all views point into
  llvm::SmallVector<std::pair<llvm::StringRef, int64_t>, 2> opsets;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs;
};

/// Reads the structure of a model. Tensors are checked against the size of the file that holds them, and not read.
llvm::Expected<Model> readModel(llvm::StringRef path);

/// The same for bytes that are in memory already; `path` is for error texts and for finding external data.
llvm::Expected<Model> parseModel(llvm::StringRef path, std::unique_ptr<llvm::MemoryBuffer> bytes);

/// Maps a part of a file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mapBytes(const llvm::Twine &path, uint64_t offset, uint64_t bytes);

/// Decodes a tensor into `floats` or `ints`; for small constants only.
llvm::Error loadValues(Tensor &tensor);

/// A file that holds one tensor, as recorded inputs and outputs of a model do, with its values decoded.
struct TensorFile {
  std::unique_ptr<llvm::MemoryBuffer> bytes; // what the name points into
  Tensor tensor;
};
llvm::Expected<TensorFile> readTensor(llvm::StringRef path);

} // namespace qfa::onnx

#endif // QFA_IMPORT_ONNXMODEL_H
