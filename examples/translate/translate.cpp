// Learns to translate from sentence pairs, one a line with a tab between, and then translates what is typed or piped in.
//
//   translate                                    the bundled English-Portuguese pairs, a few minutes of training
//   translate --corpus FILE --minutes 25         any others
//   translate --model FILE < sentences           trained once (if FILE is not there yet), translated with again

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <numbers>

#include "corpus.hpp"
#include "scores.hpp"
#include "trainer.hpp"
#include "translation.hpp"

namespace {

using namespace translate;

std::atomic<bool> interrupted = false;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string fixed(double value, int digits) {
  return (std::ostringstream() << std::fixed << std::setprecision(digits) << value).str();
}

std::string minutes_and_seconds(double seconds) {
  const int whole = std::max(0, static_cast<int>(seconds + 0.5));
  return std::to_string(whole / 60) + ":" + (whole % 60 < 10 ? "0" : "") + std::to_string(whole % 60);
}

struct Settings {
  std::filesystem::path corpus, model, page;
  std::size_t hold_out, merges, batch;
  bool words;
  int hidden;
  double minutes, dropout, smoothing, learning_rate;
  std::uint64_t seed;
  SearchSettings search;
};

struct Corpus {
  std::vector<Pieces> training, held_out;
  std::vector<HeldOut> sentences;  // what is held out, as text
};

// What the pieces of each side are, and the corpus in them.
Corpus read_corpus(const Settings& settings, Translator& translator) {
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

// Throws unless `file` can be written, now rather than after the training; what is in it stays.
void require_writable(const std::filesystem::path& file) {
  const bool there = std::filesystem::exists(file);
  if (!std::ofstream(file, std::ios::app)) throw std::runtime_error(file.string() + ": cannot be written");
  if (!there) std::filesystem::remove(file);
}

void train(const Settings& settings, const Corpus& corpus, Translator& translator) {
  rp::Rng rng(settings.seed);
  auto initial = rng.fork(1);
  translator.network = new_network(translator.source, translator.target, settings.hidden, settings.dropout, initial);
  Trainer trainer(translator.network, settings.learning_rate, settings.smoothing, settings.batch, rng.fork(2));
  std::cout << rp::count_parameters(translator.network) << " parameters, " << threads() << " threads\n"
            << "epoch   training loss   held-out perplexity   pieces/s   time left\n";
  const auto start = std::chrono::steady_clock::now();
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  double shown = 0, pieces = 0, train_loss = 0, held_out_perplexity = 0;
  int epoch = 0;
  const auto progress = [&] { return std::min(1.0, seconds_since(start) / (60 * settings.minutes)); };
  const auto show = [&](char end) {
    const double elapsed = seconds_since(start);
    const auto known = [&](double value) { return epoch == 0 ? "-" : fixed(value, 2); };
    std::cout << (terminal ? "\r" : "") << std::setw(5) << epoch << std::setw(16) << known(train_loss) << std::setw(22)
              << known(held_out_perplexity) << std::setw(11) << fixed(pieces / elapsed, 0) << std::setw(12)
              << minutes_and_seconds(60 * settings.minutes - elapsed) << end << std::flush;
    shown = elapsed;
  };
  const auto after_batch = [&](double total) {
    pieces = total;
    // Up over the first fiftieth of the time, then down along a cosine.
    const double done = progress(), warm = std::min(1.0, 50 * done + 0.02);
    trainer.set_learning_rate(settings.learning_rate * warm * (0.505 + 0.495 * std::cos(std::numbers::pi * done)));
    if (terminal && seconds_since(start) - shown > 1) show(' ');
    return interrupted || done >= 1;
  };
  after_batch(0);
  while (!interrupted && progress() < 1) {
    train_loss = trainer.epoch(corpus.training, after_batch);
    held_out_perplexity = trainer.perplexity(corpus.held_out);
    ++epoch;
    show('\n');
  }
  translator.network = Network(trainer.average());
  save(settings.model, translator);
  std::cout << (interrupted ? "stopped" : "trained") << " in " << minutes_and_seconds(seconds_since(start))
            << "; the model is " << settings.model.string() << "\n";
  interrupted = false;
}

void report(const Settings& settings, const Corpus& corpus, const Translator& translator) {
  std::vector<std::string> sources, outputs;
  std::vector<std::vector<std::string>> references, one_reference;
  for (const auto& sentence : corpus.sentences) {
    sources.push_back(sentence.source);
    references.push_back(sentence.references);
    one_reference.push_back({sentence.references.front()});
  }
  const auto start = std::chrono::steady_clock::now();
  const auto translations = translate::translate(translator, sources, settings.search, threads());
  const double seconds = seconds_since(start);
  for (const auto& translation : translations) outputs.push_back(translation.text);
  const auto print = [&](const char* what, const auto& texts, const auto& all, const auto& one) {
    const auto several = corpus_bleu(texts, all), single = corpus_bleu(texts, one);
    std::cout << what << "BLEU " << fixed(several.score, 1) << " with all references, " << fixed(single.score, 1)
              << " with one (brevity penalty " << fixed(several.brevity_penalty, 3) << "); chrF "
              << fixed(corpus_chrf(texts, all), 1) << " and " << fixed(corpus_chrf(texts, one), 1) << "\n";
  };
  std::cout << "\n" << outputs.size() << " sentences it has not seen, translated in " << fixed(seconds, 1) << " s:\n";
  print("", outputs, references, one_reference);
  const auto lower = [](auto texts) {
    for (auto& text : texts) text = lower_case(text);
    return texts;
  };
  const auto lower_all = [&](auto lists) {
    for (auto& list : lists) list = lower(list);
    return lists;
  };
  print("lower-cased: ", lower(outputs), lower_all(references), lower_all(one_reference));

  std::vector<Attention> shown;
  std::cout << "\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(10, sources.size()); ++i) {
    std::cout << "  " << sources[i] << "\n    reference  " << references[i].front() << "\n    output     " << outputs[i]
              << "\n";
    if (!sources[i].empty())
      shown.push_back(attention_of(translator, sources[i], translations[i], references[i].front()));
  }
  std::ofstream page(settings.page);
  page << attention_page("What the network looks at",
                         "Each row is a piece of the translation, each column one of the "
                         "sentence; the darker a cell, the more the network looked there when it chose that piece.",
                         shown);
  if (!page.flush()) throw std::runtime_error("cannot write " + settings.page.string());
  std::cout << "\nWhere it looked in these sentences: " << settings.page.string() << "\n";
}

// Standard input, line by line, so that what is typed is answered.
void translate_input(const Settings& settings, const Translator& translator) {
  const bool asked = isatty(STDIN_FILENO) != 0;
  if (asked) std::cout << "\nA sentence to translate, or Ctrl-D:\n";
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) try {
      const std::string where = "line " + std::to_string(number);
      require_utf8(line, where);
      const std::string sentence = clean_spaces(line);
      const auto pieces = translator.source.encode(tokenise(sentence));
      if (pieces.size() > 4 * translator.longest)
        throw std::runtime_error(where + ": a sentence of " + std::to_string(pieces.size()) +
                                 " pieces; the longest it has learnt from has " + std::to_string(translator.longest));
      if (std::ranges::find(pieces, Subwords::unk) != pieces.end())
        std::cerr << where << ": there is something in it that was not in the corpus; it is read as unknown\n";
      std::cout << (pieces.empty() ? "" : translate::translate(translator, {sentence}, settings.search, 1)[0].text)
                << std::endl;
    } catch (const std::runtime_error& error) {  // the other lines can be translated
      std::cerr << error.what() << "\n";
      std::cout << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options(
      argc, argv,
      {{"--corpus", REPRISE_EXAMPLES_DIR "/data/eng-por.tsv", "sentence pairs, a tab between"},
       {"--model", "",
        "a model to read, or to write if it is not there; empty: train anew, into translate.safetensors"},
       {"--page", "attention.html", "where to draw what the network looks at"},
       {"--minutes", "3", "how long to train"},
       {"--hold-out", "150", "source sentences not to learn from, but to be scored on"},
       {"--merges", "1500", "pieces of words to make out of letters (byte-pair encoding)"},
       {"--words", "no", "yes: whole words, instead"},
       {"--hidden", "192", "units in a layer"},
       {"--batch", "64", "pairs read side by side"},
       {"--dropout", "0.4", "share of activations dropped between layers while training"},
       {"--smoothing", "0.1", "of the targets, while training"},
       {"--learning-rate", "0.002", "of Adam, at its highest"},
       {"--beam", "6", "hypotheses of a sentence side by side"},
       {"--length-penalty", "1", "0 favours short translations"},
       {"--seed", "1", "the same seed, the same split and the same beginning"}});
  Settings settings{options.text("--corpus"),
                    options.text("--model"),
                    options.text("--page"),
                    static_cast<std::size_t>(options.integer("--hold-out", 1)),
                    static_cast<std::size_t>(options.integer("--merges")),
                    static_cast<std::size_t>(options.integer("--batch", 1)),
                    options.text("--words") == "yes",
                    options.integer("--hidden", 2),
                    options.number("--minutes", 0.01),
                    options.number("--dropout"),
                    options.number("--smoothing"),
                    options.number("--learning-rate"),
                    static_cast<std::uint64_t>(options.integer("--seed")),
                    {options.integer("--beam", 1), options.number("--length-penalty")}};
  if (settings.dropout >= 1) throw std::invalid_argument("--dropout " + options.text("--dropout") + ": less than 1");
  if (settings.smoothing >= 1)
    throw std::invalid_argument("--smoothing " + options.text("--smoothing") + ": less than 1");
  if (!settings.words && options.text("--words") != "no")
    throw std::invalid_argument("--words " + options.text("--words") + ": yes or no");
  std::signal(SIGINT, [](int) { interrupted = true; });
  Translator translator;
  if (!settings.model.empty() && std::filesystem::exists(settings.model)) {
    translator = load(settings.model);
  } else {
    if (settings.model.empty()) settings.model = "translate.safetensors";
    require_writable(settings.model);
    require_writable(settings.page);
    const Corpus corpus = read_corpus(settings, translator);
    train(settings, corpus, translator);
    report(settings, corpus, translator);
  }
  std::signal(SIGINT, SIG_DFL);
  translate_input(settings, translator);
} catch (const std::exception& error) {
  std::cerr << "translate: " << error.what() << "\n";
  return 2;
}
