#pragma once
// Counts of n-grams, of words or of characters: what BLEU and chrF are made of.

#include <algorithm>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace translate::detail {

using Texts = std::vector<std::string>;
using NGrams = std::map<Texts, std::size_t>;

inline NGrams n_grams(const Texts& tokens, std::size_t n) {
  NGrams counts;
  for (std::size_t i = 0; i + n <= tokens.size(); ++i)
    ++counts[Texts(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                   tokens.begin() + static_cast<std::ptrdiff_t>(i + n))];
  return counts;
}

/// How many of one are in the other, each as often as the other has it.
inline std::size_t matches(const NGrams& ours, const NGrams& theirs) {
  std::size_t sum = 0;
  for (const auto& [n_gram, count] : ours)
    if (const auto found = theirs.find(n_gram); found != theirs.end()) sum += std::min(count, found->second);
  return sum;
}

inline std::size_t sum(const NGrams& counts) {
  std::size_t total = 0;
  for (const auto& [n_gram, count] : counts) total += count;
  return total;
}

inline void require_references(const Texts& outputs, const std::vector<Texts>& references) {
  if (outputs.empty()) throw std::invalid_argument("no sentences to score");
  if (outputs.size() != references.size())
    throw std::invalid_argument(std::to_string(outputs.size()) + " sentences, references of " +
                                std::to_string(references.size()));
  for (std::size_t i = 0; i < references.size(); ++i)
    if (references[i].empty()) throw std::invalid_argument("sentence " + std::to_string(i) + " has no reference");
}

}  // namespace translate::detail
