#pragma once

// ABC text to tunes: split a corpus, parse and check a tune. What is checked beyond the notation is
// what a player would stumble over: bars that do not add up, repeats and endings that lead nowhere,
// ties to another note. ABC standard 2.1, section 2.2 (tunes in a file), and what its readers do.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "reader_music.hpp"
#include "repeats.hpp"
#include "score.hpp"
#include "tune.hpp"

namespace compose {

inline constexpr std::size_t min_notes = 8;
inline constexpr double max_seconds = 600;

namespace detail {

/// `6/8`: in eighths, or in the first finer unit that fits.
inline std::string as_fraction(Ticks time) {
  const Ticks unit = std::gcd(time, whole_note / 8);
  return std::to_string(time / unit) + "/" + std::to_string(whole_note / unit);
}

/// A bar may be split over a joint; then its halves make a whole one.
inline bool complete_each_other(const Bar& before, const Bar& after) {
  const bool meter_changes = before.full != after.full;
  return meter_changes || before.length + after.length == after.full;
}

/// Every bar as played is as long as the meter says, or completed by the bar it meets across a
/// joint; only an anacrusis and the last bar of all have nothing to meet.
inline void check_bars(const Written& written, const Order& order) {
  const auto& bars = written.bars;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Bar& bar = bars[order[i]];
    if (bar.length == bar.full) continue;
    const bool first = i == 0;
    const bool last = i + 1 == order.size();
    const bool completes =
        !first && joint(bars, order[i - 1], order[i]) && complete_each_other(bars[order[i - 1]], bar);
    const bool completed = !last && joint(bars, order[i], order[i + 1]) && complete_each_other(bar, bars[order[i + 1]]);
    if (bar.length > bar.full || !(first || last || completes || completed))
      written.fail(order[i], "a bar of " + as_fraction(bar.full), as_fraction(bar.length));
  }
}

/// Lays the bars end to end, and joins tied notes into one.
inline void perform(const std::vector<Bar>& bars, const Order& order, Tune& tune) {
  std::vector<std::size_t> open;  // notes of the tune that a tie follows
  for (const std::size_t index : order) {
    tune.bars.push_back(tune.duration);
    for (const WrittenNote& note : bars[index].notes) {
      const Ticks onset = tune.duration + note.onset;
      std::erase_if(open, [&](std::size_t i) { return tune.notes[i].onset + tune.notes[i].duration < onset; });
      const auto tied = std::ranges::find_if(open, [&](std::size_t i) {
        const Note& before = tune.notes[i];
        return before.pitch == note.pitch && before.onset + before.duration == onset;
      });
      if (tied != open.end()) {
        tune.notes[*tied].duration += note.duration;
        if (!note.tied) open.erase(tied);
      } else {
        tune.notes.push_back({onset, note.duration, note.pitch});
        if (note.tied) open.push_back(tune.notes.size() - 1);
      }
    }
    tune.duration += bars[index].length;
  }
}

/// Quarter notes a minute: a common session's tempo for the dance named in R:, else for the meter.
inline double usual_tempo(std::string_view rhythm, const Meter& meter) {
  struct Dance {
    std::string_view name;
    double tempo;
  };
  constexpr std::array<Dance, 12> dances{{{"slip jig", 165},
                                          {"slide", 190},
                                          {"jig", 165},
                                          {"reel", 190},
                                          {"hornpipe", 150},
                                          {"strathspey", 130},
                                          {"polka", 120},
                                          {"march", 105},
                                          {"waltz", 130},
                                          {"mazurka", 130},
                                          {"lament", 60},
                                          {"air", 75}}};
  std::string lower{rhythm};
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  for (const Dance& dance : dances)
    if (lower.find(dance.name) != lower.npos) return dance.tempo;
  if (meter.unit == 8) return 165;
  if (meter == Meter{2, 4}) return 110;
  if (meter == Meter{3, 4}) return 125;
  return 180;
}

}  // namespace detail

/// Reads a tune and checks it as strictly as a patient player would. Throws abc_error unless it has
/// X:, M:, K: and at least min_notes notes, its bars add up, its repeats match, and it is over in
/// max_seconds. Grace notes, ornaments, slurs and chord names are read and not played.
inline Tune parse(std::string_view abc) {
  const Score score = read_score(abc);
  const detail::Written written{abc, score.bars};
  std::size_t notes = 0;
  for (const Bar& bar : score.bars) notes += bar.notes.size();
  if (notes < min_notes)
    throw abc_error{"expected at least " + std::to_string(min_notes) + " notes, found " + std::to_string(notes)};

  Tune tune;
  tune.number = score.number;
  tune.title = score.title;
  tune.rhythm = score.rhythm;
  tune.key = score.key.text();
  tune.sharps = score.key.sharps();
  tune.meter = score.meter;
  tune.quarters_per_minute = score.quarters_per_minute.value_or(detail::usual_tempo(score.rhythm, score.meter));

  const detail::Order order = detail::playing_order(written);
  detail::check_bars(written, order);
  detail::perform(score.bars, order, tune);
  if (seconds(tune, tune.duration) > max_seconds)
    throw abc_error{"expected a tune of at most ten minutes, found a longer one"};
  return tune;
}

/// The tunes in a text: each begins at a line X: and ends before the next, or at a blank line.
/// What stands between them is left out, and lines end in \n alone.
inline std::vector<std::string> split_tunes(std::string_view text) {
  std::vector<std::string> tunes;
  bool inside = false;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    while (line.ends_with('\r')) line.remove_suffix(1);
    const bool begins = line.starts_with("X:");
    if (begins) tunes.emplace_back();
    inside = begins || (inside && !detail::trimmed(line).empty());
    if (inside) tunes.back().append(line).append("\n");
  }
  return tunes;
}

}  // namespace compose
