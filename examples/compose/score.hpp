#pragma once

// A tune as it is written: bars, repeat signs and spellings, before anything is repeated or
// checked; and the small readers its parts need. ABC standard 2.1, sections 3.1.6 (M:) and
// 4.3 (note lengths).

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "key.hpp"
#include "tune.hpp"

namespace compose {

/// Text that is not a tune; what() names line and column, what was expected and what was found.
struct abc_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A pitch where it stands in the text, [at, end).
struct Spelling {
  std::size_t at;
  std::size_t end;
  Step step;
  std::optional<int> accidental;  // only if written
};

struct WrittenNote {
  Ticks onset;  // in its bar
  Ticks duration;
  Step step;
  int pitch;
  bool tied = false;  // to the next note
};

/// What stands between two bar lines, and how they are drawn.
struct Bar {
  std::size_t at = 0;
  Ticks length = 0;
  Ticks full = 0;  // by the meter
  std::vector<WrittenNote> notes;
  bool begins_repeat = false;  // |:
  bool ends_repeat = false;    // :|
  bool begins_part = false;    // after || or |]
  bool ends_part = false;
  unsigned ending = 0;  // one begins here, with a bit for each pass: [1 is 2, [2 is 4, [1,3 is 10
};

struct Score {
  int number = 0;
  std::string title;
  std::string rhythm;  // R: "reel"
  std::optional<double> quarters_per_minute;
  Meter meter;  // at the start
  Key key;      // at the start
  std::size_t key_at = 0;
  bool changes_key = false;
  bool has_chord_names = false;  // "Em7", or any other text in quotes
  std::vector<Bar> bars;
  std::vector<Spelling> spellings;  // every pitch in the text, grace notes included
};

namespace detail {

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

inline std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Over and under of `6/8`, both from 1 to 128.
struct Ratio {
  int over = 1;
  int under = 1;
};

inline std::optional<Ratio> read_ratio(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto over = whole_number(text.substr(0, slash));
  const auto under = whole_number(text.substr(slash + 1));
  const auto sane = [](std::optional<int> n) { return n && *n >= 1 && *n <= 128; };
  if (!sane(over) || !sane(under)) return std::nullopt;
  return Ratio{*over, *under};
}

inline std::optional<Meter> read_meter(std::string_view text) {
  if (text == "C") return Meter{4, 4};
  if (text == "C|") return Meter{2, 2};
  const auto ratio = read_ratio(text);
  if (!ratio || ratio->over > 24 || whole_note % ratio->under != 0) return std::nullopt;
  return Meter{ratio->over, ratio->under};
}

/// Quarter notes a minute of `1/4=120`, `"Lively" 3/8=110` or `120`, if a player could follow.
inline std::optional<double> read_tempo(std::string_view text) {
  if (const auto quote = text.rfind('"'); quote != text.npos) text.remove_prefix(quote + 1);
  const auto equals = text.find('=');
  const bool has_beat = equals != text.npos;
  const auto beat = has_beat ? read_ratio(trimmed(text.substr(0, equals))) : Ratio{1, 4};
  const auto beats = whole_number(trimmed(has_beat ? text.substr(equals + 1) : text));
  if (!beat || !beats) return std::nullopt;
  const double tempo = 4.0 * *beats * beat->over / beat->under;
  if (tempo < 30 || tempo > 400) return std::nullopt;
  return tempo;
}

/// The text and a place in it.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at >= text.size(); }
  char peek(std::size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
  bool one_of(std::string_view set) const { return !done() && set.find(peek()) != set.npos; }
  bool digit() const { return one_of("0123456789"); }
  bool take(char c) {
    if (done() || text[at] != c) return false;
    ++at;
    return true;
  }
  int count(char c) {
    int n = 0;
    while (take(c)) ++n;
    return n;
  }
  std::string_view rest_of_line() const { return text.substr(at, text.find('\n', at) - at); }

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    const auto before = text.substr(0, at);
    const auto line = 1 + std::ranges::count(before, '\n');
    const auto column = at - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    throw abc_error{"line " + std::to_string(line) + ", column " + std::to_string(column) + ": expected " + expected +
                    ", found " + found};
  }
  [[noreturn]] void fail(const std::string& expected) const {
    if (done()) fail(expected, "the end of the tune");
    if (peek() == '\n') fail(expected, "the end of the line");
    fail(expected, std::string{"'"} + peek() + "'");
  }

  /// 1 to 999, or `otherwise` if there is no digit here.
  int number_or(int otherwise) {
    if (!digit()) return otherwise;
    int value = 0;
    for (int digits = 0; digits < 3 && digit(); ++digits) value = 10 * value + (text[at++] - '0');
    if (value == 0 || digit()) fail("a number from 1 to 999", "0, or a larger one");
    return value;
  }

  /// What follows a note: `3`, `/2`, `3/2`, `/`, `//`, or nothing.
  Ratio length() {
    const int over = number_or(1);
    const int slashes = count('/');
    if (slashes > 5) fail("at most five '/'", std::to_string(slashes));
    if (slashes == 1) return {over, number_or(2)};
    return {over, 1 << slashes};
  }
};

}  // namespace detail
}  // namespace compose
