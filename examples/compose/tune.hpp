#pragma once

// A tune as it sounds: notes in time, repeats unfolded. What abc.hpp reads, and what midi.hpp,
// wav.hpp and page.hpp turn into something to hear and see.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace compose {

/// Musical time. A quarter note is 2^5 * 3^2 * 5 * 7 ticks, so that 128th notes, triplets,
/// quintuplets and septuplets are whole numbers and bars add up exactly; and it fits the 15 bits a
/// MIDI file has for it.
using Ticks = std::int64_t;
inline constexpr Ticks quarter_note = 10080;
inline constexpr Ticks whole_note = 4 * quarter_note;

struct Note {
  Ticks onset;
  Ticks duration;
  int pitch;  // MIDI number: middle C is 60

  friend bool operator==(const Note&, const Note&) = default;
};

struct Meter {
  int beats = 4;
  int unit = 4;

  Ticks bar() const { return beats * (whole_note / unit); }

  friend bool operator==(const Meter&, const Meter&) = default;
};

struct Tune {
  int number = 0;
  std::string title;
  std::string rhythm;       // R: "reel"; may be empty
  std::string key;          // as the tune words it: "D Major", "Ador"
  int sharps = 0;           // in the key signature; negative: flats
  Meter meter;              // at the start
  std::vector<Note> notes;  // in order of onset
  std::vector<Ticks> bars;  // where each bar begins as played, an anacrusis included
  Ticks duration = 0;
  double quarters_per_minute = 120;
};

/// Whether the note begins a bar, and so is played with a little weight.
inline bool is_downbeat(const Tune& tune, const Note& note) {
  return std::ranges::binary_search(tune.bars, note.onset);
}

/// Seconds from the start of the tune.
inline double seconds(const Tune& tune, Ticks time) {
  return static_cast<double>(time) / static_cast<double>(quarter_note) * 60.0 / tune.quarters_per_minute;
}

}  // namespace compose
