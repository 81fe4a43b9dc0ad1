#pragma once
// What the library throws (and check/ its check_error). Every message names the thing, what was expected and what was found.

#include <reprise/core/types.hpp>

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace reprise {

/// A matrix, sequence or state whose shape does not fit.
struct shape_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A value out of its range: a token beyond the vocabulary, a rate that is no probability.
struct value_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A loss or gradient that is not finite: reported, never trained on.
struct non_finite_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file that is malformed, truncated, or does not match the model.
struct format_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

// One piece of a message, as a stream prints it. Every literal has a type of its own, so text goes through no template.
inline void append(std::string& message, std::string_view text) { message += text; }

template <class T>
  requires(!std::is_convertible_v<const T&, std::string_view>)
void append(std::string& message, const T& value) {
  std::ostringstream text;
  text << value;
  message += text.str();
}

template <class... Parts>
std::string text(const Parts&... parts) {
  std::string whole;
  (append(whole, parts), ...);
  return whole;
}

// Out of line of the check itself: a hot caller pays for one comparison.
template <class Error, class... Parts>
[[noreturn, gnu::noinline, gnu::cold]] void fail(const Parts&... parts) {
  throw Error(text(parts...));
}

inline void require_size(Index actual, Index expected, const char* what, const char* unit, const char* taker) {
  if (actual != expected) fail<shape_error>(what, " has ", actual, " ", unit, ", ", taker, " takes ", expected);
}

}  // namespace detail

/// `asked`, a size given at run time. Throws shape_error, naming `what`, if it is negative or not the one in the type.
inline Index checked_size(Index asked, int known, const char* what) {
  if (asked < 0) detail::fail<shape_error>(what, " = ", asked, ": a size is not negative");
  if (known != Dynamic && asked != known) detail::fail<shape_error>(what, " = ", asked, ", the type says ", known);
  return asked;
}

}  // namespace reprise
