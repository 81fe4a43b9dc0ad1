#pragma once

// A tune as a standard MIDI file of one track (format 0). The MIDI Association, Standard MIDI Files
// 1.0, RP-001: chunks, delta times and meta events; General MIDI for the instrument.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tune.hpp"

namespace compose {

inline constexpr int flute_program = 73;  // counted from 0

namespace detail {

inline std::string big_endian(std::uint32_t value, int bytes) {
  std::string result;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) result += static_cast<char>(value >> shift & 0xFF);
  return result;
}

/// Seven bits a byte, the high bit on all but the last.
inline std::string variable_length(std::uint32_t value) {
  std::string result{static_cast<char>(value & 0x7F)};
  while (value >>= 7) result.insert(0, 1, static_cast<char>((value & 0x7F) | 0x80));
  return result;
}

inline std::string midi_chunk(std::string_view name, std::string_view content) {
  return std::string{name} + big_endian(static_cast<std::uint32_t>(content.size()), 4) + std::string{content};
}

struct MidiEvent {
  Ticks time;
  std::string bytes;
};

inline MidiEvent meta_event(int type, std::string_view content) {
  const auto size = static_cast<std::uint32_t>(content.size());
  return {0, "\xFF" + std::string{static_cast<char>(type)} + variable_length(size) + std::string{content}};
}

inline MidiEvent channel_event(Ticks time, int status, int first, int second) {
  return {time, {static_cast<char>(status), static_cast<char>(first), static_cast<char>(second)}};
}

inline std::vector<MidiEvent> heading(const Tune& tune) {
  const auto microseconds = std::lround(60e6 / tune.quarters_per_minute);
  const auto log2_of_unit = std::countr_zero(static_cast<unsigned>(tune.meter.unit));
  constexpr char clocks_per_click = 24;
  constexpr char thirty_seconds_per_quarter = 8;
  return {
      meta_event(0x03, tune.title),
      meta_event(0x51, big_endian(static_cast<std::uint32_t>(microseconds), 3)),
      meta_event(0x58, std::string{static_cast<char>(tune.meter.beats), static_cast<char>(log2_of_unit),
                                   clocks_per_click, thirty_seconds_per_quarter}),
      meta_event(0x59, std::string{static_cast<char>(tune.sharps), '\0'}),
      {0, {static_cast<char>(0xC0), static_cast<char>(flute_program)}},
  };
}

/// A breath between notes, or two of the same pitch would sound as one.
inline Ticks sounding_duration(const Note& note) {
  return note.duration - std::min(note.duration / 8, quarter_note / 12);
}

}  // namespace detail

/// The file's bytes. One tick of the tune is one of the file.
inline std::string midi_file(const Tune& tune) {
  std::vector<detail::MidiEvent> events = detail::heading(tune);
  for (const Note& note : tune.notes) {
    const int velocity = is_downbeat(tune, note) ? 100 : 84;
    const Ticks end = note.onset + detail::sounding_duration(note);
    events.push_back(detail::channel_event(note.onset, 0x90, note.pitch, velocity));
    events.push_back(detail::channel_event(end, 0x80, note.pitch, 0));
  }
  std::ranges::stable_sort(events, {}, &detail::MidiEvent::time);
  detail::MidiEvent end_of_track = detail::meta_event(0x2F, "");
  end_of_track.time = tune.duration;
  events.push_back(end_of_track);

  std::string track;
  Ticks now = 0;
  for (const detail::MidiEvent& event : events) {
    track += detail::variable_length(static_cast<std::uint32_t>(event.time - now)) + event.bytes;
    now = event.time;
  }
  const std::string header = detail::big_endian(0, 2) + detail::big_endian(1, 2) + detail::big_endian(quarter_note, 2);
  return detail::midi_chunk("MThd", header) + detail::midi_chunk("MTrk", track);
}

}  // namespace compose
