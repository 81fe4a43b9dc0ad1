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
#include <type_traits>
#include <vector>

/// Throws std::invalid_argument, naming what the number is, unless the whole text is a finite one of at least `least`.
template <class Number>
Number number_from(std::string_view name, const std::string& text, Number least) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= least &&
      number <= std::numeric_limits<Number>::max())
    return number;
  std::ostringstream message;
  message << name << " " << text << ": takes a " << (std::is_integral_v<Number> ? "whole " : "")
          << "number of at least " << least;
  throw std::invalid_argument(std::move(message).str());
}

struct Option {
  std::string name, value, help;
  bool given = false;
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
      Option& option = find(options_, word);
      if (i + 1 == argc) throw std::invalid_argument(option.name + " needs a value; --help lists the options");
      option.value = argv[++i];
      option.given = true;
    }
  }

  /// On the command line, whatever its value.
  bool given(std::string_view name) const { return find(options_, name).given; }

  const std::string& text(std::string_view name) const { return find(options_, name).value; }

  /// Throw as number_from does.
  double number(std::string_view name, double least = 0) const { return number_from(name, text(name), least); }
  int integer(std::string_view name, int least = 0) const { return number_from(name, text(name), least); }

 private:
  std::vector<Option> options_;
};
