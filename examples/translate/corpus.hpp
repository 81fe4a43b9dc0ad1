#pragma once
// Sentence pairs from a tab-separated file, and the part of them that is held out.
//
// A line is "source <tab> target"; what follows a second tab (Anki files name the author there) is not read. Every
// kind of space becomes a plain one, runs of them one, blank lines are skipped, a byte order mark and CRLF accepted.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "letters.hpp"
#include "text.hpp"

namespace translate {

struct SentencePair {
  std::string source, target;
};

/// A source sentence no training pair has, and all its translations in the file, each once.
struct HeldOut {
  std::string source;
  std::vector<std::string> references;
};

struct Split {
  std::vector<SentencePair> training;
  std::vector<HeldOut> held_out;
};

/// Throws std::runtime_error naming file and line: not UTF-8, no tab, nothing on a side of it; or no pair at all.
inline std::vector<SentencePair> parse_pairs(std::string_view text, const std::string& name) {
  text = without_byte_order_mark(text);
  std::vector<SentencePair> pairs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string where = name + ":" + std::to_string(number);
    require_utf8(line, where);
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) {
      if (clean_spaces(line).empty()) continue;
      throw std::runtime_error(where + ": no tab; a line is a sentence, a tab, its translation");
    }
    const std::string_view rest = line.substr(tab + 1);
    SentencePair pair{clean_spaces(line.substr(0, tab)), clean_spaces(rest.substr(0, rest.find('\t')))};
    if (pair.source.empty()) throw std::runtime_error(where + ": nothing before the tab");
    if (pair.target.empty()) throw std::runtime_error(where + ": nothing after the tab");
    pairs.push_back(std::move(pair));
  }
  if (pairs.empty()) throw std::runtime_error(name + ": no sentence pairs");
  return pairs;
}

/// Throws as parse_pairs does, or if the file cannot be read.
inline std::vector<SentencePair> read_pairs(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) throw std::runtime_error(file + ": cannot be read");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return parse_pairs(text, file);
}

/// Sources with the same key are one sentence.
inline std::string source_key(std::string_view source) { return lower_case(clean_spaces(source)); }

/// Holds out `count` different source sentences, drawn at random; the rest trains, in the order of the file. The same
/// seed draws the same ones on every machine. Throws std::invalid_argument if nothing would be left to train on.
inline Split hold_out(const std::vector<SentencePair>& pairs, std::size_t count, std::uint64_t seed) {
  std::map<std::string, std::size_t> numbers;  // of the different sources, in the file's order
  std::vector<std::size_t> source_of;
  for (const SentencePair& pair : pairs)
    source_of.push_back(numbers.emplace(source_key(pair.source), numbers.size()).first->second);
  const std::size_t sources = numbers.size();
  if (count >= sources)
    throw std::invalid_argument("cannot hold out " + std::to_string(count) + " of " + std::to_string(sources) +
                                " different source sentences: none would be left to train on");

  std::vector<std::size_t> order(sources);
  for (std::size_t i = 0; i < sources; ++i) order[i] = i;
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < count; ++i) std::swap(order[i], order[i + random() % (sources - i)]);
  std::vector<std::size_t> place(sources, count);  // among the held out; count: trains
  for (std::size_t i = 0; i < count; ++i) place[order[i]] = i;

  Split split;
  split.held_out.resize(count);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::size_t at = place[source_of[i]];
    if (at == count) {
      split.training.push_back(pairs[i]);
      continue;
    }
    HeldOut& held = split.held_out[at];
    if (held.source.empty()) held.source = pairs[i].source;
    if (std::ranges::find(held.references, pairs[i].target) == held.references.end())
      held.references.push_back(pairs[i].target);
  }
  return split;
}

}  // namespace translate
