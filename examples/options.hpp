#pragma once
// Command-line options of the examples: every option has a value, a default and a line of help.
//
//   const Options options(argc, argv, {{"--hidden", "128", "units in a layer"}});
//   options.number("--hidden")

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct Option {
  std::string name, value, help;
};

class Options {
  static auto& find(auto& options, std::string_view name) {
    for (auto& option : options)
      if (option.name == name) return option;
    throw std::invalid_argument(std::string(name) + " is no option; --help lists them");
  }

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
      find(options_, word).value = argv[++i];
    }
  }

  const std::string& text(std::string_view name) const { return find(options_, name).value; }

  /// Throws std::invalid_argument unless the whole value is a number of at least `least`, and finite.
  double number(std::string_view name, double least = 0) const { return parsed<double>(name, least, "a number"); }
  int integer(std::string_view name, int least = 0) const { return parsed<int>(name, least, "a whole number"); }

 private:
  template <class Number>
  Number parsed(std::string_view name, Number least, const char* kind) const {
    const std::string& value = text(name);
    Number number{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || !(number >= least) ||
        number > std::numeric_limits<Number>::max())
      throw std::invalid_argument(
          (std::ostringstream() << name << " " << value << ": takes " << kind << " of at least " << least).str());
    return number;
  }

  std::vector<Option> options_;
};
