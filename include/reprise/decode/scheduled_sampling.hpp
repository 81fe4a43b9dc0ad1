#pragma once
// Scheduled sampling (Bengio et al., 2015, section 2.4): while training, a model reads at times what it has itself
// predicted, as it will have to when it runs on its own:
//
//   x'_0 = x_0        x'_t = x_t                                              with probability epsilon
//                            y_{t-1}, the model's answer to x'_0 .. x'_{t-1}  else
//
// epsilon = 1 is teacher forcing (Goodfellow et al., section 10.2.1), epsilon = 0 the model running free. As in the
// paper no gradient goes through the choice of x': once it is made, it is an input like any other,
//
//   const auto mixed = rp::scheduled_sampling(stepper, state, x, epsilon(i), {}, rng);
//   auto [loss, gradient] = rp::loss_and_gradient(model, mixed, target, rp::SoftmaxCrossEntropy{});
//
// where y_{t-1} stands for x_t, so the target is x one step ahead. epsilon falls as training goes on:
//
//   linear             max(last, first - slope i)     LinearDecay
//   exponential        k^i,  k < 1                    ExponentialDecay{.rate = 1, .factor = k, .every = 1} of train/
//   inverse sigmoid    k / (k + e^{i / k}),  k >= 1   InverseSigmoidDecay

#include <reprise/decode/ragged.hpp>

namespace reprise {

/// first - slope i, but never below `last`.
struct LinearDecay {
  double first = 1, last = 0, slope = 1e-3;
  double operator()(Index i) const { return std::max(last, first - slope * static_cast<double>(i)); }
};

/// k / (k + e^{i / k}), which is one half at i = k log k.
struct InverseSigmoidDecay {
  double k = 1000;
  double operator()(Index i) const { return k / (k + std::exp(static_cast<double>(i) / k)); }
};

namespace detail {

// The layout of the steps whose answer may be read: all but each record's last. Its order is that of `layout`.
inline Layout without_last_step(const Layout& layout) {
  std::vector<Index> lengths = layout.lengths();
  for (Index& length : lengths) length = std::max(length - 1, Index{0});
  return Layout(std::move(lengths));
}

// answer(logits or y of a column, the generator of its record) -> what that record reads next
template <class S, class X, class Answer>
X mixed_inputs(S& stepper, typename S::State state, const X& x, double epsilon, Rng& rng, const Answer& answer) {
  if (!(epsilon >= 0 && epsilon <= 1)) fail<value_error>("epsilon = ", epsilon, ", a probability in [0, 1]");
  require_size(stepper.columns(state), x.batch(), "the state", "columns", "the batch");
  std::vector<Rng> streams = rng_per_source(rng, x.batch());
  X mixed = x;
  if (epsilon == 1) return mixed;
  const Layout& layout = x.layout();
  run_ragged(
      stepper, std::move(state), without_last_step(layout),
      [&](Index t) -> typename X::Values { return mixed.view(t).leftCols(layout.running(t + 1)); },
      [&](Index t, const auto& y) {
        for (Index slot = 0; slot < y.cols(); ++slot) {
          Rng& stream = streams[static_cast<std::size_t>(layout.record(slot))];
          if (epsilon > 0 && stream.uniform() < epsilon) continue;
          mixed.values().col(layout.offset(t + 1) + slot) = answer(y.col(slot), stream);
        }
      });
  return mixed;
}

}  // namespace detail

/// x', with tokens drawn as `sampling` says (a temperature of 0: the most likely). `state` has a column for each
/// record. Record r has a generator of its own: its x' depends on `rng` and on r, never on the other records. Throws
/// value_error if epsilon or an option is out of its range, shape_error if the state does not fit.
template <Stepper S>
Sequence<int> scheduled_sampling(S& stepper, std::type_identity_t<typename S::State> state, const Sequence<int>& x,
                                 double epsilon, const SamplingOptions& sampling, Rng& rng) {
  detail::require_sampling(sampling);
  return detail::mixed_inputs(stepper, std::move(state), x, epsilon, rng, [&](const auto& logits, Rng& stream) {
    return Matrix<int, 1, 1>(sample(logits, sampling, stream));
  });
}

/// The same of a SequenceModel that predicts numbers: what it reads next is y_{t-1} itself. Throws shape_error unless
/// it has as many outputs as inputs.
template <Model M, class Stored>
typename M::InputSequence scheduled_sampling(Prepared<M, Stored, Dynamic>& stepper,
                                             std::type_identity_t<typename M::template State<>> state,
                                             const typename M::InputSequence& x, double epsilon, Rng& rng) {
  const M& model = stepper.model();
  if (model.outputs() != model.inputs())
    detail::fail<shape_error>("the model has ", model.outputs(), " outputs, scheduled sampling of ", model.inputs(),
                              " inputs takes ", model.inputs());
  model.require_input(x);
  return detail::mixed_inputs(stepper, std::move(state), x, epsilon, rng,
                              [](const auto& y, Rng& /*stream*/) { return y; });
}

}  // namespace reprise
