// Writes protobuf messages of ONNX for tests, as a string per message.

#ifndef QFA_TEST_UNIT_IMPORT_ONNXBYTES_H
#define QFA_TEST_UNIT_IMPORT_ONNXBYTES_H

#include <cstdint>
#include <string>
#include <vector>

namespace qfa::test {

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

inline std::string integer(unsigned field, uint64_t value) { return varint(field << 3) + varint(value); }

inline std::string bytes(unsigned field, const std::string &content) {
  return varint(field << 3 | 2) + varint(content.size()) + content;
}

/// TensorProto of float32 with raw data.
inline std::string floatTensor(const std::string &name, const std::vector<uint64_t> &dims, const std::string &data) {
  std::string message;
  for (uint64_t dim : dims)
    message += integer(1, dim);
  return message + integer(2, 1) + bytes(8, name) + bytes(9, data);
}

/// TensorProto of float32 in another file.
inline std::string externalTensor(const std::string &name, const std::vector<uint64_t> &dims,
                                  const std::string &location, const std::string &offset, const std::string &length) {
  std::string message;
  for (uint64_t dim : dims)
    message += integer(1, dim);
  auto entry = [](const std::string &key, const std::string &value) {
    return bytes(13, bytes(1, key) + bytes(2, value));
  };
  return message + integer(2, 1) + bytes(8, name) + entry("location", location) + entry("offset", offset) +
         entry("length", length) + integer(14, 1);
}

inline std::string node(const std::string &type, const std::vector<std::string> &inputs, const std::string &output) {
  std::string message;
  for (const std::string &input : inputs)
    message += bytes(1, input);
  return message + bytes(2, output) + bytes(3, "node_" + output) + bytes(4, type);
}

/// ValueInfoProto with symbolic dimensions (-1) or numbers.
inline std::string value(const std::string &name, unsigned type, const std::vector<int64_t> &dims) {
  std::string shape;
  for (int64_t dim : dims)
    shape += bytes(1, dim < 0 ? bytes(2, "n") : integer(1, dim));
  return bytes(1, name) + bytes(2, bytes(1, integer(1, type) + bytes(2, shape)));
}

inline std::string model(const std::string &graph, uint64_t opset = 18) {
  return integer(1, 8) + bytes(8, integer(2, opset)) + bytes(7, graph);
}

/// ids [n, n] -> rows of table [3, 2] -> logits.
inline std::string embeddingModel(const std::string &table) {
  return model(bytes(5, table) + bytes(1, node("Gather", {"table", "ids"}, "logits")) +
               bytes(11, value("ids", 7, {-1, -1})) + bytes(12, value("logits", 1, {-1, -1, 2})));
}

} // namespace qfa::test

#endif // QFA_TEST_UNIT_IMPORT_ONNXBYTES_H
