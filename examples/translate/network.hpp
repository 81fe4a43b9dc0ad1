#pragma once
// The network, and its file. Source pieces -> bidirectional GRU -> memory; target pieces -> GRU -> attention over the memory ->
// the next piece. What both sides' pieces are is kept in the file's metadata, so that the file is all there is to keep.

#include <reprise/cells/gru.hpp>
#include <reprise/io/safetensors.hpp>
#include <reprise/layers/attend.hpp>
#include <reprise/layers/bidirectional.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/encoder_decoder.hpp>

#include <cstddef>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

#include "options.hpp"
#include "subwords.hpp"
#include "subwords_text.hpp"

namespace translate {

namespace rp = reprise;

using Dropout = rp::Dropout<float>;
using Encoder = rp::Stack<rp::Embedding<float>, Dropout, rp::Bidirectional<rp::GRUCell<float>>, Dropout>;
using Decoder = rp::Stack<rp::Embedding<float>, Dropout, rp::GRUCell<float>, Dropout,
                          rp::Attend<rp::DotProductAttention<float>>, Dropout>;
using Network = rp::EncoderDecoder<Encoder, Decoder>;

struct Translator {
  Subwords source, target;
  std::size_t longest = 0;  // pieces of the longest source it has learnt from
  Network network;
};

inline Network new_network(const Subwords& source, const Subwords& target, int hidden, double dropout, rp::Rng& rng) {
  Network network{{.inputs = source.size(), .hidden = hidden, .outputs = target.size()}, rng};
  const auto set_rate = [&](auto& layer) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(layer)>, Dropout>) layer.rate = dropout;
  };
  std::apply([&](auto&... layer) { (set_rate(layer), ...); }, network.encoder.layers);
  std::apply([&](auto&... layer) { (set_rate(layer), ...); }, network.decoder.layers);
  return network;
}

inline void save(const std::filesystem::path& file, const Translator& translator) {
  rp::save(file, translator.network,
           {{"program", "reprise translate"},
            {"hidden", std::to_string(translator.network.decoder.body().outputs())},
            {"longest", std::to_string(translator.longest)},
            {"source pieces", translator.source.serialise()},
            {"target pieces", translator.target.serialise()}});
}

/// Throws rp::format_error, std::runtime_error or std::invalid_argument if the file is not what `save` writes.
inline Translator load(const std::filesystem::path& file) {
  constexpr std::size_t most_pieces = 1'000'000;  // far above any sentence; nothing computed from it overflows
  auto said = rp::load_metadata(file);
  for (const char* name : {"hidden", "longest", "source pieces", "target pieces"})
    if (!said.contains(name))
      throw std::runtime_error(file.string() + " was not written by translate: it has no " + name);
  Translator translator{Subwords::parse(said["source pieces"]),
                        Subwords::parse(said["target pieces"]),
                        number_from<std::size_t>("longest of the model", said["longest"], 1),
                        {}};
  if (translator.longest > most_pieces)
    throw std::runtime_error(file.string() + ": longest of the model is " + said["longest"] + ", at most " +
                             std::to_string(most_pieces) + " is possible");
  const int hidden = number_from("hidden of the model", said["hidden"], 2);
  rp::Rng unused{0};
  try {
    translator.network = new_network(translator.source, translator.target, hidden, 0, unused);
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(file.string() + ": hidden of the model is " + said["hidden"] +
                             ", a network too large for the memory there is");
  }
  rp::load(file, translator.network);
  return translator;
}

}  // namespace translate
