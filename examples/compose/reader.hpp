#pragma once

// Reads ABC text into a Score: what the reader knows at any place in the text, and how notes add up
// to bars. The fields and the signs of the music are in reader_fields.hpp and reader_music.hpp.
//
// The text may have been written by anybody, or by a network: every number and every length is
// bounded, and nothing nests.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "key.hpp"
#include "score.hpp"
#include "tune.hpp"

namespace compose::detail {

inline constexpr std::size_t max_tune_characters = 20'000;
inline constexpr std::size_t max_bars = 1'000;
inline constexpr Ticks max_length = 64 * whole_note;

struct Reader {
  Cursor cursor;
  Score score;

  std::optional<Meter> meter;  // M:, L: and K: as they stand here
  std::optional<Ticks> unit;
  int sharps = 0;
  bool in_body = false;

  Bar bar;
  std::vector<std::pair<Step, int>> accidentals;  // written so far in this bar
  std::vector<WrittenNote> tied;                  // the last event's notes, if a tie follows them
  std::size_t event = 0;                          // the last event's first note in the bar
  Ticks event_length = 0;                         // 0: no event yet in this bar
  int broken = 0;                                 // '>' since the last event; negative: '<'
  Ticks unbroken_length = 0;                      // of the note before them
  int tuplet_events = 0;                          // still to come
  Ratio tuplet;                                   // scales their lengths
  int slurs = 0;

  void read_header();
  void read_field_line();
  void read_field(char letter, std::string_view value);
  void read_meter_field(std::string_view value);
  void read_unit_field(std::string_view value);
  void read_key_field(std::string_view value);

  void read_body();
  void read_item();
  void read_line_end();
  void read_bar_line();
  void read_ending();
  void read_bracket();
  void read_inline_field();
  void read_exclamation_mark();
  void read_chord_name();
  void read_grace_notes();
  void read_parenthesis();
  void read_broken_rhythm();
  void read_tie();
  void read_note();
  void read_chord();
  void read_rest();
  void read_bars_of_rest();

  Spelling read_spelling();
  int sounding(const Spelling& spelling);
  WrittenNote pitched(const Spelling& spelling);
  Ticks scaled(Ticks ticks, Ratio by) const;
  void add_event(Ratio length, std::vector<WrittenNote> notes);
  void end_bar(bool ends_repeat, bool is_double, bool begins_repeat);
};

inline Spelling Reader::read_spelling() {
  Spelling spelling{.at = cursor.at, .end = 0, .step = 0, .accidental = {}};
  const int sharp_signs = cursor.count('^');
  const int flat_signs = cursor.count('_');
  const bool natural = cursor.take('=');
  if (sharp_signs > 2 || flat_signs > 2 || (sharp_signs > 0) + (flat_signs > 0) + natural > 1)
    cursor.fail("one accidental: ^, ^^, _, __ or =", "more");
  if (sharp_signs > 0 || flat_signs > 0 || natural) spelling.accidental = sharp_signs - flat_signs;
  const auto step = step_of_letter(cursor.peek());
  if (!step) cursor.fail("music");
  ++cursor.at;
  const int up = cursor.count('\'');
  const int down = cursor.count(',');
  if (up > 3 || down > 3) cursor.fail("a note within three octaves of the staff", "another");
  spelling.step = *step + 7 * (up - down);
  spelling.end = cursor.at;
  score.spellings.push_back(spelling);
  return spelling;
}

/// An accidental holds for its step to the end of the bar, or through a tie to the next note.
inline int Reader::sounding(const Spelling& spelling) {
  const auto same_step = [&](const auto& entry) { return entry.first == spelling.step; };
  const auto before = std::ranges::find_if(accidentals, same_step);
  if (spelling.accidental) {
    if (before != accidentals.end())
      before->second = *spelling.accidental;
    else
      accidentals.emplace_back(spelling.step, *spelling.accidental);
    return natural_pitch(spelling.step) + *spelling.accidental;
  }
  const auto tie = std::ranges::find(tied, spelling.step, &WrittenNote::step);
  if (tie != tied.end()) return tie->pitch;
  return natural_pitch(spelling.step) +
         (before != accidentals.end() ? before->second : signature_accidental(sharps, spelling.step));
}

inline WrittenNote Reader::pitched(const Spelling& spelling) {
  return {.onset = 0, .duration = 0, .step = spelling.step, .pitch = sounding(spelling)};
}

inline Ticks Reader::scaled(Ticks ticks, Ratio by) const {
  const Ticks product = ticks * by.over;
  if (product % by.under != 0) cursor.fail("no notes shorter than a 128th", "a shorter one");
  if (product / by.under > max_length) cursor.fail("a note that ends", "one of 64 whole notes");
  return product / by.under;
}

inline void Reader::add_event(Ratio length, std::vector<WrittenNote> notes) {
  event_length = scaled(*unit, length);
  if (tuplet_events > 0) {
    event_length = scaled(event_length, tuplet);
    --tuplet_events;
  }
  if (broken != 0) {
    if (event_length != unbroken_length) cursor.fail("equal notes around '>' or '<'", "others");
    const int halves = 1 << std::abs(broken);
    event_length = scaled(event_length, {broken > 0 ? 1 : 2 * halves - 1, halves});
    broken = 0;
  }
  for (const WrittenNote& before : tied)
    if (std::ranges::find(notes, before.pitch, &WrittenNote::pitch) == notes.end())
      cursor.fail("the tied note again", "another, or a rest");
  tied.clear();
  event = bar.notes.size();
  for (WrittenNote& note : notes) {
    note.onset = bar.length;
    note.duration = event_length;
    if (note.tied) tied.push_back(note);
    bar.notes.push_back(note);
  }
  bar.length += event_length;
  bar.full = meter->bar();
}

/// Bar lines with nothing between them are one bar line.
inline void Reader::end_bar(bool ends_repeat, bool is_double, bool begins_repeat) {
  if (tuplet_events > 0) cursor.fail("the rest of a tuplet", "the end of the bar");
  if (broken != 0) cursor.fail("a note after '>' or '<'", "the end of the bar");
  if (bar.length == 0 && bar.ending != 0) cursor.fail("music in the ending", "none");
  if (bar.length > 0) {
    score.bars.push_back(std::move(bar));
    bar = {};
  }
  if (score.bars.size() > max_bars) cursor.fail("a tune", "more than a thousand bars");
  if (!score.bars.empty()) {
    score.bars.back().ends_repeat |= ends_repeat;
    score.bars.back().ends_part |= is_double;
  }
  bar.at = cursor.at;
  bar.begins_repeat |= begins_repeat;
  bar.begins_part |= is_double;
  accidentals.clear();
  event = 0;
  event_length = 0;
}

}  // namespace compose::detail
