#pragma once

// The header of a tune, and the fields within it: ABC standard 2.1, section 3.

#include <cstddef>
#include <string>
#include <string_view>

#include "key.hpp"
#include "reader.hpp"
#include "score.hpp"
#include "tune.hpp"

namespace compose::detail {

inline void Reader::read_header() {
  if (cursor.peek() != 'X') cursor.fail("the tune's number, X:");
  while (!in_body) {
    if (cursor.done()) cursor.fail("the key, K:");
    read_field_line();
  }
}

inline void Reader::read_field_line() {
  const std::string_view line = cursor.rest_of_line();
  if (!line.starts_with('%')) {
    if (line.size() < 2 || line[1] != ':') cursor.fail("a field such as T: or K:");
    read_field(line[0], trimmed(line.substr(2, line.find('%') - 2)));
  }
  cursor.at += line.size();
  cursor.take('\n');
}

inline void Reader::read_field(char letter, std::string_view value) {
  switch (letter) {
    case 'X':
      score.number = whole_number(value).value_or(0);
      if (score.number < 1) cursor.fail("a number after X:", std::string{value});
      break;
    case 'T':
      if (score.title.empty()) score.title = value;
      break;
    case 'R':
      score.rhythm = value;
      break;
    case 'Q':
      score.quarters_per_minute = read_tempo(value);
      break;
    case 'M':
      read_meter_field(value);
      break;
    case 'L':
      read_unit_field(value);
      break;
    case 'K':
      read_key_field(value);
      break;
    case 'P':
      if (!in_body) cursor.fail("parts in the order they are played", "P:");
      bar.begins_part = true;
      break;
    case 'V':
      cursor.fail("a single voice", "V:");
    case 'm':
    case 'U':
      cursor.fail("a tune without macros", std::string{letter} + ":");
    default:
      break;  // words, notes, sources: nothing to hear
  }
}

inline void Reader::read_meter_field(std::string_view value) {
  if (bar.length > 0) cursor.fail("a bar line before a change of meter");
  meter = read_meter(value);
  if (!meter) cursor.fail("a meter such as 6/8 or C|", std::string{value});
}

inline void Reader::read_unit_field(std::string_view value) {
  const auto ratio = read_ratio(value);
  if (!ratio) cursor.fail("a unit length such as 1/8", std::string{value});
  unit = scaled(whole_note, *ratio);
}

inline void Reader::read_key_field(std::string_view value) {
  const auto key = read_key(value);
  if (!key) cursor.fail("a key such as K:D, K:Ador or K:E minor", std::string{value});
  sharps = key->sharps();
  if (in_body) {
    score.changes_key = true;
    return;
  }
  if (!meter) cursor.fail("a meter, M:, before the key", "none");
  if (!unit) unit = 4 * meter->beats < 3 * meter->unit ? whole_note / 16 : whole_note / 8;
  score.meter = *meter;
  score.key = *key;
  score.key_at = static_cast<std::size_t>(value.data() - cursor.text.data());
  in_body = true;
}

}  // namespace compose::detail
