#pragma once

// A tune as sound: plucked strings in a small room, as a WAV file (RIFF, 16-bit PCM, one channel).
//
// An ideal string plucked at a fraction p of its length sounds the partials k = 1, 2, ... with
//
//     a_k = sin(k pi p) / k^2        (Fletcher and Rossing, The Physics of Musical
//     Instruments, 2.7)
//
// each dying away the faster the higher it is. A decaying sine needs no call of sin: with
// r the decay and w the angle of one sample,  y_n = 2 r cos(w) y_{n-1} - r^2 y_{n-2}.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include "tune.hpp"

namespace compose {

inline constexpr int sample_rate = 22'050;

namespace detail {

using Samples = std::vector<float>;

inline constexpr double peak = 0.8;
inline constexpr double pluck_position = 0.19;
inline constexpr double ring_seconds = 0.16;  // what a string sounds on after its time
inline constexpr double attack_seconds = 0.004;
inline constexpr double tail_seconds = 0.9;  // for the room to fall silent

inline std::size_t samples_in(double time) { return static_cast<std::size_t>(time * sample_rate); }

/// Adds one partial of a string to `string`.
inline void add_partial(Samples& string, double frequency, double amplitude, double decay_seconds) {
  const double angle = 2 * std::numbers::pi * frequency / sample_rate;
  const double decay = std::exp(-1 / (decay_seconds * sample_rate));
  const double once = 2 * decay * std::cos(angle);
  const double twice = decay * decay;
  double before_last = -amplitude * std::sin(angle) / decay;
  double last = 0;
  for (float& sample : string) {
    sample += static_cast<float>(last);
    const double next = once * last - twice * before_last;
    before_last = last;
    last = next;
  }
}

/// A plucked string that is let go after so many seconds; it begins and ends in silence.
inline Samples plucked(int pitch, double duration) {
  const double fundamental = 440 * std::exp2((pitch - 69) / 12.0);
  Samples string(samples_in(duration + ring_seconds));
  for (int k = 1; k * fundamental < 0.45 * sample_rate && k <= 10; ++k) {
    const double amplitude = std::sin(k * std::numbers::pi * pluck_position) / (k * k);
    const double decay = 0.9 * std::sqrt(260 / fundamental) / (1 + 0.35 * (k - 1));
    add_partial(string, k * fundamental, amplitude, decay);
  }
  const std::size_t attack = std::min(samples_in(attack_seconds), string.size());
  for (std::size_t i = 0; i < attack; ++i) string[i] *= static_cast<float>(i) / static_cast<float>(attack);
  const std::size_t ring = std::min(samples_in(ring_seconds), string.size());
  for (std::size_t i = 0; i < ring; ++i) {
    const float left = static_cast<float>(i) / static_cast<float>(ring);
    string[string.size() - 1 - i] *= left * left;
  }
  return string;
}

/// The echo of four walls: each hears the sound late, and hears itself again (Schroeder, Natural
/// Sounding Artificial Reverberation, 1962).
inline void add_room(Samples& sound) {
  constexpr std::array delays{0.0297, 0.0371, 0.0411, 0.0437};
  constexpr float loudness = 0.06F;
  constexpr float reflected = 0.74F;
  const Samples dry = sound;
  for (const double delay : delays) {
    const std::size_t late = samples_in(delay);
    Samples wall(sound.size());
    for (std::size_t i = late; i < sound.size(); ++i) {
      wall[i] = dry[i - late] + reflected * wall[i - late];
      sound[i] += loudness * wall[i];
    }
  }
}

inline void normalise(Samples& sound) {
  float loudest = 0;
  for (const float sample : sound) loudest = std::max(loudest, std::abs(sample));
  if (loudest == 0) return;
  for (float& sample : sound) sample *= static_cast<float>(peak) / loudest;
}

inline Samples synthesised(const Tune& tune) {
  Samples sound(samples_in(seconds(tune, tune.duration) + tail_seconds));
  for (const Note& note : tune.notes) {
    const Samples string = plucked(note.pitch, seconds(tune, note.duration));
    const std::size_t start = samples_in(seconds(tune, note.onset));
    const float weight = is_downbeat(tune, note) ? 1.0F : 0.8F;
    for (std::size_t i = 0; i < string.size() && start + i < sound.size(); ++i) sound[start + i] += weight * string[i];
  }
  add_room(sound);
  normalise(sound);
  return sound;
}

inline std::string little_endian(std::uint32_t value, int bytes) {
  std::string result;
  for (int byte = 0; byte < bytes; ++byte) result += static_cast<char>(value >> (8 * byte) & 0xFF);
  return result;
}

}  // namespace detail

/// The file's bytes; the same for the same tune.
inline std::string wav_file(const Tune& tune) {
  using detail::little_endian;
  constexpr int channels = 1;
  constexpr int bytes_per_sample = 2;
  constexpr int pcm = 1;
  std::string data;
  for (const float sample : detail::synthesised(tune)) {
    const auto level = static_cast<std::int16_t>(std::lround(sample * 32767));
    data += little_endian(static_cast<std::uint16_t>(level), bytes_per_sample);
  }
  const std::string format = little_endian(pcm, 2) + little_endian(channels, 2) + little_endian(sample_rate, 4) +
                             little_endian(sample_rate * channels * bytes_per_sample, 4) +
                             little_endian(channels * bytes_per_sample, 2) + little_endian(8 * bytes_per_sample, 2);
  const auto chunk = [](std::string_view name, const std::string& content) {
    return std::string{name} + little_endian(static_cast<std::uint32_t>(content.size()), 4) + content;
  };
  return chunk("RIFF", "WAVE" + chunk("fmt ", format) + chunk("data", data));
}

}  // namespace compose
