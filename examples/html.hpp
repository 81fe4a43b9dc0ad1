#pragma once

// What HTML and SVG are written with: escaped text, short numbers, bytes in base64 (RFC 4648).

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace markup {

/// Text that means itself, in an element or between quotes. Control characters HTML does not allow
/// become spaces.
inline std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool allowed = static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t';
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += allowed ? c : ' ';
    }
  }
  return result;
}

/// A file's name as a relative address.
inline std::string as_address(std::string_view name) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string result;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != plain.npos)
      result += c;
    else
      result.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
  return result;
}

/// With so many decimals, whatever the locale.
inline std::string number(double value, int decimals = 1) {
  std::array<char, 64> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
  return {text.data(), written.ptr};
}

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t byte = 0; byte < 3; ++byte)
      bits = bits << 8 | (byte < group.size() ? static_cast<unsigned char>(group[byte]) : 0U);
    for (std::size_t digit = 0; digit < 4; ++digit)
      result += digit <= group.size() ? digits[bits >> (18 - 6 * digit) & 63] : '=';
  }
  return result;
}

}  // namespace markup
