#pragma once
// What compose is asked for, and where each kind of cell is compiled.

#include <cstdint>
#include <filesystem>
#include <string>

namespace compose {

struct Settings {
  std::filesystem::path corpus, out, model;
  bool model_is_there = false;  // then cell, layers and hidden are the file's
  std::string cell;
  int hidden = 256, layers = 2, epochs = 0, batch = 32, count = 6;
  double minutes = 2, temperature = 0.8, dropout = 0.4, learning_rate = 3e-3;
  std::uint64_t seed = 1;
};

/// Trains, or reads the model if its file is there, and composes. Returns the program's exit code. One for each
/// cell, each in a file of its own, so that they compile side by side.
int run_rnn(const Settings& settings);
int run_lstm(const Settings& settings);
int run_gru(const Settings& settings);

}  // namespace compose
