#pragma once
// Subwords as text: "subwords" or "words", how many characters (or words) and each on its line, how many merges
// and each on its line as the ids of its two halves.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "subwords.hpp"
#include "text.hpp"

namespace translate {

inline std::string Subwords::serialise() const {
  std::string text = std::string{spells_ ? "subwords" : "words"} + "\n";
  const auto number = [](std::size_t n) { return std::to_string(n) + "\n"; };
  text += number(ids_.size() / (spells_ ? 2 : 1));
  for (std::size_t id = 3; id < 3 + ids_.size(); id += spells_ ? 2 : 1) text += symbols_[id].text + "\n";
  text += number(merges_.size());
  std::vector<Pair> order(merges_.size());
  for (const auto& [pair, id] : merges_) order[static_cast<std::size_t>(id) - 3 - ids_.size()] = pair;
  for (const auto& [left, right] : order) text += std::to_string(left) + " " + std::to_string(right) + "\n";
  return text;
}

namespace detail {

/// Reads lines, and says which of them is wrong.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::string next() {
    ++number_;
    const std::size_t end = rest_.find('\n');
    if (end == rest_.npos) fail("the text ends early");
    const std::string line{rest_.substr(0, end)};
    rest_.remove_prefix(end + 1);
    return line;
  }
  /// A whole number, in no other form than it is written, of less than `bound`.
  std::size_t number(std::string_view text, std::size_t bound) const {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value >= bound || std::to_string(value) != text)
      fail("\"" + std::string{text} + "\" is no number below " + std::to_string(bound));
    return value;
  }
  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("subwords, line " + std::to_string(number_) + ": " + what);
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace detail

inline Subwords Subwords::parse(std::string_view text) {
  detail::Lines lines(text);
  Subwords subwords;
  const std::string kind = lines.next();
  if (kind != "subwords" && kind != "words") lines.fail("neither subwords nor words");
  subwords.spells_ = kind == "subwords";

  const std::size_t known = lines.number(lines.next(), lines.left() + 1);
  for (std::size_t i = 0; i < known; ++i) {
    const std::string symbol = lines.next();
    if (symbol.empty() || symbol.size() > longest) lines.fail("a symbol of no length or too long");
    if (subwords.ids_.contains({symbol, true})) lines.fail("a symbol a second time");
    if (!subwords.spells_)
      subwords.add({symbol, true});
    else if (characters(symbol).size() == 1)
      subwords.add_character(symbol);
    else
      lines.fail("more than a character");
  }

  const std::size_t merges = lines.number(lines.next(), lines.left() + 1);
  if (merges > 0 && !subwords.spells_) lines.fail("whole words do not merge");
  for (std::size_t i = 0; i < merges; ++i) {
    const std::string line = lines.next();
    const std::size_t space = std::min(line.find(' '), line.size() - 1), bound = subwords.symbols_.size();
    const std::size_t left = lines.number(std::string_view{line}.substr(0, space), bound);
    const std::size_t right = lines.number(std::string_view{line}.substr(space + 1), bound);
    const Pair pair{static_cast<int>(left), static_cast<int>(right)};
    if (left <= unk || right <= unk || subwords.symbols_[left].ends_word) lines.fail("two symbols that do not merge");
    if (subwords.symbols_[left].text.size() + subwords.symbols_[right].text.size() > longest)
      lines.fail("a symbol too long");
    if (subwords.merges_.contains(pair)) lines.fail("a merge a second time");
    subwords.add_merge(pair);
  }
  if (!lines.empty()) lines.fail("more text than there should be");
  return subwords;
}

}  // namespace translate
