#pragma once
// A sentence as words and punctuation marks, and back, whatever the language. Spacing and case are kept in the tokens:
// where they follow the conventions below a token says nothing of them, where they do not it carries a mark.
//
//   Où est l'eau ?         où  est  l'  eau  " ?"       a space where convention has none is part of the mark it is at
//   I don't know Tom.      i  don  't  know  ↑tom  .    ↑ begins with a capital, though convention says small
//   Dois-je voir la TV ?   dois  -je  voir  la  ↓TV  " ?"     ↓ as it stands
//
// Spacing, by convention: one space between two tokens, but none before a mark that closes, before 's, -je and the
// like, after a mark that opens, after l'. What has no space and by convention would have one is not taken apart. So
// detokenise(tokenise(s)) is s but for its kinds of spaces, and the typographic apostrophe, which becomes a plain one.
// Case, by convention: a sentence begins with a capital, "i" is I, all else is small.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convention.hpp"
#include "letters.hpp"
#include "text.hpp"

namespace translate {
namespace detail {

inline constexpr std::string_view capital_mark = "↑", literal_mark = "↓";

/// l'eau: l' eau; don't: don 't; as-tu: as -tu.
inline std::vector<std::string> split_word(const std::vector<std::string_view>& word) {
  const auto joint = [&](std::size_t i) {
    return i > 0 && i + 1 < word.size() && (word[i] == "'" || word[i] == "-") && is_word(word[i - 1]) &&
           is_word(word[i + 1]);
  };
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!joint(i)) {
      pieces.back() += word[i];
      continue;
    }
    std::string rest;
    for (std::size_t k = i + 1; k < word.size() && !joint(k); ++k) rest += word[k];
    rest = lower_case(rest);
    const bool english =
        rest == "s" || rest == "t" || rest == "m" || rest == "d" || rest == "re" || rest == "ve" || rest == "ll";
    if (word[i] == "'" && !english) {
      pieces.back() += word[i];
      pieces.emplace_back();
    } else {
      pieces.emplace_back(word[i]);
    }
  }
  return pieces;
}

/// What stands between two spaces: marks, a word, marks.
inline std::vector<std::string> split_chunk(std::string_view chunk) {
  std::vector<std::string_view> marks = characters(chunk);
  std::vector<std::string> before, after;
  std::size_t first = 0, last = marks.size();
  while (first < last && (opens(marks[first]) || marks[first] == "\"")) before.emplace_back(marks[first++]);
  while (last > first && (closes(marks[last - 1]) || marks[last - 1] == "\"")) {
    std::string mark{marks[--last]};
    while (last > first && mark != "\"" && marks[last - 1] == marks[last]) mark += marks[--last];
    after.push_back(mark);
  }
  if (first < last) {
    const std::vector<std::string_view> word(marks.begin() + static_cast<std::ptrdiff_t>(first),
                                             marks.begin() + static_cast<std::ptrdiff_t>(last));
    for (std::string& piece : split_word(word)) before.push_back(std::move(piece));
  }
  before.insert(before.end(), after.rbegin(), after.rend());
  return before;
}

/// The token that stands for a piece of a sentence.
inline std::string with_case_mark(std::string_view piece, const Convention& convention) {
  const std::string small = lower_case(piece), large = capitalised(small);
  const bool marked = piece.starts_with(capital_mark) || piece.starts_with(literal_mark);
  if (!marked && piece == (convention.capital(small) ? large : small)) return small;
  if (!marked && piece == large) return std::string{capital_mark} + small;
  return std::string{literal_mark} + std::string{piece};
}

}  // namespace detail

inline std::vector<std::string> tokenise(std::string_view sentence) {
  const std::string clean = clean_spaces(sentence);
  std::string text;
  for (const std::string_view c : characters(clean)) text += c == "’" ? "'" : c;
  std::vector<std::string> tokens;
  detail::Convention convention;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(chunk.size() + 1, rest.size()));
    std::vector<std::string> pieces = detail::split_chunk(chunk);
    detail::Convention trial = convention;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0 && trial.space_before(pieces[i])) {
        pieces.assign(1, std::string{chunk});
        break;
      }
      trial.pass(pieces[i]);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string token = detail::with_case_mark(pieces[i], convention);
      if (i == 0 && !tokens.empty() && !convention.space_before(pieces[i])) {
        if (convention.leans_left(pieces[i]))
          token.insert(0, 1, ' ');
        else
          tokens.back() += ' ';
      }
      convention.pass(pieces[i]);
      tokens.push_back(std::move(token));
    }
  }
  return tokens;
}

/// Each token as the sentence shows it, without the spaces.
inline std::vector<std::string> surfaces(const std::vector<std::string>& tokens) {
  std::vector<std::string> result;
  detail::Convention convention;
  for (const std::string& token : tokens) {
    const std::string small = clean_spaces(token);
    std::string_view bare = small;
    const bool capital = bare.starts_with(detail::capital_mark), literal = bare.starts_with(detail::literal_mark);
    if (capital || literal) bare.remove_prefix(detail::capital_mark.size());
    const bool raise = capital || (!literal && convention.capital(bare));
    result.push_back(raise ? capitalised(bare) : std::string{bare});
    convention.pass(result.back());
  }
  return result;
}

/// The sentence: any tokens, also ones no sentence was made of.
inline std::string detokenise(const std::vector<std::string>& tokens) {
  const std::vector<std::string> words = surfaces(tokens);
  std::string sentence;
  detail::Convention convention;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool marked = tokens[i].starts_with(' ') || (i > 0 && tokens[i - 1].ends_with(' '));
    if (marked || convention.space_before(words[i])) sentence += ' ';
    sentence += words[i];
    convention.pass(words[i]);
  }
  return clean_spaces(sentence);
}

}  // namespace translate
