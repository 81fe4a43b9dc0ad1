#pragma once
// Command-line options of the examples: every option has a value, a default and a line of help.
//
//   const Options options(argc, argv, {{"--hidden", "128", "units in a layer"}});
//   options.number("--hidden")

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct Option {
  std::string name, value, help;
};

class Options {
 public:
  /// Throws std::invalid_argument for a word that is no option or an option without a value; --help prints and exits.
  Options(int argc, char** argv, std::vector<Option> known) : options_(std::move(known)) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (word == "--help") {
        for (const Option& option : options_)
          std::cout << "  " << option.name << " (" << option.value << ")  " << option.help << "\n";
        std::exit(0);
      }
      if (i + 1 == argc) throw std::invalid_argument(std::string(word) + " needs a value; --help lists the options");
      find(word).value = argv[++i];
    }
  }

  const std::string& text(std::string_view name) const { return const_cast<Options*>(this)->find(name).value; }

  /// Throws std::invalid_argument unless the whole value is a number of at least `least`.
  double number(std::string_view name, double least = 0) const {
    const std::string& value = text(name);
    std::size_t used = 0;
    double number = 0;
    try {
      number = std::stod(value, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != value.size() || !(number >= least))
      throw std::invalid_argument(std::string(name) + " " + value + ": takes a number of at least " +
                                  std::to_string(least));
    return number;
  }
  int integer(std::string_view name, int least = 0) const {
    const double value = number(name, least);
    if (value != static_cast<int>(value)) throw std::invalid_argument(std::string(name) + " takes a whole number");
    return static_cast<int>(value);
  }

 private:
  Option& find(std::string_view name) {
    for (Option& option : options_)
      if (option.name == name) return option;
    throw std::invalid_argument(std::string(name) + " is no option; --help lists them");
  }

  std::vector<Option> options_;
};
