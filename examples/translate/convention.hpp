#pragma once
// How words and marks are spaced, and which words begin with a capital, by convention: what tokens.hpp need not say.

#include <string>
#include <string_view>

#include "letters.hpp"
#include "text.hpp"

namespace translate::detail {

inline bool one_of(std::string_view character, std::string_view list) {
  return character_at(character, 0).bytes == character.size() && list.find(character) != list.npos;
}

inline bool is_word(std::string_view token) {
  for (const std::string_view c : characters(token)) {
    const char32_t code = character_at(c, 0).code;
    if (is_letter(code) || is_digit(code)) return true;
  }
  return false;
}

inline bool opens(std::string_view token) { return !token.empty() && one_of(token, "([{«“¿¡"); }

/// One mark, once or several times: "?", "...".
inline bool closes(std::string_view token) {
  const auto marks = characters(token);
  for (const std::string_view c : marks)
    if (c != marks.front()) return false;
  return !marks.empty() && one_of(marks.front(), ".,!?;:…)]}»”'");
}

/// Says what is convention, told the tokens of a sentence one after the other. A straight quotation mark opens and
/// closes in turn.
class Convention {
 public:
  /// 's, -je, and marks that close.
  bool leans_left(std::string_view token) const {
    const bool leaning_word = token.size() > 1 && (token[0] == '\'' || token[0] == '-') && is_word(token);
    return leaning_word || closes(token) || (in_quotes_ && token == "\"");
  }
  bool space_before(std::string_view token) const {
    const bool leans_right = opens(last_) || (in_quotes_ && last_ == "\"") || (last_.ends_with('\'') && is_word(last_));
    return !last_.empty() && !leans_right && !leans_left(token);
  }
  bool capital(std::string_view token) const { return starts_sentence_ || token == "i"; }

  void pass(std::string_view token) {
    if (is_word(token))
      starts_sentence_ = false;
    else if (token == "..." || (!token.empty() && one_of(token, ".!?…")))
      starts_sentence_ = true;
    in_quotes_ ^= token == "\"";
    last_ = token;
  }

 private:
  std::string last_;
  bool in_quotes_ = false, starts_sentence_ = true;
};

}  // namespace translate::detail
