#pragma once
// First-order optimisers. Each holds its moments as modules of the model's own type, and its options as plain numbers that
// may be changed between steps (a schedule sets options.learning_rate). g is the gradient, p a parameter.
//
// Every step throws shape_error if the gradient is not of the model's shapes, non_finite_error if it is not finite, and
// value_error if an option is out of its range; it has then changed nothing.

#include <reprise/core/module.hpp>

#include <cmath>

namespace reprise {

namespace detail {
template <Module M>
void require_trainable(const M& model, const M& gradient, const M& moments) {
  require_like(model, gradient, "the gradient");
  require_like(model, moments, "the optimiser");
  require_finite(gradient, "the gradient of ");
}

inline void require_option(bool in_range, const char* name, double value) {
  if (!in_range) fail<value_error>(name, " = ", value, " is out of its range");
}
inline void require_learning_rate(double rate) {
  require_option(rate >= 0 && std::isfinite(rate), "learning_rate", rate);
}
}  // namespace detail

struct SGDOptions {
  double learning_rate = 1e-2;
  double momentum = 0;
};

/// v := momentum v + g,  p -= learning_rate v   (Goodfellow et al., algorithms 8.1 and 8.2; Sutskever et al., 2013)
template <Module M>
struct SGD {
  SGDOptions options;
  M v;

  explicit SGD(const M& model, SGDOptions options_ = {}) : options(options_), v(zeros_like(model)) {}

  void step(M& model, const M& gradient) {
    detail::require_learning_rate(options.learning_rate);
    detail::require_option(options.momentum >= 0 && options.momentum < 1, "momentum", options.momentum);
    detail::require_trainable(model, gradient, v);
    using Scalar = typename M::Scalar;
    const auto rate = static_cast<Scalar>(options.learning_rate), momentum = static_cast<Scalar>(options.momentum);
    for_each_run(
        [&](auto p, auto g, auto v_) {
          v_ = momentum * v_ + g;
          p -= rate * v_;
        },
        model, gradient, v);
  }
};

struct RMSPropOptions {
  double learning_rate = 1e-3;
  double decay = 0.9;
  double epsilon = 1e-8;
};

/// r := decay r + (1 - decay) g^2,  p -= learning_rate g / (sqrt(r) + epsilon)   (Hinton, 2012; Goodfellow et al., 8.5.2)
template <Module M>
struct RMSProp {
  RMSPropOptions options;
  M r;

  explicit RMSProp(const M& model, RMSPropOptions options_ = {}) : options(options_), r(zeros_like(model)) {}

  void step(M& model, const M& gradient) {
    detail::require_learning_rate(options.learning_rate);
    detail::require_option(options.decay >= 0 && options.decay < 1, "decay", options.decay);
    detail::require_trainable(model, gradient, r);
    using Scalar = typename M::Scalar;
    const auto rate = static_cast<Scalar>(options.learning_rate), decay = static_cast<Scalar>(options.decay);
    const auto fresh = static_cast<Scalar>(1 - options.decay);
    const auto epsilon = static_cast<Scalar>(options.epsilon);
    for_each_run(
        [&](auto p, auto g, auto r_) {
          r_ = decay * r_ + fresh * g.square();
          p -= rate * g / (r_.sqrt() + epsilon);
        },
        model, gradient, r);
  }
};

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< decoupled from the gradient: with it, this is AdamW
};

/// Adam (Kingma and Ba, 2015, algorithm 1), with weight decay AdamW (Loshchilov and Hutter, 2019, algorithm 2):
///   m := beta1 m + (1 - beta1) g          v := beta2 v + (1 - beta2) g^2
///   p -= learning_rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay p)
template <Module M>
struct Adam {
  AdamOptions options;
  M m, v;
  Index t = 0;  ///< steps taken

  explicit Adam(const M& model, AdamOptions options_ = {})
      : options(options_), m(zeros_like(model)), v(zeros_like(model)) {}

  void step(M& model, const M& gradient) {
    detail::require_learning_rate(options.learning_rate);
    detail::require_option(options.beta1 >= 0 && options.beta1 < 1, "beta1", options.beta1);
    detail::require_option(options.beta2 >= 0 && options.beta2 < 1, "beta2", options.beta2);
    detail::require_trainable(model, gradient, m);
    ++t;
    using Scalar = typename M::Scalar;
    const double steps = static_cast<double>(t);
    const auto beta1 = static_cast<Scalar>(options.beta1), beta2 = static_cast<Scalar>(options.beta2);
    const auto fresh1 = static_cast<Scalar>(1 - options.beta1), fresh2 = static_cast<Scalar>(1 - options.beta2);
    const auto rate = static_cast<Scalar>(options.learning_rate / (1 - std::pow(options.beta1, steps)));
    const auto scale = static_cast<Scalar>(1 / (1 - std::pow(options.beta2, steps)));
    const auto epsilon = static_cast<Scalar>(options.epsilon);
    const auto keep = static_cast<Scalar>(1 - options.learning_rate * options.weight_decay);
    for_each_run(
        [&](auto p, auto g, auto m_, auto v_) {
          m_ = beta1 * m_ + fresh1 * g;
          v_ = beta2 * v_ + fresh2 * g.square();
          p = keep * p - rate * m_ / ((scale * v_).sqrt() + epsilon);
        },
        model, gradient, m, v);
  }
};

}  // namespace reprise
