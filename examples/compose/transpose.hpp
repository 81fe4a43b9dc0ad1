#pragma once

// The same tune in another key, so that a corpus shows more than the handful of keys its players
// favour. Every letter moves by the same number of steps and the signature follows; an accidental
// keeps its distance from the signature.

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "key.hpp"
#include "reader_music.hpp"
#include "score.hpp"

namespace compose {

/// A musical interval: how far the letters move, and how far the sound does.
struct Interval {
  int steps = 0;
  int semitones = 0;
};

inline constexpr Interval whole_tone_up{1, 2};
inline constexpr Interval whole_tone_down{-1, -2};
inline constexpr Interval fourth_up{3, 5};
inline constexpr Interval fourth_down{-3, -5};
inline constexpr Interval fifth_up{4, 7};
inline constexpr Interval fifth_down{-4, -7};

/// A fiddle's compass: from G, to e'', in steps; and signatures people read without complaint.
inline constexpr Step lowest_step = -3;
inline constexpr Step highest_step = 23;
inline constexpr int most_sharps = 5;

namespace detail {

/// `^c'`: as a Spelling is written, or nothing where that needs a double sharp or flat.
inline std::optional<std::string> spelled(Step step, std::optional<int> accidental) {
  std::string text;
  if (accidental) {
    if (std::abs(*accidental) > 1) return std::nullopt;
    text += "_=^"[*accidental + 1];
  }
  text += "CDEFGABcdefgab"[step < 7 ? letter_of(step) : 7 + letter_of(step)];
  for (; step < 0; step += 7) text += ',';
  for (; step > 13; step -= 7) text += '\'';
  return text;
}

inline std::optional<Key> moved(const Key& key, Interval by) {
  Key result = key;
  result.tonic = letter_of(key.tonic + by.steps);
  const int natural = natural_pitch(key.tonic + by.steps) - natural_pitch(key.tonic);
  result.accidental = key.accidental + by.semitones - natural;
  if (std::abs(result.accidental) > 1 || std::abs(result.sharps()) > most_sharps) return std::nullopt;
  return result;
}

inline std::optional<std::string> moved(const Spelling& spelling, Interval by, const Key& from, const Key& to) {
  const Step step = spelling.step + by.steps;
  if (step < lowest_step || step > highest_step) return std::nullopt;
  std::optional<int> accidental = spelling.accidental;
  if (accidental)
    *accidental += signature_accidental(to.sharps(), step) - signature_accidental(from.sharps(), spelling.step);
  return spelled(step, accidental);
}

inline std::optional<std::string> rewritten(std::string_view abc, const Score& score, Interval by) {
  if (score.changes_key || score.has_chord_names) return std::nullopt;
  const auto key = moved(score.key, by);
  if (!key) return std::nullopt;
  std::string result{abc.substr(0, score.key_at)};
  result += key->text();
  std::size_t copied = score.key_at + score.key.text().size();
  for (const Spelling& spelling : score.spellings) {
    const auto usual = spelled(spelling.step, spelling.accidental);
    const auto written = abc.substr(spelling.at, spelling.end - spelling.at);
    const auto note = moved(spelling, by, score.key, *key);
    if (!note || usual != written) return std::nullopt;  // c, for C would not survive the way back
    result += abc.substr(copied, spelling.at - copied);
    result += *note;
    copied = spelling.end;
  }
  result += abc.substr(copied);
  return result;
}

}  // namespace detail

/// The tune moved by an interval: every note sounds by.semitones higher, and all that is neither a
/// note nor the key is left byte for byte; moved back, it is the text one began with. Nothing if the
/// text cannot be read, or cannot be moved simply: out of the compass, more than most_sharps sharps
/// or flats in the signature, a double sharp or flat, a key change or chord names in the tune.
inline std::optional<std::string> transposed(std::string_view abc, Interval by) {
  try {
    return detail::rewritten(abc, read_score(abc), by);
  } catch (const abc_error&) {
    return std::nullopt;
  }
}

}  // namespace compose
