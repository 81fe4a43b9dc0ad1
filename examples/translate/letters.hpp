#pragma once
// What is a letter or a digit, and case, without a locale.

#include <string>
#include <string_view>

#include "text.hpp"

namespace translate {

/// Of the letters of Western and Central Europe, of Cyrillic, and of Greek without accents; the rest has no case here.
inline char32_t lower(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (in('A', 'Z') || (in(0xC0, 0xDE) && c != 0xD7) || (in(0x391, 0x3A9) && c != 0x3A2) || in(0x410, 0x42F))
    return c + 32;
  if (in(0x400, 0x40F)) return c + 80;
  if (c == 0x178) return 0xFF;
  if (in(0x139, 0x148) || in(0x179, 0x17E)) return c % 2 == 1 ? c + 1 : c;          // there capitals are odd
  if (in(0x100, 0x177) && c != 0x130 && c != 0x138) return c % 2 == 0 ? c + 1 : c;  // U+130, the dotted I, has no pair
  return c;
}

inline char32_t upper(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (c == 0xFF) return 0x178;
  if (c == 0x3C2) return c;  // final sigma
  if (in('a', 'z') || (in(0xE0, 0xFE) && c != 0xF7) || in(0x3B1, 0x3C9) || in(0x430, 0x44F)) return c - 32;
  if (in(0x450, 0x45F)) return c - 80;
  if (c > 0x100 && c != 0x131 && c <= 0x17E && lower(c - 1) == c) return c - 1;
  return c;
}

inline bool is_letter(char32_t c) {
  return lower(c) != c || upper(c) != c || (c >= 0xC0 && c != 0xD7 && c != 0xF7 && c < 0x2000) ||
         (c >= 0x3040 && c < 0xFE00 && !(c >= 0xD800 && c < 0xF900));
}

inline bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

inline std::string lower_case(std::string_view text) {
  std::string result;
  for (const std::string_view c : characters(text)) {
    const char32_t code = character_at(c, 0).code;
    if (code == Character::none || lower(code) == code)
      result += c;
    else
      append_utf8(result, lower(code));
  }
  return result;
}

/// The first letter a capital.
inline std::string capitalised(std::string_view text) {
  std::string result;
  bool done = false;
  for (const std::string_view c : characters(text)) {
    const char32_t code = character_at(c, 0).code;
    if (!done && code != Character::none && is_letter(code)) {
      append_utf8(result, upper(code));
      done = true;
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace translate
