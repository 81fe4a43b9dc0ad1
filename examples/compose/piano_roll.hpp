#pragma once

// A tune as a piano roll: time runs to the right, pitch upwards, eight bars to a line.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../html.hpp"
#include "../svg.hpp"
#include "tune.hpp"

namespace compose {

using namespace markup;
namespace detail {

inline constexpr std::size_t bars_in_line = 8;

/// Where whole bars begin: the halves of a split bar count as one, and an anacrusis as part of the
/// first.
inline std::vector<Ticks> whole_bars(const Tune& tune) {
  const Ticks full = tune.meter.bar();
  std::vector<Ticks> result;
  for (std::size_t i = 0; i < tune.bars.size(); ++i) {
    const bool last = i + 1 == tune.bars.size();
    const Ticks length = (last ? tune.duration : tune.bars[i + 1]) - tune.bars[i];
    const bool anacrusis = i == 0 && length < full && !last;
    const bool second_half = !result.empty() && length < full && tune.bars[i] + length - result.back() == full;
    if (!anacrusis && !second_half) result.push_back(tune.bars[i]);
  }
  return result;
}

struct Roll {
  static constexpr double left = 34, right = 4, row = 6, top = 4, bottom = 20, width = 960;
  int lowest, highest;     // pitches
  double pixels_per_tick;  // the same in every line

  double height() const { return top + row * (highest - lowest + 1) + bottom; }
  double y(int pitch) const { return top + row * (highest - pitch); }
};

inline std::string note_name(int pitch) {
  constexpr std::string_view letters = "C D EF G A B";
  return letters[static_cast<std::size_t>(pitch % 12)] + std::to_string(pitch / 12 - 1);
}

/// Faint stripes where a piano has its black keys, and the names of C, D, E, G and A.
inline std::string keyboard(const Roll& roll, double width) {
  constexpr std::string_view black = " # #  # # # ";
  constexpr std::string_view named = "# # #  # #  ";
  std::string drawing;
  for (int pitch = roll.lowest; pitch <= roll.highest; ++pitch) {
    const auto place = static_cast<std::size_t>(pitch % 12);
    if (black[place] == '#') drawing += svg_box("black-key", Roll::left, roll.y(pitch), width, Roll::row);
    if (named[place] == '#') drawing += svg_text("small", Roll::left - 6, roll.y(pitch) + 6, "end", note_name(pitch));
  }
  return drawing;
}

/// What sounds from `begin` to `end`; `bars` begin there, the first of them number `first`.
inline std::string roll_line(const Tune& tune, const Roll& roll, Ticks begin, Ticks end, const std::vector<Ticks>& bars,
                             std::size_t first) {
  const auto x = [&](Ticks time) { return Roll::left + roll.pixels_per_tick * static_cast<double>(time - begin); };
  const double floor = roll.y(roll.lowest) + Roll::row;
  std::string drawing = keyboard(roll, x(end) - Roll::left);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    drawing += svg_line("bar-line", x(bars[i]), Roll::top, x(bars[i]), floor);
    if ((first + i) % 4 == 1) drawing += svg_text("small", x(bars[i]), floor + 14, "start", std::to_string(first + i));
  }
  drawing += svg_line("bar-line", x(end), Roll::top, x(end), floor);
  for (const Note& note : tune.notes) {
    if (note.onset >= end || note.onset + note.duration <= begin) continue;
    const double from = x(std::max(note.onset, begin));
    const double to = x(std::min(note.onset + note.duration, end));
    drawing += svg_box("note", from + 0.5, roll.y(note.pitch) + 0.5, std::max(to - from - 1.2, 1.0), Roll::row - 1);
  }
  return svg(Roll::width, roll.height(), "Piano roll from bar " + std::to_string(first), drawing);
}

}  // namespace detail

inline std::string piano_roll(const Tune& tune) {
  const std::vector<Ticks> bars = detail::whole_bars(tune);
  if (tune.notes.empty() || bars.empty()) return "";
  const auto [low, high] = std::ranges::minmax(tune.notes, {}, &Note::pitch);
  detail::Roll roll{low.pitch - 1, high.pitch + 1, 0};

  const std::size_t count = bars.size();
  const Ticks anacrusis = bars.front();  // leads into every line, so that bars stand under bars
  const auto line_start = [&](std::size_t bar) { return bar >= count ? tune.duration : bars[bar] - anacrusis; };
  Ticks longest = 1;
  for (std::size_t bar = 0; bar < count; bar += detail::bars_in_line)
    longest = std::max(longest, line_start(bar + detail::bars_in_line) - line_start(bar));
  roll.pixels_per_tick =
      (detail::Roll::width - detail::Roll::left - detail::Roll::right) / static_cast<double>(longest);

  std::string lines;
  for (std::size_t bar = 0; bar < count; bar += detail::bars_in_line) {
    const std::size_t next = std::min(bar + detail::bars_in_line, count);
    const std::vector<Ticks> inside(bars.begin() + static_cast<std::ptrdiff_t>(bar),
                                    bars.begin() + static_cast<std::ptrdiff_t>(next));
    lines += detail::roll_line(tune, roll, line_start(bar), line_start(next), inside, bar + 1);
  }
  return lines;
}

}  // namespace compose
