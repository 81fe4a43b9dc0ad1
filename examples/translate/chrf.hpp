#pragma once
// chrF (Popovic, WMT 2015) as sacreBLEU 2 computes it by default: chrF2, characters only. Upper and lower case differ.
// Over all sentences together:
//
//   P, R = the part of the outputs' (the references') character n-grams that the other has, spaces taken out; mean over
//          those n = 1..6 which both have
//   chrF = 100 (1 + beta^2) P R / (beta^2 P + R),  beta = 2, in per cent
//
// Of several references the one that gives its sentence the best chrF counts.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "n_grams.hpp"
#include "text.hpp"

namespace translate {
namespace detail {

/// Per n = 1..6: character n-grams of the output, of the reference, of both.
using CharacterCounts = std::array<std::array<std::size_t, 3>, 6>;

inline CharacterCounts character_counts(const Texts& output, const Texts& reference) {
  CharacterCounts counts{};
  for (std::size_t n = 1; n <= 6; ++n) {
    const NGrams ours = n_grams(output, n), theirs = n_grams(reference, n);
    if (!theirs.empty()) counts[n - 1] = {sum(ours), sum(theirs), matches(ours, theirs)};
  }
  return counts;
}

inline double chrf(const CharacterCounts& counts) {
  constexpr double beta_squared = 4;
  double precision = 0, recall = 0;
  int orders = 0;
  for (const auto& [ours, theirs, both] : counts) {
    if (ours == 0 || theirs == 0) continue;
    precision += static_cast<double>(both) / static_cast<double>(ours);
    recall += static_cast<double>(both) / static_cast<double>(theirs);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  return 100 * (1 + beta_squared) * precision * recall / (beta_squared * precision + recall) / orders;
}

inline Texts letters_of(std::string_view sentence) {
  const std::string clean = clean_spaces(sentence);
  Texts letters;
  for (const std::string_view c : characters(clean))
    if (c != " ") letters.emplace_back(c);
  return letters;
}

}  // namespace detail

/// Throws as corpus_bleu does.
inline double corpus_chrf(const std::vector<std::string>& outputs,
                          const std::vector<std::vector<std::string>>& references) {
  detail::require_references(outputs, references);
  detail::CharacterCounts all{};
  for (std::size_t s = 0; s < outputs.size(); ++s) {
    const detail::Texts output = detail::letters_of(outputs[s]);
    detail::CharacterCounts best{};
    double best_score = -1;
    for (const std::string& reference : references[s]) {
      const auto counts = detail::character_counts(output, detail::letters_of(reference));
      if (const double score = detail::chrf(counts); score > best_score) {
        best = counts;
        best_score = score;
      }
    }
    for (std::size_t n = 0; n < 6; ++n)
      for (std::size_t k = 0; k < 3; ++k) all[n][k] += best[n][k];
  }
  return detail::chrf(all);
}

}  // namespace translate
