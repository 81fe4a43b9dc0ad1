// Learns folk tunes in ABC notation, character by character, and composes new ones: to read, to hear and to look at.
//
//   compose                                      the bundled tunes, two minutes of training
//   compose --corpus FILE --minutes 10           any others
//   compose --model FILE                         trained once (if FILE is not there yet), composed from again
#include <iostream>

#include "options.hpp"
#include "settings.hpp"

int main(int argc, char** argv) try {
  const Options options(
      argc, argv,
      {{"--corpus", REPRISE_EXAMPLES_DIR "/data/tunes.abc", "tunes in ABC notation, blank lines between"},
       {"--out", "tunes", "directory for the tunes and index.html"},
       {"--model", "", "safetensors file; read if it is there, else written; empty: OUT/model.safetensors, written"},
       {"--cell", "lstm", "rnn, lstm or gru"},
       {"--hidden", "192", "units in a layer"},
       {"--layers", "2", "recurrent layers, 1 to 3"},
       {"--minutes", "2", "how long to train"},
       {"--epochs", "0", "how long to train, in passes over the corpus; 0: by --minutes"},
       {"--batch", "32", "tunes read side by side"},
       {"--dropout", "0.3", "share of activations dropped between layers while training"},
       {"--learning-rate", "0.004", "of Adam, at the start"},
       {"--temperature", "0.8", "lower is safer, higher is stranger"},
       {"--count", "6", "tunes to compose"},
       {"--seed", "1", "the same seed, the same numbers"}});
  compose::Settings settings;
  settings.corpus = options.text("--corpus");
  settings.out = options.text("--out");
  settings.cell = options.text("--cell");
  settings.hidden = options.integer("--hidden", 1);
  settings.layers = options.integer("--layers", 1);
  settings.minutes = options.number("--minutes", 0.01);
  settings.epochs = options.integer("--epochs");
  settings.batch = options.integer("--batch", 1);
  settings.dropout = options.number("--dropout");
  settings.learning_rate = options.number("--learning-rate");
  settings.temperature = options.number("--temperature");
  settings.count = options.integer("--count", 1);
  settings.seed = static_cast<std::uint64_t>(options.integer("--seed"));
  settings.model = options.text("--model");
  if (settings.model.empty()) {
    settings.model = settings.out / "model.safetensors";
    std::filesystem::remove(settings.model);  // no model named: a run of its own, trained anew
  }
  if (settings.cell == "rnn") return compose::run_rnn(settings);
  if (settings.cell == "lstm") return compose::run_lstm(settings);
  if (settings.cell == "gru") return compose::run_gru(settings);
  throw std::invalid_argument("--cell " + settings.cell + ": rnn, lstm or gru");
} catch (const std::exception& error) {
  std::cerr << "compose: " << error.what() << "\n";
  return 2;
}
