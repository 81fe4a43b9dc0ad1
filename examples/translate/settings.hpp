#pragma once
// What the program is asked for.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "options.hpp"

namespace translate {

struct SearchSettings {
  int beam = 6;
  double length_penalty = 1;
};

struct Settings {
  std::filesystem::path corpus, model, page;
  std::size_t hold_out = 0, merges = 0, batch = 1;
  bool words = false;
  int hidden = 0;
  double minutes = 0, dropout = 0, smoothing = 0, learning_rate = 0;
  std::uint64_t seed = 0;
  SearchSettings search;
};

/// Throws std::invalid_argument, naming both options, if two of the three files are one: it would be lost.
inline void require_different_files(const Settings& settings) {
  const auto require = [](const char* one, const std::filesystem::path& a, const char* other,
                          const std::filesystem::path& b) {
    // Made absolute first: a relative path of which nothing exists stays relative, and compares unequal.
    const auto place = [](const std::filesystem::path& file) {
      return std::filesystem::weakly_canonical(std::filesystem::absolute(file));
    };
    if (place(a) == place(b))
      throw std::invalid_argument(std::string(one) + " " + a.string() + " and " + other + " " + b.string() +
                                  " are the same file; each needs its own");
  };
  require("--page", settings.page, "--model", settings.model);
  require("--page", settings.page, "--corpus", settings.corpus);
  require("--model", settings.model, "--corpus", settings.corpus);
}

/// Throws as Options does, and std::invalid_argument for what is out of its range.
inline Settings settings_from(const Options& options) {
  const Settings settings{
      .corpus = options.text("--corpus"),
      .model = options.text("--model").empty() ? "translate.safetensors" : options.text("--model"),
      .page = options.text("--page"),
      .hold_out = static_cast<std::size_t>(options.integer("--hold-out", 1)),
      .merges = static_cast<std::size_t>(options.integer("--merges")),
      .batch = static_cast<std::size_t>(options.integer("--batch", 1)),
      .words = options.text("--words") == "yes",
      .hidden = options.integer("--hidden", 2),
      .minutes = options.number("--minutes", 0.01),
      .dropout = options.number("--dropout"),
      .smoothing = options.number("--smoothing"),
      .learning_rate = options.number("--learning-rate"),
      .seed = static_cast<std::uint64_t>(options.integer("--seed")),
      .search = {.beam = options.integer("--beam", 1), .length_penalty = options.number("--length-penalty")},
  };
  if (settings.dropout >= 1) throw std::invalid_argument("--dropout " + options.text("--dropout") + ": less than 1");
  if (settings.smoothing >= 1)
    throw std::invalid_argument("--smoothing " + options.text("--smoothing") + ": less than 1");
  if (!settings.words && options.text("--words") != "no")
    throw std::invalid_argument("--words " + options.text("--words") + ": yes or no");
  require_different_files(settings);
  return settings;
}

}  // namespace translate
