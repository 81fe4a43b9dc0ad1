#pragma once
// IndRNN: Li, Li, Cook, Zhu and Gao, "Independently recurrent neural network (IndRNN): building a longer and deeper
// RNN" (CVPR 2018, arXiv 1803.04831). A unit sees its own past only; others it meets in the layer above.
//
//   a_t = W_xh x_t + b_h
//   h_t = f(a_t + u * h_{t-1})                f is relu, or another activation: Tanh, Sigmoid, Identity
//
//   x_t (inputs, batch)   h_t, a_t (hidden, batch)   W_xh (hidden, inputs)   u, b_h (hidden)
//
// Backward, from dh_t = dL/dh_t; the products are those of AffineInput:
//
//   da_t = f'(a_t + u * h_{t-1}) * dh_t       dh_{t-1} = u * da_t       du += da_t * h_{t-1}, summed over the batch
//
// Through T steps of relu that let it pass, dh_t becomes u^T dh_t: |u| alone decides how far back a unit sees, and the
// paper holds it below a bound a little larger than 1.

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, class Activation = Relu>
struct IndRNNCell : AffineInput<Scalar, Inputs, Hidden, 1, bias> {
  using Base = typename IndRNNCell::AffineInput;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = IndRNNCell<S, I, H, bias, Activation>;

  Vector<Scalar, Hidden> u;

  static constexpr auto fields() { return std::tuple_cat(Base::fields(), std::tuple{field("u", &IndRNNCell::u)}); }

  explicit IndRNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    u.setZero(sizes.hidden);
  }

  /// W_xh after Glorot, the bias zero, u uniform in [0, 1] as in the paper: units that forget at once beside units that
  /// hardly forget.
  IndRNNCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    u.resize(sizes.hidden);
    for (Scalar& u_i : u) u_i = static_cast<Scalar>(rng.uniform());
  }

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise([](auto& a, const auto& u_, auto& h) { h = a = Activation::of(a + u_ * h); }, trace.a,
                each_column(u, trace.a), state.h);
  }

  void step_back(auto& /*packed*/, const auto& /*before*/, auto& trace, auto& d) const {
    elementwise(
        [](auto& a, const auto& u_, auto& dh) {
          a = Activation::slope(a) * dh;  // da_t = f' dh_t
          dh = u_ * a;                    // dh_{t-1} = u da_t
        },
        trace.a, each_column(u, trace.a), d.h);
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, IndRNNCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_sum_of_products(gradient.u, trace.a, before.h);  // du += da_t h_{t-1}
  }
};

}  // namespace reprise
