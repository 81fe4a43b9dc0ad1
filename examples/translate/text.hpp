#pragma once
// UTF-8 (RFC 3629) and kinds of spaces, without a locale: what every other header here reads text with.
// Text that is not UTF-8 is refused by require_utf8, which whoever reads text from outside calls first; everything
// else takes a stray byte as a character of its own and goes on.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace translate {

/// A code point and how many bytes it took; of what is not UTF-8, one byte and no code point.
struct Character {
  static constexpr char32_t none = 0xFFFF'FFFF;
  char32_t code;
  std::size_t bytes;
};

/// The character that begins at byte `at`: the shortest form only, no surrogates, nothing above U+10FFFF.
inline Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC0 || lead > 0xF4 || text.size() - at < bytes) return {Character::none, 1};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (byte(at + i) >> 6 != 2) return {Character::none, 1};
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[bytes] || surrogate || code > 0x10FFFF) return {Character::none, 1};
  return {code, bytes};
}

/// Throws std::runtime_error, naming where and the first byte that is wrong, unless the text is UTF-8.
inline void require_utf8(std::string_view text, const std::string& where) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.code == Character::none)
      throw std::runtime_error(where + ": byte " + std::to_string(at + 1) + " is not UTF-8");
    at += c.bytes;
  }
}

/// The text, but for the byte order mark that some programs write before it.
inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  return text;
}

inline void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

inline std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); at += result.back().size())
    result.push_back(text.substr(at, character_at(text, at).bytes));
  return result;
}
std::vector<std::string_view> characters(std::string&&) = delete;  // they are views

/// Unicode's spaces and line ends, and control characters: nothing of a sentence is lost with them.
inline bool is_space(char32_t c) {
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// One plain space for any run of spaces, none at the ends.
inline std::string clean_spaces(std::string_view text) {
  std::string result;
  bool space = false;
  for (const std::string_view c : characters(text)) {
    if (is_space(character_at(c, 0).code)) {
      space = !result.empty();
    } else {
      if (space) result += ' ';
      space = false;
      result += c;
    }
  }
  return result;
}

}  // namespace translate
