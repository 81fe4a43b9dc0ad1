#pragma once
// The recurrent network of Elman (1990), in Goodfellow et al., Deep Learning, equations 10.8 and 10.9:
//
//   a_t = W_xh x_t + W_hh h_{t-1} + b_h
//   h_t = tanh(a_t)
//
//   x_t (inputs, batch)   h_t, a_t (hidden, batch)   W_xh (hidden, inputs)   W_hh (hidden, hidden)   b_h (hidden)
//
// Backward, from dh_t = dL/dh_t (equations 10.22 to 10.28 there):
//
//   da_t     = (1 - h_t^2) * dh_t          since tanh' = 1 - tanh^2
//   dh_{t-1} = W_hh^T da_t                 dx_t = W_xh^T da_t
//   dW_xh   += da_t x_t^T                  dW_hh += da_t h_{t-1}^T        db_h += da_t, summed over the batch

#include <reprise/core/cell.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Scalar_, int Inputs_ = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct RNNCell {
  using Scalar = Scalar_;
  static constexpr int Inputs = Inputs_, Outputs = Hidden;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = RNNCell<S, I, H, bias>;

  Matrix<Scalar, Hidden, Inputs> W_xh;
  Matrix<Scalar, Hidden, Hidden> W_hh;
  Vector<Scalar, bias == Bias::present ? Hidden : 0> b_h;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &RNNCell::W_xh), field("W_hh", &RNNCell::W_hh), field("b_h", &RNNCell::b_h)};
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Hidden> a;  // (hidden, batch): a_t, after step h_t, after step_back da_t
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit RNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) {
    const Index inputs = checked_size(sizes.inputs, Inputs, "inputs");
    const Index hidden = checked_size(sizes.hidden, Hidden, "hidden");
    W_xh.setZero(hidden, inputs);
    W_hh.setZero(hidden, hidden);
    b_h.setZero(bias == Bias::present ? hidden : 0);
  }

  /// W_xh after Glorot, W_hh orthogonal, the bias zero.
  RNNCell(Sizes sizes, Rng& rng) : RNNCell(sizes) {
    glorot(W_xh, rng);
    orthogonal(W_hh, rng);
  }

  Index inputs() const { return W_xh.cols(); }
  Index outputs() const { return W_xh.rows(); }
  std::array<Index, 1> state_rows() const { return {outputs()}; }
  std::array<Index, 1> trace_rows() const { return {outputs()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.a, packed(W_xh), x);
    add_bias(trace.a, b_h);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    add_product(trace.a, packed(W_hh), state.h);                               // a_t = W_xh x_t + b_h + W_hh h_{t-1}
    elementwise([](auto& a, auto& h) { h = a = tanh(a); }, trace.a, state.h);  // h_t = tanh(a_t)
  }

  void step_back(auto& packed, const auto& /*before*/, auto& trace, auto& d) const {
    elementwise([](auto& a, const auto& dh) { a = (1 - a * a) * dh; }, trace.a, d.h);  // da_t = (1 - h_t^2) dh_t
    product(d.h, packed(W_hh.transpose()), trace.a);                                   // dh_{t-1} = W_hh^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, RNNCell& gradient) const {
    add_product(gradient.W_xh, trace.a, x.transpose());         // dW_xh += da_t x_t^T
    add_product(gradient.W_hh, trace.a, before.h.transpose());  // dW_hh += da_t h_{t-1}^T
    add_bias_gradient(gradient.b_h, trace.a);                   // db_h += da_t
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(W_xh.transpose()), trace.a);  // dx_t = W_xh^T da_t
  }
};

}  // namespace reprise
