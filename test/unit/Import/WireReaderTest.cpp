// The wire reader: what it reads, and that each malformed message is refused by name and offset.

#include "qfa/Import/WireReader.h"
#include "OnnxBytes.h"
#include <gtest/gtest.h>

using namespace qfa::onnx;
using namespace qfa::test;

static std::string errorOf(const std::string &content) {
  WireReader reader("file", content, content, "Message");
  for (;;) {
    llvm::Expected<std::optional<WireField>> field = reader.next();
    if (!field)
      return llvm::toString(field.takeError());
    if (!*field)
      return "";
  }
}

TEST(WireReader, ReadsEveryWireType) {
  std::string content = integer(1, uint64_t(-5)) + bytes(2, "text") + std::string("\x1d\x00\x00\x80\x3f", 5) +
                        std::string("\x21\x01\x02\x00\x00\x00\x00\x00\x00", 9);
  WireReader reader("file", content, content, "Message");
  WireField field = **reader.next();
  EXPECT_EQ(llvm::cantFail(reader.integer(field)), -5);
  field = **reader.next();
  EXPECT_EQ(field.number, 2u);
  EXPECT_EQ(llvm::cantFail(reader.string(field)), "text");
  EXPECT_EQ(reader.offsetOf(field.bytes), 13u);
  field = **reader.next();
  llvm::SmallVector<float> floats;
  llvm::cantFail(reader.floats(field, floats));
  EXPECT_EQ(floats[0], 1.0f);
  field = **reader.next();
  EXPECT_EQ(field.value, 0x201u);
  EXPECT_FALSE(llvm::cantFail(reader.next()).has_value());
}

TEST(WireReader, ReadsPackedAndUnpackedNumbers) {
  std::string content = bytes(1, varint(1) + varint(300)) + integer(1, 7) + bytes(4, std::string("\0\0\0\x40", 4));
  WireReader reader("file", content, content, "Message");
  llvm::SmallVector<int64_t> integers;
  llvm::cantFail(reader.integers(**reader.next(), integers));
  llvm::cantFail(reader.integers(**reader.next(), integers));
  EXPECT_EQ(integers, (llvm::SmallVector<int64_t>{1, 300, 7}));
  llvm::SmallVector<float> floats;
  llvm::cantFail(reader.floats(**reader.next(), floats));
  EXPECT_EQ(floats[0], 2.0f);
}

TEST(WireReader, RefusesMalformedFields) {
  EXPECT_EQ(errorOf("\x80"), "file: offset 0: Message: varint is cut off");
  EXPECT_EQ(errorOf(std::string(11, '\xff')), "file: offset 0: Message: varint exceeds 64 bits");
  EXPECT_EQ(errorOf(std::string(1, '\0')), "file: offset 0: Message: field number 0 is not valid");
  EXPECT_EQ(errorOf("\x0b"), "file: offset 0: Message: field 1 has wire type 3, expected 0, 1, 2 or 5");
  EXPECT_EQ(errorOf("\x0d\x01"), "file: offset 0: Message: field 1 needs 4 bytes, 1 remain");
  EXPECT_EQ(errorOf(integer(1, 1) + "\x12\x09only"), "file: offset 2: Message: field 2 claims 9 bytes, 4 remain");
  EXPECT_EQ(errorOf("\x12" + varint(UINT64_MAX)),
            "file: offset 0: Message: field 2 claims 18446744073709551615 bytes, 0 remain");
}

TEST(WireReader, RefusesOtherTypes) {
  std::string content = integer(1, 1) + bytes(2, "abc");
  WireReader reader("file", content, content, "Message");
  WireField number = **reader.next(), text = **reader.next();
  llvm::SmallVector<float> floats;
  EXPECT_EQ(llvm::toString(reader.string(number).takeError()),
            "file: offset 7: Message: field 1 has wire type 0, expected 2");
  EXPECT_EQ(llvm::toString(reader.integer(text).takeError()),
            "file: offset 7: Message: field 2 has wire type 2, expected 0");
  EXPECT_EQ(llvm::toString(reader.floats(text, floats)),
            "file: offset 7: Message: packed floats of 3 bytes, expected a multiple of 4");
}
