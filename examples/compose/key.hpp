#pragma once

// Staff positions, keys and modes: ABC standard 2.1, sections 3.1.14 (K:), 4.1 and 4.2 (pitch,
// accidentals).

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace compose {

/// Lines and spaces of the staff counted from middle C, which ABC writes `C`: D is 1, c is 7, B, is
/// -1.
using Step = int;

constexpr Step letter_of(Step step) { return ((step % 7) + 7) % 7; }

/// MIDI number of a step with neither sharp nor flat.
constexpr int natural_pitch(Step step) {
  constexpr std::array semitones{0, 2, 4, 5, 7, 9, 11};
  const Step letter = letter_of(step);
  return 60 + 12 * ((step - letter) / 7) + semitones[static_cast<std::size_t>(letter)];
}

constexpr std::optional<Step> step_of_letter(char letter) {
  constexpr std::string_view letters = "CDEFGABcdefgab";
  const auto found = letters.find(letter);
  if (found == letters.npos) return std::nullopt;
  return static_cast<Step>(found);
}

struct Key {
  Step tonic = 0;      // 0..6
  int accidental = 0;  // of the tonic: 1 sharp, -1 flat
  std::string mode;    // as written, with any space before it: " Major", "dor", "m", ""
  int mode_sharps = 0;

  /// Sharps in the signature, negative for flats: the tonic's place on the circle of fifths, moved
  /// by the mode.
  int sharps() const {
    constexpr std::array fifths{0, 2, 4, -1, 1, 3, 5};  // C D E F G A B
    return fifths[static_cast<std::size_t>(tonic)] + 7 * accidental + mode_sharps;
  }

  std::string text() const {
    const std::string sign = accidental > 0 ? "#" : accidental < 0 ? "b" : "";
    return std::string{"CDEFGAB"[tonic]} + sign + mode;
  }
};

/// 1, -1 or 0: what a signature of so many sharps (negative: flats) does to a step.
constexpr int signature_accidental(int sharps, Step step) {
  constexpr std::array order{1, 3, 5, 0, 2, 4, 6};  // C D E F G A B in the order F C G D A E B
  const int place = order[static_cast<std::size_t>(letter_of(step))];
  if (sharps > place) return 1;
  if (-sharps > 6 - place) return -1;
  return 0;
}

/// What a mode adds to the sharps of its tonic's major; a word of three letters or more is enough.
inline std::optional<int> mode_sharps(std::string_view word) {
  struct Mode {
    std::string_view name;
    int sharps;
  };
  constexpr std::array<Mode, 9> modes{{{"major", 0},
                                       {"ionian", 0},
                                       {"minor", -3},
                                       {"aeolian", -3},
                                       {"dorian", -2},
                                       {"mixolydian", -1},
                                       {"phrygian", -4},
                                       {"lydian", 1},
                                       {"locrian", -5}}};
  if (word.empty()) return 0;
  if (word == "m") return -3;
  if (word.size() < 3) return std::nullopt;
  std::string lower{word};
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  for (const Mode& mode : modes)
    if (mode.name.starts_with(lower)) return mode.sharps;
  return std::nullopt;
}

/// Reads `D Major`, `Ador`, `F#m`, `Bb`; nothing for any other wording, or for more than seven
/// sharps or flats.
inline std::optional<Key> read_key(std::string_view text) {
  constexpr std::string_view tonics = "CDEFGAB";
  if (text.empty() || tonics.find(text[0]) == tonics.npos) return std::nullopt;
  Key key;
  key.tonic = static_cast<Step>(tonics.find(text[0]));
  text.remove_prefix(1);
  if (text.starts_with('#') || text.starts_with('b')) {
    key.accidental = text[0] == '#' ? 1 : -1;
    text.remove_prefix(1);
  }
  key.mode = text;
  const auto word = text.find_first_not_of(' ');
  const auto sharps = mode_sharps(word == text.npos ? "" : text.substr(word));
  if (!sharps) return std::nullopt;
  key.mode_sharps = *sharps;
  if (std::abs(key.sharps()) > 7) return std::nullopt;
  return key;
}

}  // namespace compose
