#pragma once
// Tunes as sequences of characters. Token 0 begins and ends a tune; the other tokens are the
// corpus's characters, in order. The network reads 0 c_1 .. c_n and is to say c_1 .. c_n 0.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "abc.hpp"
#include "transpose.hpp"

namespace compose {

using Tokens = std::vector<int>;

class Vocabulary {
 public:
  explicit Vocabulary(std::string characters) : characters_(std::move(characters)) {
    std::ranges::sort(characters_);
    characters_.erase(std::unique(characters_.begin(), characters_.end()), characters_.end());
  }

  /// As text that any file can hold, whatever the bytes of the corpus: their numbers, "10 33 35".
  std::string numbers() const {
    std::ostringstream text;
    for (const char c : characters_) text << int{static_cast<unsigned char>(c)} << ' ';
    return text.str();
  }
  static Vocabulary from_numbers(const std::string& text) {
    std::istringstream in(text);
    std::string characters;
    for (int number = 0; in >> number;) characters += static_cast<char>(number);
    return Vocabulary(characters);
  }

  int size() const { return static_cast<int>(characters_.size()) + 1; }
  char character(int token) const { return characters_[static_cast<std::size_t>(token - 1)]; }

  /// The tune between two zeros; characters that the vocabulary does not have are left out.
  Tokens tokens(const std::string& tune) const {
    Tokens result{0};
    for (const char c : tune)
      if (const auto at = characters_.find(c); at != characters_.npos) result.push_back(static_cast<int>(at) + 1);
    result.push_back(0);
    return result;
  }

 private:
  std::string characters_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return (std::ostringstream() << file.rdbuf()).str();
}

struct Corpus {
  std::vector<std::string> training, held_out;
  Vocabulary vocabulary;
};

/// The last tenth of the tunes is held out: never trained on, never transposed.
inline Corpus read_corpus(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  auto tunes = split_tunes(text);
  if (tunes.size() < 20)
    throw std::runtime_error(path.string() + ": found " + std::to_string(tunes.size()) +
                             " tunes, 20 are needed to learn from");
  const auto first_held_out = tunes.end() - static_cast<std::ptrdiff_t>(tunes.size() / 10);
  std::string characters;
  for (const auto& tune : tunes) characters += tune;
  return {{tunes.begin(), first_held_out}, {first_held_out, tunes.end()}, Vocabulary(characters + "^=_,'#b")};
}

inline constexpr Interval intervals[] = {{0, 0},      whole_tone_up, whole_tone_down, fourth_up,
                                         fourth_down, fifth_up,      fifth_down};

/// The tune moved by an interval; as it is where it cannot be.
inline std::string moved_by(const std::string& tune, Interval interval) {
  return interval.steps == 0 ? tune : transposed(tune, interval).value_or(tune);
}

/// The tune in one of the keys that it can be played in.
inline std::string in_some_key(const std::string& tune, auto& rng) {
  return moved_by(tune, intervals[rng.below(std::size(intervals))]);
}

}  // namespace compose
