#pragma once
// Cross-entropy in nats, from logits y_t, finite however large they are:
//
//   SoftmaxCrossEntropy     p_t = softmax(y_t)     L = -sum_t log p_t[target_t]        dL/dy_t = p_t - onehot(target_t)
//   BernoulliCrossEntropy   p_t = sigmoid(y_t)     L = -sum_t sum_k target log p + (1 - target) log(1 - p)
//                                                                                      dL/dy_t = p_t - target_t
//
// (Goodfellow et al., sections 6.2.2.2 and 6.2.2.3.)   y_t (outputs, batch)   target_t (1, batch) or (outputs, batch)
//
// Label smoothing (Szegedy et al., 2016, section 7; Goodfellow et al., 7.5.1): of K outputs the target is worth 1 - s + s/K, every
// other one s/K:   L = -sum_t sum_k w_k log p_t,k      dL/dy_t = p_t - w

#include <reprise/losses/reduction.hpp>

#include <optional>

namespace reprise {

struct SoftmaxCrossEntropy {
  Reduction reduction = Reduction::sum;
  std::optional<int> ignore = {};  ///< a target that does not count: no loss, no gradient
  double smoothing = 0;            ///< s, in [0, 1)

  /// Throws shape_error unless target is one row as long as y, value_error if a target is no output of the model or the
  /// smoothing out of its range.
  template <class Y, class Target, class DY>
  typename Y::Scalar operator()(const Y& y, const Target& target, DY&& dy) const {
    using Scalar = typename Y::Scalar;
    using std::exp, std::log;
    static_assert(std::is_integral_v<typename Target::Scalar>, "SoftmaxCrossEntropy takes targets that are tokens");
    detail::require_size(target.rows(), 1, "target", "rows", "SoftmaxCrossEntropy");
    detail::require_size(target.cols(), y.cols(), "target", "columns", "SoftmaxCrossEntropy of this model");
    if (!(smoothing >= 0 && smoothing < 1))
      detail::fail<value_error>("smoothing = ", smoothing, ", it must be in [0, 1)");
    const auto rest = static_cast<Scalar>(smoothing / static_cast<double>(std::max<Index>(y.rows(), 1)));
    const auto own = static_cast<Scalar>(1 - smoothing);
    detail::Sum<Scalar> sum(0);
    Index counted = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      const Index k = target(0, j);
      auto p = dy.col(j);
      if (ignore && k == *ignore) {
        p.setZero();
        continue;
      }
      if (k < 0 || k >= y.rows())
        detail::fail<value_error>("target ", k, ", the model has ", y.rows(), " outputs (0 to ", y.rows() - 1, ")");
      const Scalar largest = y.col(j).maxCoeff();
      p = (y.col(j).array() - largest).exp().matrix();
      const Scalar total = p.sum();
      const Scalar log_total = log(total);
      sum += own * (log_total - (y(k, j) - largest));  // -log p[k]
      p /= total;
      p(k) -= own;
      if (smoothing != 0) {
        sum += rest * (y.col(j).array() - largest - log_total).sum() * Scalar(-1);
        p.array() -= rest;
      }
      ++counted;
    }
    return detail::reduce<Scalar>(reduction, sum, counted, dy);
  }
};

struct BernoulliCrossEntropy {
  Reduction reduction = Reduction::sum;

  /// Throws shape_error unless y and target have the same shape, value_error if a target is not in [0, 1].
  template <class Y, class Target, class DY>
  typename Y::Scalar operator()(const Y& y, const Target& target, DY&& dy) const {
    using Scalar = typename Y::Scalar;
    using std::exp, std::log;
    detail::require_size(target.rows(), y.rows(), "target", "rows", "BernoulliCrossEntropy of this model");
    detail::require_size(target.cols(), y.cols(), "target", "columns", "BernoulliCrossEntropy of this model");
    detail::Sum<Scalar> sum(0);
    for (Index j = 0; j < y.cols(); ++j)
      for (Index i = 0; i < y.rows(); ++i) {
        const auto goal = static_cast<Scalar>(target(i, j));
        if (!(goal >= Scalar(0) && goal <= Scalar(1)))
          detail::fail<value_error>("target ", target(i, j), ", a probability is in [0, 1]");
        // With e = exp(-|y|) nothing overflows: -log sigmoid(|y|) = log(1 + e).
        const Scalar logit = y(i, j), e = exp(logit < Scalar(0) ? logit : -logit), one(1);
        const Scalar positive = logit < Scalar(0) ? Scalar(0) : logit;
        sum += positive - logit * goal + log(one + e);
        dy(i, j) = (logit < Scalar(0) ? e : one) / (one + e) - goal;
      }
    return detail::reduce<Scalar>(reduction, sum, y.cols(), dy);
  }
};

}  // namespace reprise
