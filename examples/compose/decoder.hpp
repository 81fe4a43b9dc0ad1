#pragma once
// From a trained network to tunes: characters are drawn one by one until the network ends the tune, and only what a player
// could play is kept: the text parses, its bars add up, and its music is no tune's of the corpus, in whatever key.

#include <reprise/reprise.hpp>

#include <map>
#include <set>

#include "corpus.hpp"

namespace compose {

namespace rp = reprise;

struct Decoded {
  std::vector<std::string> kept;
  std::map<std::string, int> rejected;  // reason -> how often
  int attempts = 0;
};

inline constexpr int longest_tune = 2000;  // characters

/// The music of a tune, without its header: what makes two tunes the same.
inline std::string music_of(const std::string& tune) {
  const auto key = tune.find("\nK:");
  return key == tune.npos ? tune : tune.substr(std::min(tune.size(), tune.find('\n', key + 1)));
}

/// `tune` with another number in its X: line.
inline std::string numbered(const std::string& tune, int number) {
  return "X:" + std::to_string(number) + tune.substr(std::min(tune.size(), tune.find('\n')));
}

template <class Model>
std::string write_tune(const Model& model, const Vocabulary& vocabulary, double temperature, rp::Rng& rng) {
  auto state = model.initial_state();
  std::string tune;
  int token = 0;
  do {
    token = rp::sample(model.step(token, state), {.temperature = temperature, .top_p = 0.98}, rng);
    if (token != 0) tune += vocabulary.character(token);
  } while (token != 0 && tune.size() < longest_tune);
  return tune;
}

/// Writes tunes until `count` are kept, or `attempts` were made. `stop` is asked before each.
template <class Model, class Stop>
Decoded decode(const Model& model, const Vocabulary& vocabulary, const std::vector<std::string>& known, int count,
               int attempts, double temperature, rp::Rng& rng, Stop&& stop) {
  Decoded result;
  std::set<std::string> heard;
  for (const auto& tune : known)
    for (const Interval interval : intervals) heard.insert(music_of(moved_by(tune, interval)));
  while (static_cast<int>(result.kept.size()) < count && result.attempts < attempts && !stop()) {
    ++result.attempts;
    std::string tune = write_tune(model, vocabulary, temperature, rng);
    try {
      if (tune.size() >= longest_tune) throw abc_error{"it has no end"};
      parse(tune);
      if (!heard.insert(music_of(tune)).second) throw abc_error{"it is known already"};
      result.kept.push_back(numbered(tune, static_cast<int>(result.kept.size()) + 1));
    } catch (const abc_error& error) {
      // Without the place, "line 4, column 7: expected ..." becomes a kind of mistake that can be counted.
      const std::string reason = error.what();
      const auto colon = reason.rfind("column ") == reason.npos ? reason.npos : reason.find(": ");
      ++result.rejected[colon == reason.npos ? reason : reason.substr(colon + 2)];
    }
  }
  return result;
}

}  // namespace compose
