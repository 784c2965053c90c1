// The one exception the runtime throws: its text is what the user reads.
#ifndef QFA_RUNTIME_SUPPORT_ERROR_H
#define QFA_RUNTIME_SUPPORT_ERROR_H

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace qfa::rt {

/// Names the thing, the value found and the value wanted, lower-case, without a full stop.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error whose text is made by fmt.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args &&...args) {
  throw Error(fmt::format(text, std::forward<Args>(args)...));
}

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_ERROR_H
