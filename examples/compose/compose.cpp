// Learns folk tunes in ABC notation, character by character, and composes new ones: to read, to hear and to look at.
//
//   compose                                      the bundled tunes, two minutes of training
//   compose --corpus FILE --minutes 10           any others
//   compose --model FILE                         trained once (if FILE is not there yet), composed from again
#include <reprise/io/safetensors.hpp>

#include <iostream>

#include "options.hpp"
#include "settings.hpp"

// What the file of a trained model says of its network.
void read_settings_of_model(compose::Settings& settings) {
  auto said = reprise::load_metadata(settings.model);
  for (const char* name : {"cell", "layers", "hidden", "vocabulary"})
    if (!said.contains(name))
      throw std::runtime_error(settings.model.string() + " was not written by compose: it has no " + name);
  settings.model_is_there = true;
  settings.cell = said["cell"];
  settings.layers = number_from("layers of the model", said["layers"], 1);
  settings.hidden = number_from("hidden units of the model", said["hidden"], 1);
}

int main(int argc, char** argv) try {
  const Options options(
      argc, argv,
      {{"--corpus", REPRISE_EXAMPLES_DIR "/data/tunes.abc", "tunes in ABC notation, blank lines between"},
       {"--out", "tunes", "directory for the tunes and index.html"},
       {"--model", "",
        "a model to read, or to write if it is not there; empty: train anew, into OUT/model.safetensors"},
       {"--cell", "gru", "rnn, lstm or gru"},
       {"--hidden", "256", "units in a layer"},
       {"--layers", "2", "recurrent layers, 1 to 3"},
       {"--minutes", "2", "how long to train"},
       {"--epochs", "0", "how long to train, in passes over the corpus; 0: by --minutes"},
       {"--batch", "32", "tunes read side by side"},
       {"--dropout", "0.4", "share of activations dropped between layers while training"},
       {"--learning-rate", "0.003", "of Adam, at the start"},
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
  if (settings.model.empty())
    settings.model = settings.out / "model.safetensors";
  else if (std::filesystem::exists(settings.model))
    read_settings_of_model(settings);
  if (settings.cell == "rnn") return compose::run_rnn(settings);
  if (settings.cell == "lstm") return compose::run_lstm(settings);
  if (settings.cell == "gru") return compose::run_gru(settings);
  throw std::invalid_argument("--cell " + settings.cell + ": rnn, lstm or gru");
} catch (const std::exception& error) {
  std::cerr << "compose: " << error.what() << "\n";
  return 2;
}
