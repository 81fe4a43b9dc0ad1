#pragma once
// What a translator attended to, as figure 3 of Bahdanau, Cho and Bengio (ICLR 2015) draws it: source words across the
// top, output words down the side, a cell the darker (on a dark screen, the brighter) the larger its weight. One HTML
// file that needs no other, no network and no script.

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../html.hpp"
#include "../svg.hpp"
#include "text.hpp"

namespace translate {

struct Attention {
  std::vector<std::string> source, target;   // as they are to be shown
  std::vector<std::vector<double>> weights;  // [target][source], each from 0 to 1
  std::string source_text, reference, output;
  double log_probability = 0;  // of the output
};

namespace detail {

inline constexpr std::size_t most_cells = 40'000;  // of one drawing

inline constexpr const char* attention_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #23252b; --quiet: #686c76; --faint: #e4e2da; --cell: #12355b;
  --hover: #c2571a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181d; --card: #1b1e25; --ink: #e4e4e0; --quiet: #989ca6; --faint: #30343d; --cell: #cfe4ff;
    --hover: #f0a064;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 64rem; padding: 3rem 1.25rem 5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1 {
  font: 600 clamp(1.8rem, 5vw, 2.5rem)/1.2 Charter, "Iowan Old Style", Georgia, "Noto Serif", serif;
  margin: 0 0 .5rem;
}
p { max-width: 44rem; margin: .4rem 0; color: var(--quiet); }
article {
  margin: 1.5rem 0; padding: 1.4rem 1.5rem; background: var(--card); border: 1px solid var(--faint);
  border-radius: .6rem;
}
.map { overflow: auto; max-height: 85vh; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
text { fill: var(--ink); font-size: 13px; }
path { fill: none; stroke: var(--faint); }
.cell rect { fill: var(--cell); }
.cell:hover rect { stroke: var(--hover); stroke-width: 2; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 1.1rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
@media (max-width: 34rem) {
  article { padding: 1rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
)css";

/// About what the text takes on the page.
inline double text_width(std::string_view text) {
  double width = 0;
  for (const std::string_view c : characters(text)) width += c.size() > 2 ? 14 : 8;
  return width;
}

inline std::string heat_map(const Attention& attention) {
  constexpr double cell = 26, slope = 0.5, rise = 0.87;  // labels lean by 60 degrees
  const std::size_t rows = attention.target.size(), columns = attention.source.size();
  double left = 0, top = 0, right = 0;
  for (const std::string& token : attention.target) left = std::max(left, text_width(token) + 12);
  for (std::size_t s = 0; s < columns; ++s) {
    const double width = text_width(attention.source[s]);
    top = std::max(top, rise * width + 20);
    right = std::max(right, (static_cast<double>(s) + 0.5) * cell + slope * width + 12);
  }
  const auto x = [&](std::size_t s) { return left + cell * static_cast<double>(s); };
  const auto y = [&](std::size_t t) { return top + cell * static_cast<double>(t); };

  std::string drawing;
  for (std::size_t s = 0; s < columns; ++s)
    drawing += "<g transform=\"translate(" + markup::number(x(s) + cell / 2 + 4) + " " + markup::number(top - 8) +
               ") rotate(-60)\">" + markup::svg_text("source", 0, 0, "start", attention.source[s]) + "</g>";
  for (std::size_t t = 0; t < rows; ++t)
    drawing += markup::svg_text("target", left - 8, y(t) + cell / 2 + 4.5, "end", attention.target[t]);
  for (std::size_t s = 0; s <= columns; ++s) drawing += markup::svg_line("grid", x(s), top, x(s), y(rows));
  for (std::size_t t = 0; t <= rows; ++t) drawing += markup::svg_line("grid", left, y(t), x(columns), y(t));
  for (std::size_t t = 0; t < rows; ++t)
    for (std::size_t s = 0; s < columns; ++s) {
      const double weight = std::min(attention.weights[t][s], 1.0);
      if (!(weight >= 0.0005)) continue;  // would say 0.000
      drawing += "<g class=\"cell\" fill-opacity=\"" + markup::number(weight, 3) + "\"><title>" +
                 markup::escaped(attention.target[t] + " ← " + attention.source[s] + ": ") + markup::number(weight, 3) +
                 "</title>" + markup::svg_box("weight", x(s) + 0.5, y(t) + 0.5, cell - 1, cell - 1) + "</g>";
    }
  const double width = left + std::max(right, cell * static_cast<double>(columns) + 1), height = y(rows) + 1;
  return "<div class=\"map\" tabindex=\"0\"><div style=\"width:" + markup::number(width, 0) + "px\">\n" +
         markup::svg(width, height, "Attention weights of: " + attention.output, drawing) + "</div></div>\n";
}

inline std::string attention_article(const Attention& attention) {
  const std::size_t rows = attention.target.size(), columns = attention.source.size();
  bool fits = attention.weights.size() == rows;
  for (const std::vector<double>& row : attention.weights) fits = fits && row.size() == columns;
  if (!fits)
    throw std::invalid_argument("attention weights are not a row for each of " + std::to_string(rows) +
                                " target tokens and a column for each of " + std::to_string(columns) +
                                " source tokens");
  const auto entry = [](const std::string& name, const std::string& text) {
    return text.empty() ? "" : "<dt>" + name + "</dt><dd>" + markup::escaped(text) + "</dd>\n";
  };
  std::string html = "<article>\n";
  if (rows * columns > most_cells)
    html += "<p>" + std::to_string(columns) + " by " + std::to_string(rows) + " tokens: too many to draw.</p>\n";
  else if (rows * columns > 0)
    html += heat_map(attention);
  return html + "<dl>\n" + entry("source", attention.source_text) + entry("reference", attention.reference) +
         entry("output", attention.output) + entry("log-probability", markup::number(attention.log_probability, 2)) +
         "</dl>\n</article>\n";
}

}  // namespace detail

/// Throws std::invalid_argument if weights do not fit their tokens. Empty texts are left out.
inline std::string attention_page(const std::string& title, const std::string& introduction,
                                  const std::vector<Attention>& sentences) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      markup::escaped(title) + "</title>\n<style>" + detail::attention_style + "</style>\n</head>\n<body>\n<h1>" +
      markup::escaped(title) + "</h1>\n";
  if (!introduction.empty()) html += "<p>" + markup::escaped(introduction) + "</p>\n";
  for (const Attention& attention : sentences) html += detail::attention_article(attention);
  return html + "</body>\n</html>\n";
}

}  // namespace translate
