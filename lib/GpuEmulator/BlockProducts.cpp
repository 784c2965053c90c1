// wgmma in a block: warpgroups meet, what they read is checked, products are in flight until they are waited for.
//
// Stricter than the PTX ISA in one point: every group of products begins with a wgmma.fence.
#include "qfa/GpuEmulator/Block.h"

#include "qfa/GpuEmulator/Warpgroup.h"

#include <fmt/format.h>

using namespace qfa::emu;

// False while other warps of the warpgroup have not come: this one waits.
bool Block::joinWarpgroup(const Site &site, uint32_t warp) {
  uint32_t first = warp / warpgroupWarps * warpgroupWarps;
  if (first + warpgroupWarps > warpCount)
    fail("divergent-collective", fmt::format("wgmma in warp {} of {}: a warpgroup is four warps", warp, warpCount),
         &site, warp * warpLanes);
  warps[warp].product = &site;
  for (uint32_t other = first; other < first + warpgroupWarps; ++other)
    if (!warps[other].product)
      return false;
  for (uint32_t other = first; other < first + warpgroupWarps; ++other)
    if (warps[other].product != &site)
      fail("divergent-collective", "warps of one warpgroup are at different products", &site, warp * warpLanes, {},
           {lineOf(*warps[other].product, fmt::format("warp {} is at", other))});
  const WarpgroupOperands wanted = WarpgroupOperands::read(site, threads[first * warpLanes].lane.in);
  for (uint32_t thread = first * warpLanes; thread < (first + warpgroupWarps) * warpLanes; ++thread)
    if (!(WarpgroupOperands::read(site, threads[thread].lane.in) == wanted))
      fail("divergent-collective", "threads of one warpgroup give wgmma different descriptors", &site, thread);
  for (uint32_t other = first; other < first + warpgroupWarps; ++other)
    multiply(site, other);
  for (uint32_t thread = first * warpLanes; thread < (first + warpgroupWarps) * warpLanes; ++thread)
    threads[thread].state = State::Ready;
  return true;
}

void Block::multiply(const Site &site, uint32_t warp) {
  Warp &self = warps[warp];
  self.product = nullptr;
  if (!self.fenced)
    fail("missing-fence", "wgmma.mma_async without a wgmma.fence since the last group was committed", &site,
         warp * warpLanes);
  Lane lanes[warpLanes];
  for (uint32_t lane = 0; lane < warpLanes; ++lane)
    lanes[lane] = threads[warp * warpLanes + lane].lane;
  const WarpgroupOperands given = WarpgroupOperands::read(site, lanes[0].in);
  AsyncProduct product{&site, {}};
  auto readFactor = [&](uint64_t descriptor, bool transposed, uint32_t first, uint32_t rows) {
    const MatrixDescriptor matrix = decodeDescriptor(descriptor);
    if (matrix.baseOffset)
      fail("bad-descriptor", fmt::format("a matrix with base offset {}, only 0 is emulated", matrix.baseOffset), &site,
           warp * warpLanes);
    // Eight lines of 16 bytes at a time, as the hardware does: one by each of eight threads.
    uint32_t parts = (transposed ? rows : warpgroupInner) / 8, lines = transposed ? warpgroupInner : rows;
    for (uint32_t part = 0; part < parts; ++part)
      for (uint32_t line = 0; line < lines; ++line) {
        uint32_t row = first + (transposed ? 8 * part : line), k = transposed ? line : 8 * part;
        readShared(site, warp * warpLanes + line % 8, placeOf(matrix, transposed, row, k), product);
      }
  };
  readFactor(given.a, given.transposedA, warp % warpgroupWarps * 16, 16);
  readFactor(given.b, given.transposedB, 0, columnsOf(site));
  ++counters.mmas;
  multiplyRows(site, lanes, warp, shared);
  self.products.issue(std::move(product));
}

void Block::readShared(const Site &site, uint32_t thread, uint32_t offset, AsyncProduct &product) {
  AsyncProduct::Factor factor{shared + offset, {}};
  if (offset + sizeof factor.seen > sharedBytes)
    fail("out-of-bounds", fmt::format("out-of-bounds read of {} bytes", sizeof factor.seen), &site, thread,
         uint64_t(factor.at));
  if (!keepsOrder)
    return;
  access(site, thread, uint64_t(factor.at), sizeof factor.seen, true, false);
  for (size_t i = 0; i < sizeof factor.seen; ++i)
    if (const ShadowByte &byte = sharedShadow[offset + i]; byte.unfenced)
      fail("missing-fence",
           "wgmma reads shared memory without a fence.proxy.async of the thread that wrote it, since it did", &site,
           thread, uint64_t(factor.at) + i,
           {lineOf(*(*plan.sites)[byte.writeSite], fmt::format("written by {} at", threadName(byte.writeThread)))});
  std::memcpy(factor.seen, factor.at, sizeof factor.seen);
  product.factors.push_back(factor);
}

void Block::waitProducts(uint32_t warp, size_t groupsLeft) {
  for (const AsyncProduct &product : warps[warp].products.wait(groupsLeft))
    for (const AsyncProduct::Factor &factor : product.factors)
      if (std::memcmp(factor.at, factor.seen, sizeof factor.seen))
        fail("in-flight-product", "shared memory was written while a wgmma was reading it: no wait for it before that",
             product.site, int(warp * warpLanes), uint64_t(factor.at));
}

// Writes that products must not read before a fence.
void Block::markUnfenced(uint32_t thread, uint32_t offset, uint32_t bytes) {
  if (!hasProducts)
    return;
  for (uint32_t i = 0; i < bytes; ++i)
    sharedShadow[offset + i].unfenced = true;
  threads[thread].unfenced.push_back({offset, bytes});
}

void Block::fenceProxy(uint32_t thread) {
  for (auto [offset, bytes] : threads[thread].unfenced)
    for (uint32_t i = 0; i < bytes; ++i)
      if (ShadowByte &byte = sharedShadow[offset + i]; byte.writeThread == thread)
        byte.unfenced = false;
  threads[thread].unfenced.clear();
}
