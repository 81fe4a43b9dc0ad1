#pragma once
// From a file of sentence pairs to a model that is kept, and what is said on the way.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iomanip>
#include <iostream>
#include <new>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "corpus.hpp"
#include "network.hpp"
#include "printing.hpp"
#include "settings.hpp"
#include "subwords.hpp"
#include "subwords_learn.hpp"
#include "tokens.hpp"
#include "trainer.hpp"

namespace translate {

using printing::fixed, printing::minutes_and_seconds, printing::seconds_since;

struct Corpus {
  std::vector<Pieces> training, held_out;
  std::vector<HeldOut> sentences;  // what is held out, as text
};

/// What the pieces of each side are, which the translator learns, and the corpus in them.
inline Corpus read_corpus(const Settings& settings, Translator& translator) {
  const auto split = hold_out(read_pairs(settings.corpus.string()), settings.hold_out, settings.seed);
  WordCounts source_words, target_words;
  for (const auto& pair : split.training) {
    count_words(source_words, tokenise(pair.source));
    count_words(target_words, tokenise(pair.target));
  }
  const auto learn = [&](const WordCounts& words) {
    return settings.words ? Subwords::whole_words(words, 2) : Subwords::learn(words, settings.merges);
  };
  translator.source = learn(source_words);
  translator.target = learn(target_words);
  const auto pieces = [&](const std::string& source, const std::string& target) {
    return Pieces{translator.source.encode(tokenise(source)), translator.target.encode(tokenise(target))};
  };
  Corpus corpus;
  for (const auto& pair : split.training) {
    corpus.training.push_back(pieces(pair.source, pair.target));
    translator.longest = std::max(translator.longest, corpus.training.back().source.size());
  }
  for (const auto& one : split.held_out) corpus.held_out.push_back(pieces(one.source, one.references.front()));
  corpus.sentences = split.held_out;
  std::cout << corpus.training.size() << " pairs to learn from, " << corpus.sentences.size() << " sentences held out; "
            << translator.source.size() << " and " << translator.target.size()
            << (settings.words ? " words" : " pieces of words") << "\n";
  return corpus;
}

/// Until the time is over or `stopped` says so; the model is then in its file. Throws std::runtime_error if nothing was
/// learnt, and rp::non_finite_error if the loss is no number: what was learnt before is in the file, if it was anything.
inline void train(const Settings& settings, const Corpus& corpus, Translator& translator,
                  const std::function<bool()>& stopped) try {
  rp::Rng rng(settings.seed);
  auto initial = rng.fork(1);
  translator.network = new_network(translator.source, translator.target, settings.hidden, settings.dropout, initial);
  Trainer trainer(translator.network, settings.learning_rate, settings.smoothing, settings.batch, rng.fork(2));
  std::cout << rp::count_parameters(translator.network) << " parameters, " << threads() << " threads\n"
            << "epoch   training loss   held-out perplexity   pieces/s   time left\n";
  const auto start = std::chrono::steady_clock::now();
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  double shown = 0, train_loss = 0, held_out_perplexity = 0;
  int epoch = 0;
  const auto progress = [&] { return std::min(1.0, seconds_since(start) / (60 * settings.minutes)); };
  const auto show = [&](char end) {
    const double elapsed = seconds_since(start);
    const auto known = [&](double value) { return epoch == 0 ? "-" : fixed(value, 2); };
    std::cout << (terminal ? "\r" : "") << std::setw(5) << epoch << std::setw(16) << known(train_loss) << std::setw(22)
              << known(held_out_perplexity) << std::setw(11) << fixed(trainer.seen() / elapsed, 0) << std::setw(12)
              << minutes_and_seconds(60 * settings.minutes - elapsed) << end << std::flush;
    shown = elapsed;
  };
  const auto set_learning_rate = [&] {  // up over the first fiftieth of the time, then down along a cosine
    const double done = progress(), warm = std::min(1.0, 50 * done + 0.02);
    trainer.set_learning_rate(settings.learning_rate * warm * (0.505 + 0.495 * std::cos(std::numbers::pi * done)));
  };
  const auto over = [&] { return stopped() || progress() >= 1; };
  const auto keep = [&] {
    translator.network = Network(trainer.average());
    save(settings.model, translator);
  };
  try {
    set_learning_rate();
    while (!over()) {
      train_loss = trainer.epoch(corpus.training, [&] {
        set_learning_rate();
        if (terminal && seconds_since(start) - shown > 1) show(' ');
        return over();
      });
      held_out_perplexity = trainer.perplexity(corpus.held_out);
      ++epoch;
      show('\n');
    }
  } catch (const rp::non_finite_error& error) {
    if (trainer.seen() == 0) throw;
    rp::require_finite(trainer.average(), std::string(error.what()) + ", and of what was learnt before ");
    keep();
    throw rp::non_finite_error(std::string(error.what()) + "; what was learnt before is kept in " +
                               settings.model.string());
  }
  if (trainer.seen() == 0) throw std::runtime_error("stopped before anything was learnt");
  keep();
  std::cout << (stopped() ? "stopped" : "trained") << " in " << minutes_and_seconds(seconds_since(start))
            << "; the model is " << settings.model.string() << "\n";
} catch (const std::bad_alloc&) {
  throw std::runtime_error("--hidden " + std::to_string(settings.hidden) + " and --batch " +
                           std::to_string(settings.batch) + ": too large for the memory there is");
}

}  // namespace translate
