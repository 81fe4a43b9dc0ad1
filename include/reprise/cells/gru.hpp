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

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct GRUCell : GatedCell<GRUCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 3, bias> {
  using Base = typename GRUCell::GatedCell;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = GRUCell<S, I, H, bias>;
  static constexpr bool activate_reads_h = true;

  Vector<Scalar, bias == Bias::present ? Hidden : 0> b_hn;

  static constexpr auto fields() { return std::tuple_cat(Base::fields(), std::tuple{field("b_hn", &GRUCell::b_hn)}); }

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (3 hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> m;          // (hidden, batch)
    Part<Storage, Scalar, Hidden> dm;         // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("m", &Trace::m), field("dm", &Trace::dm)};
    }
  };

  explicit GRUCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    b_hn.setZero(bias == Bias::present ? sizes.hidden : 0);
  }
  GRUCell(Sizes sizes, Rng& rng) : Base(sizes, rng) { b_hn.setZero(bias == Bias::present ? sizes.hidden : 0); }

  std::array<Index, 3> trace_rows() const { return {3 * this->outputs(), this->outputs(), this->outputs()}; }

  void recur(auto& packed, auto& trace, const auto& h_before) const {
    add_product(gates_rz(trace.a), packed(gates_rz(this->W_hh)), h_before);
    product(trace.m, packed(gate(this->W_hh, 2)), h_before);  // m_t = U_n h_{t-1} + b_hn
    add_bias(trace.m, b_hn);
  }

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& r, auto& z, auto& n, const auto& m, auto& h) {
          r = sigmoid(r);
          z = sigmoid(z);
          n = tanh(n + r * m);
          h = n + z * (h - n);  // (1 - z) n + z h
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), trace.m, state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
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
  }

  void recur_back(auto& packed, const auto& trace, auto& dh_before) const {
    add_product(dh_before, packed(gates_rz(this->W_hh).transpose()), gates_rz(trace.a));
    add_product(dh_before, packed(gate(this->W_hh, 2).transpose()), trace.dm);
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, GRUCell& gradient) const {
    add_product(gradient.W_xh, trace.a, x.transpose());
    add_product(gates_rz(gradient.W_hh), gates_rz(trace.a), before.h.transpose());
    add_product(gate(gradient.W_hh, 2), trace.dm, before.h.transpose());
    add_bias_gradient(gradient.b_h, trace.a);
    add_bias_gradient(gradient.b_hn, trace.dm);
  }

 private:
  using Base::gate;
  auto gates_rz(auto& stacked) const { return stacked.template topRows<times(2, Hidden)>(2 * this->outputs()); }
};

}  // namespace reprise
