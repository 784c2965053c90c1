// Looks names up in Intrinsics.def.
#include "qfa/GpuEmulator/Intrinsics.h"

#include "qfa/GpuEmulator/Math.h"

#include <unordered_map>

using namespace qfa::emu;

namespace {

struct Row {
  std::string_view name;
  OpKind kind;
  uint8_t mode, count;
};

constexpr Row rows[] = {
#define QFA_OPERATION(name, kind, mode, count) {name, OpKind::kind, uint8_t(mode), count},
#include "qfa/GpuEmulator/Intrinsics.def"
};

struct Register {
  std::string_view name;
  unsigned word;
};

constexpr Register registers[] = {
#define QFA_REGISTER(name, word) {name, word},
#include "qfa/GpuEmulator/Intrinsics.def"
};

// "…b16.p3" to "…b16".
std::string_view withoutPointerSuffix(std::string_view name) {
  size_t dot = name.rfind(".p");
  bool digits = dot != name.npos && dot + 2 < name.size() &&
                name.find_first_not_of("0123456789", dot + 2) == std::string_view::npos;
  return digits ? name.substr(0, dot) : name;
}

} // namespace

bool qfa::emu::describeIntrinsic(std::string_view name, Site &site) {
  static const auto byName = [] {
    std::unordered_map<std::string_view, const Row *> map;
    for (const Row &row : rows)
      map[row.name] = &row;
    return map;
  }();
  name = withoutPointerSuffix(name);
  if (auto found = byName.find(name); found != byName.end()) {
    site.kind = found->second->kind;
    site.mode = found->second->mode;
    site.count = found->second->count;
    site.reads = site.kind == OpKind::LoadMatrix || site.kind == OpKind::CopyAsync;
    site.writes = site.kind == OpKind::StoreMatrix || site.kind == OpKind::CopyAsync;
    return true;
  }
  site.scalar = findScalar(name);
  site.kind = OpKind::Scalar;
  return site.scalar != nullptr;
}

std::optional<unsigned> qfa::emu::registerWord(std::string_view name) {
  for (const Register &one : registers)
    if (one.name == name)
      return one.word;
  return std::nullopt;
}

std::vector<std::string_view> qfa::emu::operationNames() {
  std::vector<std::string_view> names;
  for (const Row &row : rows)
    names.push_back(row.name);
  return names;
}

std::vector<std::string_view> qfa::emu::registerNames() {
  std::vector<std::string_view> names;
  for (const Register &one : registers)
    names.push_back(one.name);
  return names;
}
