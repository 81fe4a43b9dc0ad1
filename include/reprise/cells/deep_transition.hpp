#pragma once
// An RNN whose way from h_{t-1} to h_t is deep: there is a layer between them (Pascanu, Gulcehre, Cho and Bengio, "How to
// construct deep recurrent neural networks", ICLR 2014, arXiv 1312.6026, section 3, its DT-RNN; Goodfellow et al., Deep
// Learning, section 10.5, figure 10.13b):
//
//   a_t = W_xh x_t + W_hh h_{t-1} + b_h
//   z_t = f(a_t)                                     the intermediate layer
//   u_t = W_zh z_t + b_zh
//   h_t = f(u_t)                                     f is tanh, or another activation
//
// The layer makes the way through time twice as long. With Shortcut::present h_{t-1} also reaches h_t past it, which makes
// the network easier to train (DT(S)-RNN there; figure 10.13c):
//
//   u_t = W_zh z_t + W_skip h_{t-1} + b_zh
//
//   x_t (inputs, batch)   h_t, u_t (hidden, batch)   a_t, z_t (inner, batch)
//   W_xh (inner, inputs)  W_hh (inner, hidden)       b_h (inner)
//   W_zh (hidden, inner)  W_skip (hidden, hidden)    b_zh (hidden)
//
// Backward, from dh_t = dL/dh_t:
//
//   du_t = f'(u_t) * dh_t
//   da_t = f'(a_t) * (W_zh^T du_t)
//   dh_{t-1} = W_hh^T da_t + W_skip^T du_t
//   dW_zh += du_t z_t^T      dW_skip += du_t h_{t-1}^T      db_zh += du_t      the other products are those of GatedCell

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

/// Whether h_{t-1} reaches h_t past the intermediate layer, too. Part of the type; without it W_skip is empty.
enum class Shortcut : bool { absent, present };

/// Sizes::inner is the size of the intermediate layer; if 0 it is `Inner`, or where the type leaves that open, `hidden`.
template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Shortcut shortcut = Shortcut::absent,
          Bias bias = Bias::present, class Activation = Tanh, int Inner = Hidden>
struct DeepTransitionRNNCell
    : GatedCell<DeepTransitionRNNCell<Scalar, Inputs, Hidden, shortcut, bias, Activation, Inner>, Scalar, Inputs,
                Hidden, 1, bias, Inner> {
  using Base = typename DeepTransitionRNNCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = DeepTransitionRNNCell<S, I, H, shortcut, bias, Activation, Inner == Hidden ? H : Inner>;
  static constexpr bool skips = shortcut == Shortcut::present;

  Matrix<Scalar, Hidden, Inner> W_zh;
  Matrix<Scalar, skips ? Hidden : 0, skips ? Hidden : 0> W_skip;
  Vector<Scalar, bias == Bias::present ? Hidden : 0> b_zh;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_zh", &DeepTransitionRNNCell::W_zh),
                                                     field("W_skip", &DeepTransitionRNNCell::W_skip),
                                                     field("b_zh", &DeepTransitionRNNCell::b_zh)});
  }

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Inner> a;   // (inner, batch): a_t, after step_back da_t
    Part<Storage, Scalar, Inner> z;   // (inner, batch)
    Part<Storage, Scalar, Hidden> u;  // (hidden, batch): u_t, after step h_t, after step_back du_t
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("z", &Trace::z), field("u", &Trace::u)};
    }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit DeepTransitionRNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)})
      : Base(sizes, inner_of(sizes)) {
    set_sizes(sizes.hidden);
  }

  /// W_xh and W_zh after Glorot, W_hh and W_skip orthogonal, biases zero.
  DeepTransitionRNNCell(Sizes sizes, Rng& rng) : Base(sizes, inner_of(sizes), rng) {
    set_sizes(sizes.hidden);
    glorot(W_zh, rng);
    if constexpr (skips) orthogonal(W_skip, rng);
  }

  std::array<Index, 3> trace_rows() const { return {this->units(), this->units(), this->outputs()}; }

  void step(auto& packed, auto& trace, auto& state) const {
    this->recur(packed, trace, state.h);
    elementwise([](const auto& a, auto& z) { z = Activation::of(a); }, trace.a, trace.z);  // z_t = f(a_t)
    product(trace.u, packed(W_zh), trace.z);                                               // u_t = W_zh z_t
    if constexpr (skips) add_product(trace.u, packed(W_skip), state.h);                    //     + W_skip h_{t-1}
    add_bias(trace.u, b_zh);                                                               //     + b_zh
    elementwise([](auto& u, auto& h) { h = u = Activation::of(u); }, trace.u, state.h);    // h_t = f(u_t)
  }

  void step_back(auto& packed, const auto& /*before*/, auto& trace, auto& d) const {
    elementwise([](auto& u, const auto& dh) { u = Activation::slope(u) * dh; }, trace.u, d.h);    // du_t = f'(u_t) dh_t
    product(trace.a, packed(W_zh.transpose()), trace.u);                                          // dz_t = W_zh^T du_t
    elementwise([](auto& a, const auto& z) { a = Activation::slope(z) * a; }, trace.a, trace.z);  // da_t = f'(a_t) dz_t
    d.h.setZero();
    this->recur_back(packed, trace, d.h);                                        // dh_{t-1} = W_hh^T da_t
    if constexpr (skips) add_product(d.h, packed(W_skip.transpose()), trace.u);  //          + W_skip^T du_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, DeepTransitionRNNCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_product(gradient.W_zh, trace.u, trace.z.transpose());                          // dW_zh += du_t z_t^T
    if constexpr (skips) add_product(gradient.W_skip, trace.u, before.h.transpose());  // dW_skip += du_t h_{t-1}^T
    add_bias_gradient(gradient.b_zh, trace.u);                                         // db_zh += du_t
  }

 private:
  static Index inner_of(Sizes sizes) { return sizes.inner == 0 && Inner != Dynamic ? Inner : sizes.inner_or_hidden(); }

  void set_sizes(Index hidden) {
    W_zh.setZero(hidden, this->units());
    if constexpr (skips) W_skip.setZero(hidden, hidden);
    b_zh.setZero(bias == Bias::present ? hidden : 0);
  }
};

}  // namespace reprise
