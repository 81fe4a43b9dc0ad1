#pragma once
// The JSON (RFC 8259) that the header of a safetensors file can hold, and no more: objects, arrays, strings and whole
// numbers. Whoever knows what must come next drives the reader, so nothing ever recurses as deep as a file is nested.

#include <reprise/core/errors.hpp>

#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::detail {

/// Whether `text` is UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing beyond U+10FFFF.
inline bool is_utf8(std::string_view text) {
  constexpr char32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xC0 || lead >= 0xF8) return false;
    const std::size_t more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (text.size() - i < more) return false;
    char32_t point = lead & (0x3Fu >> more);
    for (std::size_t k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    if (point < smallest[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
  }
  return true;
}

inline void append_utf8(char32_t point, std::string& text) {
  const auto push = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  push(more == 0 ? point : (0xF00u >> (more + 1) & 0xFFu) | point >> (6 * more));
  for (int k = more - 1; k >= 0; --k) push(0x80 | (point >> (6 * k) & 0x3F));
}

/// `text`, which is UTF-8, as a JSON string.
inline std::string quoted(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      json += {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
  }
  return json + '"';
}

/// The same for a message: of a text that may be hostile, no control character and not too much.
inline std::string shown(std::string_view text) {
  if (text.size() <= 80) return quoted(text);
  std::size_t cut = 80;
  while ((text[cut] & 0xC0) == 0x80) --cut;  // not inside a character
  return quoted(text.substr(0, cut)) + "...";
}

/// Reads from front to back; everything it does not expect throws format_error. A key that occurs twice does, too.
class JsonReader {
 public:
  std::string context;  ///< what is being read: messages begin with it

  explicit JsonReader(std::string_view text) : text_(text) {
    if (!is_utf8(text_)) fail<format_error>("the header is not valid UTF-8");
  }

  /// Calls visit(key) for every key; it must read the value.
  template <class Visit>
  void object(Visit visit) {
    std::set<std::string> keys;
    list('{', '}', [&] {
      const auto [key, is_new] = keys.insert(string());
      if (!is_new) stop(shown(*key), " occurs twice");
      expect(':');
      visit(*key);
    });
  }

  std::vector<std::uint64_t> whole_numbers(std::size_t at_most) {
    std::vector<std::uint64_t> numbers;
    list('[', ']', [&] {
      if (numbers.size() == at_most) stop("expected at most ", at_most, " numbers, found more");
      numbers.push_back(whole_number());
    });
    return numbers;
  }

  std::string string() {
    expect('"');
    std::string value;
    for (char c; (c = take()) != '"';) {
      if (static_cast<unsigned char>(c) < 0x20) stop("a control character inside a string");
      if (c == '\\')
        append_escaped(value);
      else
        value += c;
    }
    return value;
  }

  void end() {
    skip_space();
    if (at_ != text_.size()) stop("expected the end, found ", found());
  }

  template <class... Parts>
  [[noreturn]] void stop(const Parts&... parts) const {
    fail<format_error>(context, parts..., " (byte ", at_, " of the header)");
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool accept(char c) {
    skip_space();
    const bool is_next = at_ < text_.size() && text_[at_] == c;
    at_ += is_next;
    return is_next;
  }

  void expect(char c) {
    if (!accept(c)) stop("expected '", c, "', found ", found());
  }

  std::string found() const { return at_ == text_.size() ? "the end" : shown(text_.substr(at_, 1)); }

  template <class Item>
  void list(char open, char close, Item item) {
    expect(open);
    if (accept(close)) return;
    do item();
    while (accept(','));
    expect(close);
  }

  std::uint64_t whole_number() {
    skip_space();
    std::uint64_t value = 0;
    const char* const first = text_.data() + at_;
    const auto [last, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) stop("a number beyond 64 bits");
    if (error != std::errc{}) stop("expected a whole number, found ", found());
    if (*first == '0' && last - first > 1) stop("a number with a leading zero");
    at_ += static_cast<std::size_t>(last - first);
    if (at_ < text_.size() && std::string_view(".eE").find(text_[at_]) != std::string_view::npos)
      stop("expected a whole number, found a fraction");
    return value;
  }

  char take() {
    if (at_ == text_.size()) stop("a string without an end");
    return text_[at_++];
  }

  void append_escaped(std::string& value) {
    constexpr std::string_view letters = "\"\\/bfnrt", meaning = "\"\\/\b\f\n\r\t";
    const char c = take();
    if (const auto k = letters.find(c); k != std::string_view::npos)
      value += meaning[k];
    else if (c == 'u')
      append_utf8(code_point(), value);
    else
      stop("an escape that JSON does not have");
  }

  char32_t code_point() {
    const char32_t unit = four_hex_digits();
    if (unit < 0xD800 || unit >= 0xE000) return unit;
    if (unit < 0xDC00 && take() == '\\' && take() == 'u')
      if (const char32_t low = four_hex_digits(); low >= 0xDC00 && low < 0xE000)
        return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    stop("half of a surrogate pair");
  }

  char32_t four_hex_digits() {
    std::uint32_t unit = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (error != std::errc{} || last - digits.data() != 4) stop("expected four hexadecimal digits after \\u");
    at_ += 4;
    return unit;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace reprise::detail
