#pragma once
// The exact log-probability of given sequences (Goodfellow et al., section 10.2.3, equations 10.31 to 10.33):
//
//   log P(y_1 .. y_T) = sum_t log p(y_t | y_1 .. y_{t-1})        p(y_t | ...) = softmax(logits_t)[y_t]
//
// in nats and in double: minus what SoftmaxCrossEntropy sums, a number for each record.

#include <reprise/core/sequence.hpp>
#include <reprise/decode/ragged.hpp>

namespace reprise {

namespace detail {
template <class Logits>
void add_log_probability(const Logits& logits, const auto& target, const Layout& layout, Index columns,
                         Vector<double>& sums) {
  LogSoftmax log_softmax;
  for (Index slot = 0; slot < columns; ++slot) {
    const Index token = target(0, slot);
    if (token < 0 || token >= logits.rows())
      fail<value_error>("target ", token, ", the model has ", logits.rows(), " outputs (0 to ", logits.rows() - 1, ")");
    log_softmax.read(logits.col(slot));
    sums(layout.record(slot)) += log_softmax(logits(token, slot));
  }
}
}  // namespace detail

/// From the logits of all steps, (vocabulary, at least the columns of `target`) in the order of target's layout: for
/// each record log P(target), 0 for a record without steps. log_probability(model.forward(x).values(), target). Throws
/// shape_error if there are too few columns, value_error for a target that is no output, non_finite_error for logits
/// that are no numbers.
template <class Logits>
Vector<double> log_probability(const Eigen::MatrixBase<Logits>& logits, const Sequence<int>& target) {
  const Layout& layout = target.layout();
  if (logits.cols() < layout.columns())
    detail::fail<shape_error>("logits have ", logits.cols(), " columns, the target ", layout.columns());
  Vector<double> sums = Vector<double>::Zero(target.batch());
  for (Index t = 0; t < layout.steps(); ++t)
    detail::add_log_probability(logits.middleCols(layout.offset(t), layout.running(t)), target.view(t), layout,
                                layout.running(t), sums);
  return sums;
}

/// By a stepper, which reads `begin` and then target_1, target_2, ...: what it gives each record of `target` from the
/// record's column of `state`. Throws besides shape_error unless there is one.
template <Stepper S>
Vector<double> log_probability(S& stepper, std::type_identity_t<typename S::State> state, const Sequence<int>& target,
                               const PerSource<int>& begin) {
  begin.require(target.batch(), "begin");
  Vector<double> sums = Vector<double>::Zero(target.batch());
  const Layout& layout = target.layout();
  detail::run_ragged(
      stepper, std::move(state), layout,
      [&](Index t) -> Tokens {
        if (t > 0) return target.view(t - 1).leftCols(layout.running(t));
        Tokens first(layout.running(0));
        for (Index slot = 0; slot < first.size(); ++slot) first(slot) = begin[layout.record(slot)];
        return first;
      },
      [&](Index t, const auto& logits) {
        detail::add_log_probability(logits, target.view(t), layout, layout.running(t), sums);
      });
  return sums;
}

}  // namespace reprise
