#pragma once

// The few shapes the pages' drawings are made of; their colours are classes, which the page's style defines.

#include <string>
#include <string_view>

#include "html.hpp"

namespace markup {

inline std::string svg(double width, double height, std::string_view label, std::string_view content) {
  return "<svg viewBox=\"0 0 " + number(width, 0) + " " + number(height, 0) + "\" role=\"img\" aria-label=\"" +
         escaped(label) + "\">" + std::string{content} + "</svg>\n";
}

inline std::string svg_line(std::string_view css, double x1, double y1, double x2, double y2) {
  return "<path class=\"" + std::string{css} + "\" d=\"M" + number(x1) + " " + number(y1) + "L" + number(x2) + " " +
         number(y2) + "\"/>";
}

inline std::string svg_box(std::string_view css, double x, double y, double width, double height) {
  return "<rect class=\"" + std::string{css} + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
         number(width) + "\" height=\"" + number(height) + "\"/>";
}

/// `anchor` is start, middle or end: which part of the text stands at x.
inline std::string svg_text(std::string_view css, double x, double y, std::string_view anchor, std::string_view text) {
  return "<text class=\"" + std::string{css} + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
         std::string{anchor} + "\">" + escaped(text) + "</text>";
}

}  // namespace markup
