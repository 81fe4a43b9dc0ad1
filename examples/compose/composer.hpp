#pragma once
// compose for one kind of cell: train or load, decode, write the files and the page.

#include <reprise/io/safetensors.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iomanip>
#include <iostream>

#include "decoder.hpp"
#include "midi.hpp"
#include "page.hpp"
#include "printing.hpp"
#include "settings.hpp"
#include "trainer.hpp"
#include "wav.hpp"

namespace compose {

inline std::atomic<bool> interrupted = false;

using printing::fixed, printing::minutes_and_seconds, printing::seconds_since;

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
    std::filesystem::create_directories(settings_.out);  // now, rather than after the training
    std::signal(SIGINT, [](int) { interrupted = true; });
    if (settings_.model_is_there)
      load();
    else
      train();
    interrupted = false;  // the first Ctrl-C ends the training, the next one the composing
    return write_tunes();
  }

 private:
  Model new_model(rp::Index vocabulary) {
    auto rng = rng_.fork(1);
    Model model{{.inputs = vocabulary, .hidden = settings_.hidden, .outputs = vocabulary}, rng};
    // Fewer features than units: there are some eighty characters, and the first layer's product shrinks with them.
    const rp::Index features = std::min(128, settings_.hidden);
    std::get<0>(model.layers) = rp::Embedding<float>({vocabulary, features}, rng);
    std::get<1>(model.layers) = rp::Recurrent<Cell>({features, settings_.hidden}, rng);
    std::apply([&](auto&... layer) { (set_rate(layer), ...); }, model.layers);
    return model;
  }
  void set_rate(auto& /*layer*/) {}
  void set_rate(rp::Dropout<float>& dropout) { dropout.rate = settings_.dropout; }

  void train() {
    model_ = new_model(corpus_.vocabulary.size());
    Trainer<Model> trainer(model_, settings_.learning_rate, settings_.batch, rng_.fork(2));
    std::cout << corpus_.training.size() << " tunes to learn from, " << corpus_.held_out.size() << " held out, "
              << corpus_.vocabulary.size() - 1 << " characters; " << rp::count_parameters(model_) << " parameters\n"
              << "epoch   bits per character: train   held out   characters/s   time left\n";
    const auto start = std::chrono::steady_clock::now();
    Model best = trainer.average();
    double best_bits = std::numeric_limits<double>::infinity(), shown = 0, characters = 0, per_epoch = 0;
    int epoch = 0;
    // How much of the training is behind us: of its time, or of its epochs.
    const auto progress = [&] {
      if (settings_.epochs == 0) return seconds_since(start) / (60 * settings_.minutes);
      return per_epoch == 0 ? 0.0 : characters / (per_epoch * settings_.epochs);
    };
    const auto show = [&](char end) {
      const double elapsed = seconds_since(start), done = progress();
      const auto bits = [&](double CurvePoint::*of) { return curve_.empty() ? "-" : fixed(curve_.back().*of, 3); };
      std::cout << (terminal_ ? "\r" : "") << std::setw(5) << epoch << std::setw(27) << bits(&CurvePoint::train_bits)
                << std::setw(11) << bits(&CurvePoint::held_out_bits) << std::setw(15) << fixed(characters / elapsed, 0)
                << std::setw(12) << (done == 0 ? "?" : minutes_and_seconds(elapsed * (1 - done) / done)) << end
                << std::flush;
      shown = elapsed;
    };
    const auto after_chunk = [&](double total) {
      characters = total;
      const double done = std::min(1.0, progress());
      // A cosine down to a hundredth, over whatever was asked for.
      trainer.set_learning_rate(settings_.learning_rate * (0.505 + 0.495 * std::cos(std::numbers::pi * done)));
      if (terminal_ && seconds_since(start) - shown > 1) show(' ');
      return interrupted || (settings_.epochs == 0 && done >= 1);
    };
    std::string ended = "trained";
    try {
      while (!interrupted && (settings_.epochs == 0 ? progress() < 1 : epoch < settings_.epochs)) {
        const double train_bits = trainer.epoch(corpus_.training, corpus_.vocabulary, after_chunk);
        ++epoch;
        if (per_epoch == 0) per_epoch = characters;
        const double held_out_bits = trainer.evaluate(corpus_.held_out, corpus_.vocabulary);
        curve_.push_back({static_cast<double>(epoch), seconds_since(start) / 60, train_bits, held_out_bits});
        if (held_out_bits < best_bits) {
          best_bits = held_out_bits;
          best = trainer.average();
        }
        show('\n');
      }
      if (interrupted) ended = "stopped";
    } catch (const rp::non_finite_error& error) {
      ended = std::string("stopped, for ") + error.what();
    }
    model_ = std::move(best);
    facts_ = {{"Network", std::to_string(Layers) + " x " + std::to_string(settings_.hidden) + " " + settings_.cell},
              {"Parameters", std::to_string(rp::count_parameters(model_))},
              {"Corpus", settings_.corpus.filename().string()},
              {"Tunes read", std::to_string(corpus_.training.size())},
              {"Held-out bits per character", fixed(best_bits, 3)},
              {"Training time", minutes_and_seconds(seconds_since(start))}};
    save();
    std::cout << ended << "; best held-out " << fixed(best_bits, 3) << " bits per character after "
              << minutes_and_seconds(seconds_since(start)) << "; kept in " << settings_.model.string() << "\n";
  }

  // The model's file says all that the page shows, so that composing again needs no training to tell of it.
  void save() const {
    rp::Metadata said{{"vocabulary", corpus_.vocabulary.numbers()},
                      {"cell", settings_.cell},
                      {"layers", std::to_string(Layers)},
                      {"hidden", std::to_string(settings_.hidden)}};
    std::ostringstream curve, facts;
    for (const CurvePoint& p : curve_)
      curve << p.epoch << ' ' << p.minutes << ' ' << p.train_bits << ' ' << p.held_out_bits << '\n';
    for (const auto& [name, value] : facts_) facts << name << '\t' << value << '\n';
    said["curve"] = curve.str();
    said["facts"] = facts.str();
    if (settings_.model.has_parent_path()) std::filesystem::create_directories(settings_.model.parent_path());
    rp::save(settings_.model, model_, said);
  }

  void load() {
    auto said = rp::load_metadata(settings_.model);
    corpus_.vocabulary = Vocabulary::from_numbers(said["vocabulary"]);
    std::istringstream curve(said["curve"]), facts(said["facts"]);
    for (CurvePoint p; curve >> p.epoch >> p.minutes >> p.train_bits >> p.held_out_bits;) curve_.push_back(p);
    for (std::string name, value; std::getline(facts, name, '\t') && std::getline(facts, value);)
      facts_.emplace_back(name, value);
    model_ = new_model(corpus_.vocabulary.size());
    rp::load(settings_.model, model_);
    std::cout << "read " << settings_.model.string() << ", " << rp::count_parameters(model_) << " parameters\n";
  }

  int write_tunes() {
    auto rng = rng_.fork(3);
    auto known = corpus_.training;
    known.insert(known.end(), corpus_.held_out.begin(), corpus_.held_out.end());
    const auto decoded = decode(model_, corpus_.vocabulary, known, settings_.count, 200 * settings_.count,
                                settings_.temperature, rng, [] { return interrupted.load(); });
    Page page;
    page.title = "Tunes by a recurrent network";
    page.introduction = "Composed character by character, at a temperature of " + fixed(settings_.temperature, 2) +
                        ". Of " + std::to_string(decoded.attempts) + " texts written " +
                        std::to_string(decoded.kept.size()) + " are tunes whose bars add up, and new ones.";
    page.facts = facts_;
    page.curve = curve_;
    remove_old_tunes();
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
    std::cout << "\nkept " << decoded.kept.size() << " of " << decoded.attempts << " tunes written; rejected "
              << decoded.attempts - static_cast<int>(decoded.kept.size()) << ", most often:\n";
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

  // Of an earlier run into the same directory, which may have written more.
  void remove_old_tunes() const {
    for (int i = 1; std::filesystem::exists(settings_.out / ("tune-" + std::to_string(i) + ".abc")); ++i)
      for (const char* ending : {".abc", ".mid", ".wav"})
        std::filesystem::remove(settings_.out / ("tune-" + std::to_string(i) + ending));
  }

  void write_file(const std::string& name, const std::string& bytes) const {
    std::ofstream file(settings_.out / name, std::ios::binary);
    if (!(file << bytes)) throw std::runtime_error("cannot write " + (settings_.out / name).string());
  }

  const bool terminal_ = isatty(STDOUT_FILENO) == 1;  // a log gets a line an epoch and no line twice
  Settings settings_;
  rp::Rng rng_;
  Corpus corpus_;
  Model model_;
  std::vector<CurvePoint> curve_;
  std::vector<std::pair<std::string, std::string>> facts_;
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
