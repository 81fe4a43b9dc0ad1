#pragma once
// compose for one kind of cell: train or load, decode, write files and the page.

#include <reprise/io/safetensors.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iomanip>
#include <iostream>

#include "decoder.hpp"
#include "midi.hpp"
#include "page.hpp"
#include "settings.hpp"
#include "trainer.hpp"
#include "wav.hpp"

namespace compose {

inline std::atomic<bool> interrupted = false;

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline std::string fixed(double value, int digits) {
  return (std::ostringstream() << std::fixed << std::setprecision(digits) << value).str();
}

inline std::string minutes_and_seconds(double seconds) {
  const int whole = std::max(0, static_cast<int>(seconds + 0.5));
  return std::to_string(whole / 60) + ":" + (whole % 60 < 10 ? "0" : "") + std::to_string(whole % 60);
}

// Embedding -> n cells, dropout after each -> softmax.
template <class Cell, int Layers>
struct Body;
template <class Cell>
struct Body<Cell, 1> {
  using type = rp::Stack<rp::Embedding<float>, Cell, rp::Dropout<float>>;
};
template <class Cell>
struct Body<Cell, 2> {
  using type = rp::Stack<rp::Embedding<float>, Cell, rp::Dropout<float>, Cell, rp::Dropout<float>>;
};
template <class Cell>
struct Body<Cell, 3> {
  using type =
      rp::Stack<rp::Embedding<float>, Cell, rp::Dropout<float>, Cell, rp::Dropout<float>, Cell, rp::Dropout<float>>;
};

template <class Cell, int Layers>
class Composer {
  using Model = rp::SequenceModel<typename Body<Cell, Layers>::type>;

 public:
  explicit Composer(const Settings& settings)
      : settings_(settings), rng_(settings.seed), corpus_(read_corpus(settings.corpus)) {}

  int run() {
    std::signal(SIGINT, [](int) { interrupted = true; });
    if (std::filesystem::exists(settings_.model))
      load();
    else
      train();
    interrupted = false;  // Ctrl-C ended the training; once more ends the composing
    return write_tunes();
  }

 private:
  Model new_model(rp::Index vocabulary, rp::Index hidden) {
    auto rng = rng_.fork(1);
    Model model{{.inputs = vocabulary, .hidden = hidden, .outputs = vocabulary}, rng};
    std::apply([&](auto&... layer) { (set_rate(layer), ...); }, model.layers);
    return model;
  }
  void set_rate(auto& /*layer*/) {}
  void set_rate(rp::Dropout<float>& dropout) { dropout.rate = settings_.dropout; }

  void train() {
    model_ = new_model(corpus_.vocabulary.size(), settings_.hidden);
    Trainer<Model> trainer(model_, settings_.learning_rate, settings_.batch, rng_.fork(2));
    std::cout << corpus_.training.size() << " tunes to learn from, " << corpus_.held_out.size() << " held out, "
              << corpus_.vocabulary.size() - 1 << " characters; " << rp::count_parameters(model_) << " parameters\n"
              << "epoch   bits per character: train   held out   characters/s   time left\n";
    const auto start = std::chrono::steady_clock::now();
    Model best = model_;
    double best_bits = std::numeric_limits<double>::infinity(), shown = 0, characters = 0;
    // How much of the training is behind us: of its time, or of its epochs.
    int epoch = 0;
    double per_epoch = 0;
    const auto progress = [&] {
      if (settings_.epochs == 0) return seconds_since(start) / (60 * settings_.minutes);
      return per_epoch == 0 ? 0.0 : characters / (per_epoch * settings_.epochs);
    };
    const auto show = [&](bool line_is_done) {
      const double elapsed = seconds_since(start), done = std::max(progress(), 1e-9);
      std::cout << "\r" << std::setw(5) << epoch << std::setw(27)
                << (curve_.empty() ? "-" : fixed(curve_.back().train_bits, 3)) << std::setw(11)
                << (curve_.empty() ? "-" : fixed(curve_.back().held_out_bits, 3)) << std::setw(15)
                << fixed(characters / elapsed, 0) << std::setw(12)
                << (settings_.epochs != 0 && per_epoch == 0 ? "?" : minutes_and_seconds(elapsed * (1 - done) / done))
                << (line_is_done ? "\n" : "  ") << std::flush;
      shown = elapsed;
    };
    const auto after_chunk = [&](double total) {
      characters = total;
      const double done = std::min(1.0, progress());
      // A cosine down to a hundredth, over whatever was asked for.
      trainer.set_learning_rate(settings_.learning_rate * (0.505 + 0.495 * std::cos(std::numbers::pi * done)));
      if (seconds_since(start) - shown > 1) show(false);
      return interrupted || (settings_.epochs == 0 && done >= 1);
    };
    while (!interrupted && (settings_.epochs == 0 ? progress() < 1 : epoch < settings_.epochs)) {
      const double train_bits = trainer.epoch(corpus_.training, corpus_.vocabulary, after_chunk);
      ++epoch;
      if (per_epoch == 0) per_epoch = characters;
      const double held_out_bits = trainer.evaluate(corpus_.held_out, corpus_.vocabulary);
      curve_.push_back({static_cast<double>(epoch), seconds_since(start) / 60, train_bits, held_out_bits});
      if (held_out_bits < best_bits) {
        best_bits = held_out_bits;
        best = model_;
      }
      show(true);
    }
    model_ = std::move(best);
    held_out_bits_ = best_bits;
    std::filesystem::create_directories(settings_.model.has_parent_path() ? settings_.model.parent_path() : ".");
    rp::save(settings_.model, model_, metadata());
    std::cout << (interrupted ? "\nstopped; " : "") << "best held-out " << fixed(best_bits, 3)
              << " bits per character after " << minutes_and_seconds(seconds_since(start)) << "; kept in "
              << settings_.model.string() << "\n";
  }

  rp::Metadata metadata() const {
    return {{"vocabulary", corpus_.vocabulary.characters()},
            {"cell", settings_.cell},
            {"layers", std::to_string(Layers)},
            {"hidden", std::to_string(settings_.hidden)},
            {"held_out_bits", fixed(held_out_bits_, 4)}};
  }

  void load() {
    const auto said = rp::load_metadata(settings_.model);
    const auto value = [&](const std::string& name) {
      const auto at = said.find(name);
      if (at == said.end())
        throw std::runtime_error(settings_.model.string() + " was not written by compose: no " + name);
      return at->second;
    };
    if (value("cell") != settings_.cell || value("layers") != std::to_string(Layers))
      throw std::runtime_error(settings_.model.string() + " holds " + value("layers") + " layers of " + value("cell") +
                               ": pass --layers and --cell to match, or another --model");
    corpus_.vocabulary = Vocabulary(value("vocabulary"));
    model_ = new_model(corpus_.vocabulary.size(), std::stoi(value("hidden")));
    rp::load(settings_.model, model_);
    held_out_bits_ = std::stod(value("held_out_bits"));
    std::cout << "read " << settings_.model.string() << ", " << rp::count_parameters(model_) << " parameters\n";
  }

  int write_tunes() {
    auto rng = rng_.fork(3);
    const auto decoded = decode(model_, corpus_.vocabulary, corpus_.training, settings_.count, 200 * settings_.count,
                                settings_.temperature, rng, [] { return interrupted.load(); });
    std::filesystem::create_directories(settings_.out);
    Page page;
    page.title = "Tunes by a recurrent network";
    page.introduction = "Composed character by character, at a temperature of " + fixed(settings_.temperature, 2) +
                        ", by a network that read " + std::to_string(corpus_.training.size()) + " tunes.";
    page.facts = {
        {"Network", std::to_string(Layers) + " x " + std::to_string(model_.body().outputs()) + " " + settings_.cell},
        {"Parameters", std::to_string(rp::count_parameters(model_))},
        {"Corpus", settings_.corpus.filename().string()},
        {"Held-out bits per character", fixed(held_out_bits_, 3)},
        {"Kept", std::to_string(decoded.kept.size()) + " of " + std::to_string(decoded.attempts)}};
    page.curve = curve_;
    for (std::size_t i = 0; i < decoded.kept.size(); ++i) {
      const std::string& abc = decoded.kept[i];
      const Tune tune = parse(abc);
      const std::string name = "tune-" + std::to_string(i + 1);
      page.tunes.push_back({abc, tune, wav_file(tune), name});
      write_file(name + ".abc", abc);
      write_file(name + ".mid", midi_file(tune));
      write_file(name + ".wav", page.tunes.back().wav);
      std::cout << "\n" << abc;
    }
    write_file("index.html", compose::page(page));
    std::cout << "\nkept " << decoded.kept.size() << " of " << decoded.attempts << " tunes written; rejected:\n";
    for (const auto& [reason, count] : most_frequent(decoded.rejected))
      std::cout << std::setw(6) << count << "  " << reason << "\n";
    std::cout << "look and listen: " << (settings_.out / "index.html").string() << "\n";
    return decoded.kept.empty() ? 1 : 0;
  }

  static std::vector<std::pair<std::string, int>> most_frequent(const std::map<std::string, int>& reasons) {
    std::vector<std::pair<std::string, int>> sorted(reasons.begin(), reasons.end());
    std::ranges::sort(sorted, std::greater{}, &std::pair<std::string, int>::second);
    if (sorted.size() > 5) sorted.resize(5);
    return sorted;
  }

  void write_file(const std::string& name, const std::string& bytes) const {
    std::ofstream file(settings_.out / name, std::ios::binary);
    if (!(file << bytes)) throw std::runtime_error("cannot write " + (settings_.out / name).string());
  }

  Settings settings_;
  rp::Rng rng_;
  Corpus corpus_;
  Model model_;
  std::vector<CurvePoint> curve_;
  double held_out_bits_ = 0;
};

template <class Cell>
int run(const Settings& settings) {
  switch (settings.layers) {
    case 1:
      return Composer<Cell, 1>(settings).run();
    case 2:
      return Composer<Cell, 2>(settings).run();
    case 3:
      return Composer<Cell, 3>(settings).run();
    default:
      throw std::invalid_argument("--layers takes 1, 2 or 3");
  }
}

}  // namespace compose
