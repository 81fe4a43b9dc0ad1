#pragma once

// The order in which the bars of a score are played. ABC standard 2.1, sections 4.8 and 4.9 (repeat
// signs, first and second endings): a :| goes back to the last |:, or else to the end of the last
// repeat, ending or part (a double bar), or else to the start of the tune.

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "score.hpp"

namespace compose::detail {

struct Written {
  std::string_view text;
  const std::vector<Bar>& bars;

  [[noreturn]] void fail(std::size_t bar, const std::string& expected, const std::string& found) const {
    Cursor{text, bars[bar].at}.fail(expected, found);
  }
};

using Order = std::vector<std::size_t>;  // of bars, as they are played

inline void play(Order& order, std::size_t first, std::size_t end) {
  for (; first < end; ++first) order.push_back(first);
}

inline bool parts_between(const Bar& bar, const Bar& next) { return bar.ends_part || next.begins_part; }

/// One past the last bar before a repeat sign, an ending, or (unless a |: is still open) a part.
inline std::size_t end_of_run(const std::vector<Bar>& bars, std::size_t first, bool repeat_open) {
  std::size_t last = first;
  for (; last + 1 < bars.size(); ++last) {
    const Bar& next = bars[last + 1];
    if (bars[last].ends_repeat || next.begins_repeat || next.ending != 0) break;
    if (!repeat_open && parts_between(bars[last], next)) break;
  }
  return last + 1;
}

/// Plays [start, first) before each of the endings that begin at `first`, in the order of their
/// numbers; returns one past the last of them.
inline std::size_t play_endings(const Written& written, std::size_t start, std::size_t first, Order& order) {
  struct Ending {
    unsigned passes;
    std::size_t begin, end;
  };
  const auto& bars = written.bars;
  std::vector<Ending> endings;
  int count = 0;
  unsigned passes = 0;
  std::size_t next = first;
  while (next < bars.size() && bars[next].ending != 0) {
    if (next > first && !bars[next - 1].ends_repeat) written.fail(next, ":| before it", "an ending");
    const unsigned here = bars[next].ending;
    endings.push_back({here, next, end_of_run(bars, next, false)});
    count += std::popcount(here);
    passes |= here;
    next = endings.back().end;
  }
  const bool first_to_last = count <= 8 && passes == (2U << count) - 2U;
  if (endings.size() < 2 || !first_to_last) written.fail(first, "a first and a second ending", "others");
  for (int pass = 1; pass <= count; ++pass) {
    play(order, start, first);
    for (const Ending& ending : endings)
      if ((ending.passes >> pass & 1U) != 0) play(order, ending.begin, ending.end);
  }
  return next;
}

inline Order playing_order(const Written& written) {
  const auto& bars = written.bars;
  Order order;
  for (std::size_t start = 0; start < bars.size();) {
    const bool repeat_open = bars[start].begins_repeat;
    const std::size_t end = end_of_run(bars, start, repeat_open);
    if (bars[end - 1].ends_repeat) {
      play(order, start, end);
      play(order, start, end);
      start = end;
    } else if (end < bars.size() && bars[end].ending != 0) {
      start = play_endings(written, start, end, order);
    } else {
      if (repeat_open) written.fail(start, ":| for this |:", "none");
      play(order, start, end);
      start = end;
    }
  }
  return order;
}

/// Between these two bars a bar may be split: by a repeat sign or double bar, or where the player
/// jumps.
inline bool joint(const std::vector<Bar>& bars, std::size_t before, std::size_t after) {
  return after != before + 1 || bars[before].ends_repeat || bars[after].begins_repeat || bars[after].ending != 0 ||
         parts_between(bars[before], bars[after]);
}

}  // namespace compose::detail
