#pragma once
// Byte-pair encoding (Sennrich, Haddow, Birch: "Neural machine translation of rare words with subword units", ACL 2016,
// section 3.2). A word is spelled in characters; the most frequent pair of neighbouring symbols becomes a symbol
// of its own, and so on, `merges` times or until no pair occurs twice. A new word is spelled and merged in the same
// order. The symbol a word ends in is not the same as the one that looks like it within a word, so that what is decoded
// has its words back. Whole words as symbols, the rare ones unknown, are the same thing without spelling.
//
//   ids: <bos>, <eos>, <unk>, the characters (within a word, at its end), the merges; or <bos>, <eos>, <unk>, the words

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace translate {

using WordCounts = std::map<std::string, std::size_t>;

class Subwords {
  struct Symbol {
    std::string text;
    bool ends_word;
    auto operator<=>(const Symbol&) const = default;
  };
  using Pair = std::pair<int, int>;
  using Spelling = std::vector<int>;

 public:
  static constexpr int bos = 0, eos = 1, unk = 2;
  static constexpr std::size_t longest = 256;  // bytes of a symbol

  /// Knows no symbol but the three.
  Subwords() {
    for (const char* name : {"<bos>", "<eos>", "<unk>"}) symbols_.push_back({name, true});
  }

  // Learning is in subwords_learn.hpp, the way to a text and back in subwords_text.hpp.

  /// Words of more than `longest` bytes teach characters only. Of equally frequent pairs the one with the lower ids is
  /// first, so that the same counts give the same symbols. Throws std::invalid_argument for a word with a line end.
  static Subwords learn(const WordCounts& counts, std::size_t merges);

  /// The words that occur at least so often.
  static Subwords whole_words(const WordCounts& counts, std::size_t least_count);

  /// Lines of text, from which parse makes the same again.
  std::string serialise() const;
  /// Throws std::runtime_error, naming the line, for text serialise did not write.
  static Subwords parse(std::string_view text);

  int size() const { return static_cast<int>(symbols_.size()); }

  /// Neither <bos> nor <eos> is added. A character (or whole word) never seen is <unk>.
  std::vector<int> encode(const std::vector<std::string>& words) const {
    std::vector<int> ids;
    for (const std::string& word : words) {
      if (word.empty()) continue;
      Spelling spelling = spells_ ? spell(word) : Spelling{id_of({word, true})};
      if (spells_) merge_all(spelling);
      ids.insert(ids.end(), spelling.begin(), spelling.end());
    }
    return ids;
  }

  /// The words; <bos> and <eos> are passed over, <unk> ends its word as "<unk>". Throws std::out_of_range for no id.
  std::vector<std::string> decode(const std::vector<int>& ids) const {
    std::vector<std::string> words;
    bool open = false;
    for (const int id : ids) {
      const Symbol& symbol = symbols_.at(static_cast<std::size_t>(id));
      if (id == bos || id == eos) continue;
      if (!open) words.emplace_back();
      words.back() += symbol.text;
      open = !symbol.ends_word;
    }
    return words;
  }

  /// To be shown: "trans·" where the word goes on, "lation" where it ends. Throws std::out_of_range for no id.
  std::string piece(int id) const {
    const Symbol& symbol = symbols_.at(static_cast<std::size_t>(id));
    return symbol.text + (symbol.ends_word ? "" : "·");
  }

  bool operator==(const Subwords& other) const {
    return spells_ == other.spells_ && symbols_ == other.symbols_ && merges_ == other.merges_;
  }

 private:
  int id_of(const Symbol& symbol) const {
    const auto found = ids_.find(symbol);
    return found == ids_.end() ? unk : found->second;
  }
  void add(Symbol symbol) {
    ids_.emplace(symbol, size());
    symbols_.push_back(std::move(symbol));
  }
  void add_character(const std::string& text) {
    add({text, false});
    add({text, true});
  }
  void add_merge(const Pair& pair) {
    const Symbol &left = symbols_.at(static_cast<std::size_t>(pair.first)),
                 &right = symbols_.at(static_cast<std::size_t>(pair.second));
    merges_.emplace(pair, size());
    symbols_.push_back({left.text + right.text, right.ends_word});
  }

  Spelling spell(std::string_view word) const {
    const auto letters = characters(word);
    Spelling spelling;
    for (std::size_t i = 0; i < letters.size(); ++i)
      spelling.push_back(id_of({std::string{letters[i]}, i + 1 == letters.size()}));
    return spelling;
  }
  static void merge(Spelling& spelling, const Pair& pair, int merged) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < spelling.size(); ++i) {
      const bool here = i + 1 < spelling.size() && Pair{spelling[i], spelling[i + 1]} == pair;
      spelling[kept++] = here ? merged : spelling[i];
      if (here) ++i;
    }
    spelling.resize(kept);
  }
  void merge_all(Spelling& spelling) const {
    for (;;) {
      auto first = merges_.end();  // the merge learnt first, of those that fit
      for (std::size_t i = 0; i + 1 < spelling.size(); ++i) {
        const auto found = merges_.find({spelling[i], spelling[i + 1]});
        if (found != merges_.end() && (first == merges_.end() || found->second < first->second)) first = found;
      }
      if (first == merges_.end()) return;
      merge(spelling, first->first, first->second);
    }
  }

  bool spells_ = true;
  std::vector<Symbol> symbols_;
  std::map<Symbol, int> ids_;   // of characters, or words
  std::map<Pair, int> merges_;  // to the symbol that comes of it
};

}  // namespace translate
