#pragma once
// Where an EncoderDecoder looks (Bahdanau et al., 2015, figure 3): alpha_tj, how much of annotation j of the source is in what
// the decoder finds at step t.
//
//   const auto [previous, target] = rp::teacher_forcing(translations, begin, end);
//   const auto weights = rp::attention_weights(model, {sources, previous});
//   weights[0](j, t)      of the first record; over j they sum to 1

#include <reprise/train/encoder_decoder.hpp>

namespace reprise {

namespace detail {
// visit(weights of each slot), for each attention of a decoder, from the lowest up.
void for_each_attention(const auto& trace, const auto& visit) {
  if constexpr (requires { trace.weights; })
    visit(trace.weights);
  else if constexpr (requires { trace.layers; })
    std::apply([&](const auto&... layer) { (for_each_attention(layer, visit), ...); }, trace.layers);
}
}  // namespace detail

/// Of each record, in the caller's order, alpha: (steps of its source, steps of its `previous`); of several attentions that of
/// the lowest. Throws as loss_and_gradient does, and value_error for a decoder without attention.
template <WholeModel M>
  requires requires { typename M::DecoderBody; }
std::vector<Matrix<typename M::Scalar>> attention_weights(const M& model, const typename M::Examples& x) {
  model.require(x);
  typename M::Trace trace;
  model.forward(x, Mode{}, trace);
  const Layout& layout = M::layout(x);
  std::vector<Matrix<typename M::Scalar>> weights;
  detail::for_each_attention(trace.decoder, [&](const auto& of_slots) {
    if (!weights.empty()) return;
    weights.resize(of_slots.size());
    for (Index slot = 0; slot < layout.batch(); ++slot)
      weights[static_cast<std::size_t>(layout.record(slot))] = of_slots[static_cast<std::size_t>(slot)];
  });
  if (weights.empty() && layout.batch() != 0) detail::fail<value_error>("the decoder has no attention");
  return weights;
}

}  // namespace reprise
