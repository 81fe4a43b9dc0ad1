// Learns to translate from sentence pairs, one a line with a tab between, and then translates what is typed or piped in.
//
//   translate                                    the bundled English-Portuguese pairs, a few minutes of training
//   translate --corpus FILE --minutes 25         any others
//   translate --model FILE < sentences           trained once (if FILE is not there yet), translated with again

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "ctrl_c.hpp"
#include "network.hpp"
#include "options.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "subwords.hpp"
#include "text.hpp"
#include "tokens.hpp"
#include "training.hpp"
#include "translation.hpp"

namespace {

using namespace translate;

// Throws unless `file` can be written, now rather than after the training; what is in it stays.
void require_writable(const std::filesystem::path& file) {
  const bool there = std::filesystem::exists(file);
  if (!std::ofstream(file, std::ios::app)) throw std::runtime_error(file.string() + ": cannot be written");
  if (!there) std::filesystem::remove(file);
}

Translator train_and_report(const Settings& settings) {
  require_writable(settings.model);
  require_writable(settings.page);
  Translator translator;
  const Corpus corpus = read_corpus(settings, translator);
  {
    const CtrlC ctrl_c;  // stops the training, and only that
    train(settings, corpus, translator, [&] { return ctrl_c.pressed(); });
  }
  report(settings, corpus.sentences, translator);
  return translator;
}

// Says what was asked for and has no part in a model that is there already.
Translator read_model(const Settings& settings, const Options& options) {
  Translator translator = load(settings.model);
  std::string ignored;
  for (const char* name : {"--corpus", "--page", "--minutes", "--hold-out", "--merges", "--words", "--hidden",
                           "--batch", "--dropout", "--smoothing", "--learning-rate", "--seed"})
    if (options.given(name)) ignored += std::string(" ") + name;
  if (!ignored.empty())
    std::cerr << "read " << settings.model.string() << ", in which these have no part:" << ignored << "\n";
  return translator;
}

// Standard input, line by line, so that what is typed is answered.
void translate_input(const SearchSettings& settings, const Translator& translator) {
  const bool asked = isatty(STDIN_FILENO) != 0;
  if (asked) std::cout << "\nA sentence to translate, or Ctrl-D:\n";
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) try {
      const std::string where = "line " + std::to_string(number);
      require_utf8(line, where);
      const std::string sentence = clean_spaces(number == 1 ? without_byte_order_mark(line) : line);
      const auto pieces = translator.source.encode(tokenise(sentence));
      if (pieces.size() > 4 * translator.longest)
        throw std::runtime_error(where + ": a sentence of " + std::to_string(pieces.size()) +
                                 " pieces; the longest it has learnt from has " + std::to_string(translator.longest));
      if (std::ranges::find(pieces, Subwords::unk) != pieces.end())
        std::cerr << where << ": there is something in it that was not in the corpus; it is read as unknown\n";
      std::cout << (pieces.empty() ? "" : translate::translate(translator, {sentence}, settings, 1)[0].text)
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
  const Settings settings = settings_from(options);
  const bool trained = !options.text("--model").empty() && std::filesystem::exists(settings.model);
  translate_input(settings.search, trained ? read_model(settings, options) : train_and_report(settings));
} catch (const std::exception& error) {
  std::cerr << "translate: " << error.what() << "\n";
  return 2;
}
