#pragma once
// How Subwords are learnt from the words of a corpus. Counts of pairs are kept from merge to merge, and only words that
// have the merged pair are counted again.

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "subwords.hpp"
#include "text.hpp"

namespace translate {
namespace detail {

inline const std::string& check_line(const std::string& word) {
  if (word.empty() || word.find('\n') != word.npos) throw std::invalid_argument("a word is empty or has a line end");
  return word;
}

}  // namespace detail

inline void count_words(WordCounts& counts, const std::vector<std::string>& words) {
  for (const std::string& word : words) ++counts[word];
}

inline Subwords Subwords::whole_words(const WordCounts& counts, std::size_t least_count) {
  Subwords subwords;
  subwords.spells_ = false;
  for (const auto& [word, count] : counts)
    if (count >= least_count && word.size() <= longest) subwords.add({detail::check_line(word), true});
  return subwords;
}

inline Subwords Subwords::learn(const WordCounts& counts, std::size_t merges) {
  Subwords subwords;
  std::set<std::string> letters;
  for (const auto& [word, count] : counts)
    for (const std::string_view letter : characters(detail::check_line(word))) letters.emplace(letter);
  for (const std::string& letter : letters) subwords.add_character(letter);

  std::vector<std::pair<Spelling, std::size_t>> words;
  for (const auto& [word, count] : counts)
    if (word.size() <= longest) words.emplace_back(subwords.spell(word), count);
  std::map<Pair, std::size_t> frequency;
  std::map<Pair, std::vector<std::size_t>> where;  // words that have, or once had, the pair
  for (std::size_t w = 0; w < words.size(); ++w)
    for (std::size_t i = 0; i + 1 < words[w].first.size(); ++i) {
      const Pair pair{words[w].first[i], words[w].first[i + 1]};
      frequency[pair] += words[w].second;
      where[pair].push_back(w);
    }
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  while (merges-- > 0 && !frequency.empty()) {
    const auto best = std::max_element(frequency.begin(), frequency.end(), by_count);
    if (best->second < 2) break;
    const Pair pair = best->first;
    const int merged = subwords.size();
    subwords.add_merge(pair);
    const std::vector<std::size_t> places = std::move(where[pair]);
    for (const std::size_t w : places) {
      auto& [spelling, count] = words[w];
      const Spelling before = spelling;
      merge(spelling, pair, merged);
      if (spelling == before) continue;
      for (std::size_t i = 0; i + 1 < before.size(); ++i) frequency[{before[i], before[i + 1]}] -= count;
      for (std::size_t i = 0; i + 1 < spelling.size(); ++i) {
        const Pair now{spelling[i], spelling[i + 1]};
        frequency[now] += count;
        if (now.first == merged || now.second == merged) where[now].push_back(w);
      }
    }
    frequency.erase(pair);
  }
  return subwords;
}

}  // namespace translate
