#pragma once

// The page a run ends with: how the network was trained, how well it learnt, and the tunes it
// composed, to hear, see and read. One HTML file that needs no other, no network and no script.

#include <string>
#include <utility>
#include <vector>

#include "../html.hpp"
#include "learning_curve.hpp"
#include "piano_roll.hpp"
#include "tune.hpp"

namespace compose {

using namespace markup;

struct ComposedTune {
  std::string abc;
  Tune tune;
  std::string wav;        // the file's bytes
  std::string file_name;  // of the .abc and .mid beside the page, without the ending
};

struct Page {
  std::string title;
  std::string introduction;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<CurvePoint> curve;
  std::vector<ComposedTune> tunes;
};

namespace detail {

inline constexpr const char* style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --ink: #23252b; --quiet: #686c76; --faint: #e4e2da; --stripe: #f1efe8;
  --card: #ffffff; --first: #2563a8; --second: #c2571a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181d; --ink: #e4e4e0; --quiet: #989ca6; --faint: #30343d; --stripe: #22252d;
    --card: #1b1e25; --first: #78b0ee; --second: #f0a064;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 64rem; padding: 3rem 1.25rem 5rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3 { font-family: Charter, "Iowan Old Style", Georgia, "Noto Serif", serif; line-height: 1.2; }
h1 { font-size: clamp(1.9rem, 5vw, 2.7rem); margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.45rem; margin: 3rem 0 .9rem; }
h3 { font-size: 1.3rem; margin: 0; }
p { max-width: 44rem; margin: .4rem 0; color: var(--quiet); }
dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 44%), 1fr));
  gap: 1rem 2rem; margin: 0;
}
dt { color: var(--quiet); font-size: .82rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
article {
  margin: 1.25rem 0; padding: 1.4rem 1.5rem; background: var(--card);
  border: 1px solid var(--faint); border-radius: .6rem;
}
article header {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem 1rem; margin-bottom: .9rem;
}
article header p { margin: 0; font-size: .92rem; }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.2rem; margin: .9rem 0 0; }
audio { flex: 1 1 16rem; max-width: 34rem; height: 2.5rem; }
a { color: var(--first); text-underline-offset: .15em; }
pre {
  margin: 1rem 0 0; padding: .9rem 1rem; overflow-x: auto; border-radius: .4rem; background: var(--stripe);
  font: .84rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
.wide { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 38rem; height: auto; font-family: inherit; }
text { fill: var(--quiet); font-size: 13px; font-variant-numeric: tabular-nums; }
.chart svg { min-width: 0; max-width: 46rem; }
text.small { font-size: 10px; }
text.name { font-weight: 600; }
path { fill: none; }
.grid, .bar-line { stroke: var(--faint); stroke-width: 1; }
.black-key { fill: var(--stripe); }
.note { fill: var(--first); rx: 2.5px; }
.curve { stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.curve.train { stroke: var(--first); }
.curve.held-out { stroke: var(--second); }
.name.train { fill: var(--first); }
.name.held-out { fill: var(--second); }
@media (max-width: 34rem) {
  .chart text { font-size: 18px; }
  article { padding: 1.1rem 1rem; }
  h2 { margin-top: 2.2rem; }
}
)css";

inline std::string element(const std::string& name, const std::string& text) {
  return "<" + name + ">" + escaped(text) + "</" + name + ">\n";
}

inline std::string fact_list(const Page& page) {
  std::string list;
  for (const auto& [name, value] : page.facts)
    list += "<div>" + element("dt", name) + element("dd", value) + "</div>\n";
  return "<dl>\n" + list + "</dl>\n";
}

/// `reel in D Major, 4/4, 43 seconds`
inline std::string description(const Tune& tune) {
  const std::string kind = tune.rhythm.empty() ? "" : tune.rhythm + ", ";
  return kind + tune.key + ", " + std::to_string(tune.meter.beats) + "/" + std::to_string(tune.meter.unit) + ", " +
         number(seconds(tune, tune.duration), 0) + " seconds";
}

inline std::string link(const std::string& address, const std::string& text) {
  return "<a href=\"" + as_address(address) + "\">" + text + "</a>\n";
}

inline std::string article(const ComposedTune& composed) {
  const Tune& tune = composed.tune;
  return "<article>\n<header>\n" + element("h3", tune.title.empty() ? "Untitled" : tune.title) +
         element("p", description(tune)) + "</header>\n<div class=\"wide\">\n" + piano_roll(tune) +
         "</div>\n<nav>\n<audio controls preload=\"none\" src=\"data:audio/wav;base64," + base64(composed.wav) +
         "\"></audio>\n" + link(composed.file_name + ".mid", "MIDI") + link(composed.file_name + ".abc", "ABC") +
         "</nav>\n" + element("pre", composed.abc) + "</article>\n";
}

}  // namespace detail

inline std::string page(const Page& content) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
      detail::element("title", content.title) + "<style>" + detail::style + "</style>\n</head>\n<body>\n" +
      detail::element("h1", content.title);
  if (!content.introduction.empty()) html += detail::element("p", content.introduction);
  if (!content.facts.empty()) html += "<h2>How it was trained</h2>\n" + detail::fact_list(content);
  const std::string curve = learning_curve(content.curve);
  if (!curve.empty()) html += "<h2>What it learnt</h2>\n<div class=\"chart\">\n" + curve + "</div>\n";
  if (!content.tunes.empty()) html += "<h2>What it composed</h2>\n";
  for (const ComposedTune& tune : content.tunes) html += detail::article(tune);
  return html + "</body>\n</html>\n";
}

}  // namespace compose
