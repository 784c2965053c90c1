// A bounds-checked cursor over the protobuf wire format: fields of one message, as views into the mapped file.

#ifndef QFA_IMPORT_WIREREADER_H
#define QFA_IMPORT_WIREREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>

namespace qfa::onnx {

/// One field of a message. A length-delimited field is a view, never a copy; a fixed-width one is zero-extended into
/// `value`.
struct WireField {
  enum Type : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
  uint32_t number = 0;
  Type type = Varint;
  uint64_t value = 0;
  llvm::StringRef bytes;
};

/// Reads one message. Every error names the file, the absolute offset and the message.
class WireReader {
public:
  /// `bytes` must lie inside `file`, whose first byte is offset 0 of the error texts.
  WireReader(llvm::StringRef path, llvm::StringRef file, llvm::StringRef bytes, llvm::StringRef message)
      : path(path), file(file), rest(bytes), message(message) {}

  /// The next field, or none at the end of the message.
  llvm::Expected<std::optional<WireField>> next();

  /// The reader of a nested message held by a field of this one.
  llvm::Expected<WireReader> nested(const WireField &field, llvm::StringRef nestedMessage) const;

  /// The text of a length-delimited field.
  llvm::Expected<llvm::StringRef> string(const WireField &field) const;

  /// A varint field as int64, refused when it has another wire type.
  llvm::Expected<int64_t> integer(const WireField &field) const;

  /// Appends a repeated integer field, packed or not.
  llvm::Error integers(const WireField &field, llvm::SmallVectorImpl<int64_t> &out) const;

  /// Appends a repeated 32-bit float field, packed or not.
  llvm::Error floats(const WireField &field, llvm::SmallVectorImpl<float> &out) const;

  /// Offset of a view in the file.
  uint64_t offsetOf(llvm::StringRef view) const { return view.data() - file.data(); }

  /// An error at the current position.
  llvm::Error error(const llvm::Twine &text) const;

private:
  llvm::Expected<uint64_t> varint(llvm::StringRef &from) const;

  llvm::StringRef path, file, rest, message;
};

} // namespace qfa::onnx

#endif // QFA_IMPORT_WIREREADER_H
