#pragma once
// From sentences to their translations: pieces, beam search, text again, and where the network looked meanwhile.

#include <reprise/decode/attention_weights.hpp>
#include <reprise/decode/beam.hpp>
#include <reprise/decode/decoding.hpp>
#include <reprise/parallel/threads.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "attention_page.hpp"
#include "network.hpp"
#include "settings.hpp"
#include "subwords.hpp"
#include "tokens.hpp"

namespace translate {

struct Translation {
  std::string text;
  std::vector<int> pieces;
  double log_probability = 0;
  bool ended = false;  // else it was cut at the longest that was allowed
};

/// One for each sentence, in their order. Sentences side by side in one search, which several threads share.
inline std::vector<Translation> translate(const Translator& translator, const std::vector<std::string>& sentences,
                                          const SearchSettings& settings, int threads) {
  constexpr std::size_t at_once = 64;
  struct Part {
    std::size_t first;
    std::vector<Translation> translations;
  };
  std::vector<Part> parts;
  for (std::size_t first = 0; first < sentences.size(); first += at_once) parts.push_back({first, {}});
  rp::for_each_part(threads, parts, [&](Part& part, int /*i*/) {
    std::vector<std::vector<int>> sources;
    std::vector<rp::Index> maximum_length;
    for (std::size_t i = part.first; i < std::min(part.first + at_once, sentences.size()); ++i) {
      sources.push_back(translator.source.encode(tokenise(sentences[i])));
      maximum_length.push_back(static_cast<rp::Index>(2 * sources.back().size() + 10));
    }
    rp::Decoding decoding{translator.network, rp::Sequence<int>(sources)};
    const auto found = rp::beam_search(decoding, decoding.initial_state(),
                                       {.beam = settings.beam,
                                        .maximum_length = maximum_length,
                                        .begin = Subwords::bos,
                                        .end = Subwords::eos,
                                        .length_penalty = settings.length_penalty});
    for (const auto& best : found)
      part.translations.push_back(best.empty() ? Translation{}
                                               : Translation{detokenise(translator.target.decode(best.front().tokens)),
                                                             best.front().tokens, best.front().log_probability,
                                                             best.front().ended});
  });
  std::vector<Translation> translations;
  for (Part& part : parts) std::ranges::move(part.translations, std::back_inserter(translations));
  return translations;
}

/// What the network looked at in `sentence` before each piece of `translation`: the weights of its attention.
inline Attention attention_of(const Translator& translator, const std::string& sentence, const Translation& translation,
                              const std::string& reference) {
  const std::vector<std::vector<int>> source{translator.source.encode(tokenise(sentence))}, target{translation.pieces};
  const auto previous = rp::teacher_forcing(target, Subwords::bos, Subwords::eos).previous;
  const auto weights = rp::attention_weights(translator.network, {rp::Sequence<int>(source), previous}).front();

  Attention attention;
  for (const int id : source.front()) attention.source.push_back(translator.source.piece(id));
  for (const int id : translation.pieces) attention.target.push_back(translator.target.piece(id));
  if (translation.ended) attention.target.push_back(translator.target.piece(Subwords::eos));
  for (rp::Index t = 0; t < static_cast<rp::Index>(attention.target.size()); ++t) {
    attention.weights.emplace_back();
    for (rp::Index j = 0; j < weights.rows(); ++j) attention.weights.back().push_back(double(weights(j, t)));
  }
  attention.source_text = sentence;
  attention.reference = reference;
  attention.output = translation.text;
  attention.log_probability = translation.log_probability;
  return attention;
}

}  // namespace translate
