#pragma once
// What compose is asked for, and where each kind of cell is compiled.

#include <cstdint>
#include <filesystem>
#include <string>

namespace compose {

struct Settings {
  std::filesystem::path corpus, out, model;
  std::string cell;
  int hidden = 128, layers = 2, epochs = 0, batch = 32, count = 6;
  double minutes = 2, temperature = 0.8, dropout = 0.3, learning_rate = 4e-3;
  std::uint64_t seed = 1;
};

/// Trains, or reads a trained model, and composes. Returns the program's exit code. One for each
/// cell, each in a file of its own, so that they compile side by side.
int run_rnn(const Settings& settings);
int run_lstm(const Settings& settings);
int run_gru(const Settings& settings);

}  // namespace compose
