#pragma once
// Gated recurrent unit, reset after the product: Cho et al. (2014) as cuDNN and PyTorch compute it, the reset gate applied
// to W_n h_{t-1} and not to h_{t-1}. Gates stand in the order r, z, n of PyTorch, in W_hh the rows of n last.
//
//   r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)                    reset gate
//   z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)                    update gate
//   m_t = U_n h_{t-1} + b_hn
//   n_t = tanh(W_n x_t + b_n + r_t * m_t)                         candidate
//   h_t = (1 - z_t) * n_t + z_t * h_{t-1}
//
//   W_xh = (W_r, W_z, W_n)  (3 hidden, inputs)        x_t (inputs, batch)
//   W_hh = (U_r, U_z, U_n)  (3 hidden, hidden)        h_t, r_t, z_t, m_t, n_t (hidden, batch)
//   b_h  = (b_r, b_z, b_n)  (3 hidden)                b_hn (hidden)
//
// Backward, from dh_t = dL/dh_t; a_t is the argument of the gates:
//
//   dn_t = dh_t * (1 - z_t)                    dz_t = dh_t * (h_{t-1} - n_t)
//   da_n = dn_t * (1 - n_t^2)                  da_z = dz_t * z_t * (1 - z_t)
//   dm_t = da_n * r_t                          da_r = da_n * m_t * r_t * (1 - r_t)
//   dh_{t-1} = dh_t * z_t + U_r^T da_r + U_z^T da_z + U_n^T dm_t
//   dW_xh += da_t x_t^T      d(U_r, U_z) += (da_r, da_z) h_{t-1}^T      dU_n += dm_t h_{t-1}^T      dx_t = W_xh^T da_t
//   db_h  += da_t            db_hn += dm_t, both summed over the batch

#include <reprise/core/cell.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementwise.hpp>
#include <reprise/kernels/product.hpp>

namespace reprise {

template <class Scalar_, int Inputs_ = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct GRUCell {
  using Scalar = Scalar_;
  static constexpr int Inputs = Inputs_, Outputs = Hidden, Gates = times(3, Hidden);
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = GRUCell<S, I, H, bias>;

  Matrix<Scalar, Gates, Inputs> W_xh;
  Matrix<Scalar, Gates, Hidden> W_hh;
  Vector<Scalar, bias == Bias::present ? Gates : 0> b_h;
  Vector<Scalar, bias == Bias::present ? Hidden : 0> b_hn;

  static constexpr auto fields() {
    return std::tuple{field("W_xh", &GRUCell::W_xh), field("W_hh", &GRUCell::W_hh), field("b_h", &GRUCell::b_h),
                      field("b_hn", &GRUCell::b_hn)};
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Gates> a;    // (3 hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> m;   // (hidden, batch)
    Part<Storage, Scalar, Hidden> dm;  // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("m", &Trace::m), field("dm", &Trace::dm)};
    }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit GRUCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) {
    const Index inputs = checked_size(sizes.inputs, Inputs, "inputs");
    const Index hidden = checked_size(sizes.hidden, Hidden, "hidden");
    W_xh.setZero(3 * hidden, inputs);
    W_hh.setZero(3 * hidden, hidden);
    b_h.setZero(bias == Bias::present ? 3 * hidden : 0);
    b_hn.setZero(bias == Bias::present ? hidden : 0);
  }

  /// Each gate's W_xh after Glorot and W_hh orthogonal, biases zero.
  GRUCell(Sizes sizes, Rng& rng) : GRUCell(sizes) {
    for (const Index k : {0, 1, 2}) {
      glorot(gate(W_xh, k), rng);
      orthogonal(gate(W_hh, k), rng);
    }
  }

  Index inputs() const { return W_xh.cols(); }
  Index outputs() const { return W_hh.cols(); }
  std::array<Index, 1> state_rows() const { return {outputs()}; }
  std::array<Index, 3> trace_rows() const { return {3 * outputs(), outputs(), outputs()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.a, packed(W_xh), x);
    add_bias(trace.a, b_h);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    add_product(gates_rz(trace.a), packed(gates_rz(W_hh)), state.h);
    product(trace.m, packed(gate(W_hh, 2)), state.h);  // m_t = U_n h_{t-1} + b_hn
    add_bias(trace.m, b_hn);
    elementwise(
        [](auto& r, auto& z, auto& n, const auto& m, auto& h) {
          r = sigmoid(r);
          z = sigmoid(z);
          n = tanh(n + r * m);
          h = n + z * (h - n);  // (1 - z) n + z h
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), trace.m, state.h);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& r, auto& z, auto& n, const auto& h_before, const auto& m, auto& dm, auto& dh) {
          const auto dn = dh * (1 - z), dz = dh * (h_before - n);
          dh = dh * z;  // the part of dh_{t-1} that does not pass through the gates
          n = dn * (1 - n * n);
          z = dz * z * (1 - z);
          dm = n * r;
          r = n * m * r * (1 - r);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), before.h, trace.m, trace.dm, d.h);
    add_product(d.h, packed(gates_rz(W_hh).transpose()), gates_rz(trace.a));
    add_product(d.h, packed(gate(W_hh, 2).transpose()), trace.dm);
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, GRUCell& gradient) const {
    add_product(gradient.W_xh, trace.a, x.transpose());
    add_product(gates_rz(gradient.W_hh), gates_rz(trace.a), before.h.transpose());
    add_product(gate(gradient.W_hh, 2), trace.dm, before.h.transpose());
    add_bias_gradient(gradient.b_h, trace.a);
    add_bias_gradient(gradient.b_hn, trace.dm);
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(W_xh.transpose()), trace.a);  // dx_t = W_xh^T da_t
  }

 private:
  auto gate(auto& stacked, Index k) const { return row_block<Hidden>(stacked, k, outputs()); }
  auto gates_rz(auto& stacked) const { return stacked.template topRows<times(2, Hidden)>(2 * outputs()); }
};

}  // namespace reprise
