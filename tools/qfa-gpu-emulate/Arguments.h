// Arguments of a kernel from the command line: buffers, memrefs and numbers.
#ifndef QFA_GPU_EMULATE_ARGUMENTS_H
#define QFA_GPU_EMULATE_ARGUMENTS_H

#include "qfa/GpuEmulator/Memory.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace qfa::emu {

class Arguments {
public:
  Arguments(Memory &memory, uint64_t seed) : memory(memory), random(seed) {}

  // i32:5, i64:5, f32:2.5
  // buffer:TYPE:SHAPE[:CONTENT]    a pointer; SHAPE: 1024 or 4x8; TYPE: f32 f16 bf16 f64 i8 u8 i32 u32 i64
  // memref:TYPE:SHAPE[:CONTENT]    pointer, pointer, offset, sizes, strides, as MLIR passes it
  // CONTENT: random (normal, or 0 to 7 for integers), zero, iota, FILE.npy; none: uninitialised
  llvm::Error add(llvm::StringRef text);

  // The contents of the index-th buffer as .npy; bf16 is widened to f32.
  llvm::Error write(unsigned index, llvm::StringRef path) const;

  std::vector<const void *> pointers() const;

private:
  struct Kind {
    llvm::StringLiteral name, numpy; // numpy: type string of the file
    unsigned bytes;
  };
  struct Buffer {
    Kind kind;
    std::vector<int64_t> shape;
    std::byte *data;
    int64_t count;
  };
  static const Kind *findKind(llvm::StringRef name);
  static void put(const Kind &kind, std::byte *at, double value);
  llvm::Error addBuffer(llvm::StringRef text, bool descriptor);
  llvm::Error fill(const Buffer &buffer, llvm::StringRef content);
  template <typename T>
  void addValue(T value);

  Memory &memory;
  std::mt19937_64 random;
  std::deque<std::array<char, 16>> values;
  std::vector<Buffer> buffers;
};

} // namespace qfa::emu

#endif // QFA_GPU_EMULATE_ARGUMENTS_H
