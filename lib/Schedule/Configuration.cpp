// Reads a configuration: the bits of the sites of a subnet.
#include "Configuration.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace qfa;

static LogicalResult add(StringRef site, int64_t bits, Location loc, Configuration &result) {
  if (result.try_emplace(site, bits).second)
    return success();
  return emitError(loc) << "configuration names site " << site << " twice";
}

LogicalResult qfa::readConfiguration(ArrayRef<std::string> pairs, Location loc, Configuration &result) {
  for (StringRef pair : pairs) {
    auto [site, text] = pair.rsplit('=');
    int64_t bits;
    if (site.empty() || text.getAsInteger(10, bits))
      return emitError(loc) << "configuration has '" << pair << "', wanted site=bits";
    if (failed(add(site, bits, loc, result)))
      return failure();
  }
  return success();
}

LogicalResult qfa::readConfigurationFile(StringRef path, Location loc, Configuration &result) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return emitError(loc) << "cannot read subnet file '" << path << "': " << buffer.getError().message();
  llvm::Expected<llvm::json::Value> json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return emitError(loc) << "subnet file '" << path << "' is not JSON: " << llvm::toString(json.takeError());
  const llvm::json::Object *object = json->getAsObject();
  const llvm::json::Object *bits = object ? object->getObject("configuration") : nullptr;
  if (!bits)
    return emitError(loc) << "subnet file '" << path << "' has no object \"configuration\"";
  for (const auto &[site, value] : *bits) {
    std::optional<int64_t> number = value.getAsInteger();
    if (!number)
      return emitError(loc) << "subnet file '" << path << "' gives site " << StringRef(site)
                            << " no whole number of bits";
    if (failed(add(site, *number, loc, result)))
      return failure();
  }
  return success();
}
