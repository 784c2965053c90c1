// One record per instrumented instruction of a kernel; generated code passes its address to the run time.
#ifndef QFA_GPUEMULATOR_SITE_H
#define QFA_GPUEMULATOR_SITE_H

#include <cstdint>
#include <cstring>
#include <string>

namespace qfa::emu {

enum class OpKind : uint8_t {
  Access,
  Shuffle,
  Vote,
  Reduce,
  Match,
  Elect,
  WarpBarrier,
  BlockBarrier,
  BarrierArrive,
  LoadMatrix,
  StoreMatrix,
  Mma,
  CopyAsync,
  CommitCopies,
  WaitCopies,
  WarpgroupFence,
  WarpgroupMma,
  CommitProducts,
  WaitProducts,
  ProxyFence,
  Fence,
  Sleep,
  AddressSpaceTest,
  Scalar,
  Trap,
  DivideByZero,
};

enum class ShuffleMode : uint8_t { Up, Down, Butterfly, Index };
enum class VoteMode : uint8_t { Ballot, Any, All, Uniform };
enum class ReduceMode : uint8_t { Add, Min, Max, UnsignedMin, UnsignedMax, And, Or, Xor };
// Elements of the multiplicands; the accumulator is f32, or f16 for F16F16, or i32 for the integers.
enum class MmaElement : uint8_t { Bf16, F16, F16F16, Tf32, S8, U8 };

// Operands lie in slots of 16 bytes, so that no operand type raises a question of calling convention.
constexpr int slotBytes = 16;

template <typename T>
T operand(const void *slots, int index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(slots) + slotBytes * index, sizeof value);
  return value;
}
template <typename T>
void giveResult(void *result, T value) {
  std::memcpy(result, &value, sizeof value);
}

using ScalarFunction = void(const void *operands, void *result);

struct Site {
  OpKind kind = OpKind::Access;
  uint8_t mode = 0;  // one of the modes above, or a flag: transposed, aligned, source size given, shared space
  uint8_t count = 0; // matrices, bytes of a copy, inner size of an mma, columns / 8 of a wgmma, results of a shuffle
  bool reads = false, writes = false, atomic = false;
  uint8_t addressSpace = 0; // 0 generic, 1 global, 3 shared
  uint8_t operands = 0;
  uint32_t bytes = 0, alignment = 1;
  uint32_t id = 0; // position in the program's list
  ScalarFunction *scalar = nullptr;
  std::string intrinsic, function, instruction;
  std::string source; // file:line where debug information says it

  // Where the reader finds it: the source line, or else the function; then the instruction.
  std::string where() const { return (source.empty() ? function : source) + ": " + instruction; }
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_SITE_H
