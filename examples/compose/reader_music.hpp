#pragma once

// The body of a tune, sign by sign: ABC standard 2.1, section 4.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reader.hpp"
#include "reader_fields.hpp"
#include "score.hpp"
#include "tune.hpp"

namespace compose {
namespace detail {

inline void Reader::read_body() {
  bar.at = cursor.at;
  read_line_end();
  while (!cursor.done()) read_item();
  if (slurs > 0) cursor.fail("the end of a slur, ')'");
  if (!tied.empty()) cursor.fail("the tied note again");
  end_bar(false, true, false);
}

inline void Reader::read_item() {
  constexpr std::string_view silent = " \t\r`\\y";       // spaces, and marks that guide the eye
  constexpr std::string_view ornaments = ".~HLMOPSTuv";  // left to the player
  if (cursor.one_of(silent) || cursor.one_of(ornaments)) {
    ++cursor.at;
    return;
  }
  switch (cursor.peek()) {
    case '\n':
      ++cursor.at;
      read_line_end();
      break;
    case '%':
      cursor.at += cursor.rest_of_line().size();
      break;
    case '!':
      read_exclamation_mark();
      break;
    case '"':
      read_chord_name();
      break;
    case '{':
      read_grace_notes();
      break;
    case '(':
    case ')':
      read_parenthesis();
      break;
    case '>':
    case '<':
      read_broken_rhythm();
      break;
    case '-':
      read_tie();
      break;
    case '|':
    case ':':
      read_bar_line();
      break;
    case '[':
      read_bracket();
      break;
    case 'z':
    case 'x':
      read_rest();
      break;
    case 'Z':
      read_bars_of_rest();
      break;
    default:
      read_note();
  }
}

/// A line may be a field, or a comment. `A:` and the like are none: A is a note.
inline void Reader::read_line_end() {
  if (!cursor.done() && trimmed(cursor.rest_of_line()).empty())
    cursor.fail("the end of the text after a blank line", "more");
  while (cursor.one_of("IKLMNPQRTUVWmrsw%") && (cursor.peek() == '%' || cursor.peek(1) == ':')) read_field_line();
}

/// Any of | || |] [| |: :| :|: :: and what is written for them, then perhaps the number of an
/// ending.
inline void Reader::read_bar_line() {
  const auto before = cursor.text.find_last_not_of(" \t", cursor.at - 1);
  const bool after_bar_line = cursor.text[before] == '|';
  const int colons_before = cursor.count(':');
  const bool thick_before = cursor.take('[');
  const int lines = cursor.count('|');
  const bool thick_after = cursor.take(']');
  const int colons_after = lines > 0 ? cursor.count(':') : 0;
  const bool both = lines == 0 && colons_before == 2 && !thick_before && !thick_after;
  const bool bars = lines >= 1 && lines <= 2 && colons_before <= 1 && colons_after <= 1;
  if (!both && !bars) cursor.fail("a bar line such as |, ||, |], |: or :|", "something else");
  const bool plain = lines == 1 && colons_before + colons_after == 0 && !thick_before && !thick_after;
  if (plain && after_bar_line) cursor.fail("music between two bar lines", "none");
  end_bar(colons_before > 0, both || lines == 2 || thick_before || thick_after, both || colons_after > 0);
  if (cursor.digit()) read_ending();
}

/// `1`, `2`, `1,3` or `1-3`, after a bar line or `[`.
inline void Reader::read_ending() {
  unsigned passes = 0;
  int first = 0;
  do {
    const int pass = cursor.number_or(0);
    if (pass < 1 || pass > 8) cursor.fail("the ending's number, 1 to 8", "another");
    for (int p = first > 0 ? first : pass; p <= pass; ++p) passes |= 1U << p;
    first = cursor.peek() == '-' ? pass : 0;
  } while (cursor.take(',') || cursor.take('-'));
  if (bar.ending != 0) cursor.fail("music in an ending", "another ending");
  bar.ending = passes;
}

inline void Reader::read_bracket() {
  if (cursor.peek(1) == '|') return read_bar_line();
  if (cursor.peek(2) == ':') return read_inline_field();
  ++cursor.at;
  if (!cursor.digit()) return read_chord();
  if (bar.length > 0) end_bar(false, false, false);
  read_ending();
}

inline void Reader::read_inline_field() {
  const std::string_view line = cursor.rest_of_line();
  const auto close = line.find(']');
  if (close == line.npos) cursor.fail("the end of the field, ']'", "the end of the line");
  read_field(line[1], trimmed(line.substr(3, close - 3)));
  cursor.at += close + 1;
}

/// `!trill!`, or the line break of older ABC: a ! that ends a line.
inline void Reader::read_exclamation_mark() {
  const std::string_view line = cursor.rest_of_line();
  if (trimmed(line) == "!") {
    ++cursor.at;
    return;
  }
  const auto close = line.find_first_of("! |", 1);
  if (close == line.npos || line[close] != '!') cursor.fail("a decoration such as !trill!", "'!' alone");
  cursor.at += close + 1;
}

inline void Reader::read_chord_name() {
  const std::string_view line = cursor.rest_of_line();
  const auto close = line.find('"', 1);
  if (close == line.npos) cursor.fail("a closing '\"'", "the end of the line");
  score.has_chord_names = true;
  cursor.at += close + 1;
}

/// Grace notes take no time of their own; a player may leave them out, and so does the Tune.
inline void Reader::read_grace_notes() {
  ++cursor.at;
  cursor.take('/');
  while (!cursor.take('}')) {
    read_spelling();
    cursor.length();
    cursor.count(' ');
  }
}

/// A tuplet `(3`, `(3:2`, `(3:2:4`, or a slur, which changes nothing.
inline void Reader::read_parenthesis() {
  if (cursor.take(')')) {
    if (--slurs < 0) cursor.fail("the start of a slur before its end", "')'");
    return;
  }
  cursor.take('(');
  if (!cursor.digit()) {
    ++slurs;
    return;
  }
  if (tuplet_events > 0) cursor.fail("the rest of a tuplet", "another tuplet");
  const int notes = cursor.number_or(0);
  if (notes < 2 || notes > 9) cursor.fail("a tuplet of 2 to 9 notes", std::to_string(notes));
  const bool compound = meter->unit == 8 && meter->beats % 3 == 0;
  const int n = compound ? 3 : 2;
  const int in_the_time_of[] = {3, 2, 3, n, 2, n, 3, n};
  tuplet = {in_the_time_of[notes - 2], notes};
  tuplet_events = notes;
  if (cursor.take(':')) tuplet.over = cursor.number_or(tuplet.over);
  if (cursor.take(':')) tuplet_events = cursor.number_or(notes);
}

/// a>b: the first half as long again, the second half as long; >> and >>> go further.
inline void Reader::read_broken_rhythm() {
  const char sign = cursor.peek();
  const int count = cursor.count(sign);
  if (event_length == 0 || broken != 0) cursor.fail("a note before '>' or '<'", "none");
  if (count > 3) cursor.fail("at most three '>' or '<'", std::to_string(count));
  broken = sign == '>' ? count : -count;
  unbroken_length = event_length;
  const int halves = 1 << count;
  event_length = scaled(event_length, {broken > 0 ? 2 * halves - 1 : 1, halves});
  bar.length += event_length - unbroken_length;
  for (auto note = event; note < bar.notes.size(); ++note) bar.notes[note].duration = event_length;
}

inline void Reader::read_tie() {
  if (event_length == 0 || event == bar.notes.size()) cursor.fail("a note before a tie");
  ++cursor.at;
  for (auto note = event; note < bar.notes.size(); ++note) bar.notes[note].tied = true;
  tied.assign(bar.notes.begin() + static_cast<std::ptrdiff_t>(event), bar.notes.end());
}

inline void Reader::read_note() {
  const WrittenNote note = pitched(read_spelling());
  add_event(cursor.length(), {note});
}

/// `[CEG]2`: as long as its first note, times what follows the bracket.
inline void Reader::read_chord() {
  std::vector<WrittenNote> notes;
  Ratio inner;
  while (!cursor.take(']')) {
    notes.push_back(pitched(read_spelling()));
    const Ratio length = cursor.length();
    if (notes.size() == 1) inner = length;
    notes.back().tied = cursor.take('-');
  }
  if (notes.empty() || notes.size() > 8) cursor.fail("a chord of 1 to 8 notes", std::to_string(notes.size()));
  const Ratio outer = cursor.length();
  add_event({inner.over * outer.over, inner.under * outer.under}, std::move(notes));
}

inline void Reader::read_rest() {
  ++cursor.at;
  add_event(cursor.length(), {});
}

inline void Reader::read_bars_of_rest() {
  if (bar.length > 0) cursor.fail("a bar line before bars of rest");
  ++cursor.at;
  for (int bars = cursor.number_or(1); bars > 0; --bars) {
    bar.length = bar.full = meter->bar();
    if (bars > 1) end_bar(false, false, false);
  }
}

}  // namespace detail

/// Reads the notation without judging it: bars need not add up, repeats need not match.
/// Throws abc_error if it is not ABC, or goes beyond a single unaccompanied voice.
inline Score read_score(std::string_view abc) {
  detail::Reader reader;
  reader.cursor.text = abc.substr(0, abc.find_last_not_of(" \t\r\n") + 1);
  if (reader.cursor.text.size() > detail::max_tune_characters)
    reader.cursor.fail("a tune", "more than 20,000 characters");
  reader.read_header();
  reader.read_body();
  return std::move(reader.score);
}

}  // namespace compose
