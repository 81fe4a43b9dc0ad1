#pragma once
// BLEU (Papineni et al., ACL 2002) as sacreBLEU 2 computes it by default (Post, "A call for clarity in reporting BLEU
// scores", WMT 2018). Upper and lower case differ. Over all sentences together, n = 1..4:
//
//   p_n  = n-grams of the outputs that a reference has, each counted at most as often as in the reference that has most
//          / n-grams of the outputs
//   BP   = exp(1 - references' length / outputs' length), at most 1; of several references the one closest to the
//          output in length, of two so close the shorter
//   BLEU = 100 BP exp(mean of log p_n), in per cent
//
// Where no n-gram matches, p_n is smoothed ("exp"; Chen and Cherry, WMT 2014, method 3): the k-th such n takes 1 / 2^k
// matches. No match at all, or no output of four tokens, gives 0. Tokens are those of NIST's script mteval-v13a.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "n_grams.hpp"
#include "text.hpp"

namespace translate {

struct Bleu {
  double score = 0;                    // per cent
  std::array<double, 4> precisions{};  // per cent, smoothed
  double brevity_penalty = 1;
  std::size_t length = 0, reference_length = 0;  // tokens
};

namespace detail {

inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// A space between two neighbours that match, and what else is to stand before and after them; pairs do not overlap.
template <class Matches>
void part_pairs(std::string& text, std::string_view before, std::string_view after, const Matches& matches) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      result += before;
      result += {text[i], ' ', text[i + 1]};
      result += after;
      ++i;
    } else {
      result += text[i];
    }
  }
  text = std::move(result);
}

}  // namespace detail

/// ASCII marks stand alone, but for the apostrophe, the hyphen (unless a digit is before it) and a full stop or comma
/// between digits; characters beyond ASCII are never parted. Pass by pass, as the script has it.
inline std::vector<std::string> tokens_13a(std::string_view line) {
  std::string text{line};
  for (const auto& [from, to] :
       {std::pair{"<skipped>", ""}, {"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}})
    detail::replace_all(text, from, to);

  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto stop = [](char c) { return c == '.' || c == ','; };
  std::string spaced = " ";
  for (const char c : clean_spaces(text)) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool mark = c > ' ' && c < 0x7F && !letter && !digit(c) && !stop(c) && c != '\'' && c != '-';
    spaced += mark ? std::string{' ', c, ' '} : std::string{c};
  }
  spaced += ' ';
  detail::part_pairs(spaced, "", " ", [&](char a, char b) { return !digit(a) && stop(b); });
  detail::part_pairs(spaced, " ", "", [&](char a, char b) { return stop(a) && !digit(b); });
  detail::part_pairs(spaced, "", " ", [&](char a, char b) { return digit(a) && b == '-'; });

  std::istringstream words(spaced);
  return {std::istream_iterator<std::string>(words), {}};
}

/// Throws std::invalid_argument unless every output has at least one reference, and there is one.
inline Bleu corpus_bleu(const std::vector<std::string>& outputs,
                        const std::vector<std::vector<std::string>>& references) {
  detail::require_references(outputs, references);
  Bleu bleu;
  std::array<std::size_t, 4> matching{}, total{};
  for (std::size_t s = 0; s < outputs.size(); ++s) {
    const detail::Texts output = tokens_13a(outputs[s]);
    std::vector<detail::Texts> targets;
    for (const std::string& reference : references[s]) targets.push_back(tokens_13a(reference));
    const auto distance = [&](const detail::Texts& target) {
      const std::size_t a = target.size(), b = output.size();
      return std::pair{a > b ? a - b : b - a, a};
    };
    bleu.length += output.size();
    bleu.reference_length += std::ranges::min(targets, {}, distance).size();
    for (std::size_t n = 1; n <= 4; ++n) {
      detail::NGrams most;
      for (const detail::Texts& target : targets)
        for (const auto& [n_gram, count] : detail::n_grams(target, n)) most[n_gram] = std::max(most[n_gram], count);
      const detail::NGrams ours = detail::n_grams(output, n);
      matching[n - 1] += detail::matches(ours, most);
      total[n - 1] += detail::sum(ours);
    }
  }

  const double length = static_cast<double>(bleu.length), wanted = static_cast<double>(bleu.reference_length);
  if (length < wanted) bleu.brevity_penalty = length > 0 ? std::exp(1 - wanted / length) : 0;
  if (matching[0] == 0) return bleu;  // nor is there a longer one
  double smoothing = 1, logs = 0;
  for (std::size_t n = 0; n < 4; ++n) {
    if (total[n] == 0) return bleu;
    if (matching[n] == 0) smoothing /= 2;
    const double found = matching[n] == 0 ? smoothing : static_cast<double>(matching[n]);
    bleu.precisions[n] = 100 * found / static_cast<double>(total[n]);
    logs += std::log(bleu.precisions[n]);
  }
  bleu.score = bleu.brevity_penalty * std::exp(logs / 4);
  return bleu;
}

}  // namespace translate
