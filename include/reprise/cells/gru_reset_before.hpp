#pragma once
// Gated recurrent unit as it was first written: Cho et al. (2014), arXiv 1406.1078v3, equations 5 to 8, with biases.
// The reset gate stands before the product with U_n; in GRUCell, as PyTorch computes it, it stands behind. Gates stand
// in the order r, z, n.
//
//   r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)                    reset gate
//   z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)                    update gate
//   m_t = r_t * h_{t-1}
//   n_t = tanh(W_n x_t + U_n m_t + b_n)                           candidate
//   h_t = (1 - z_t) * n_t + z_t * h_{t-1}
//
//   W_xh = (W_r, W_z, W_n)  (3 hidden, inputs)        x_t (inputs, batch)
//   W_hh = (U_r, U_z, U_n)  (3 hidden, hidden)        h_t, r_t, z_t, m_t, n_t (hidden, batch)
//   b_h  = (b_r, b_z, b_n)  (3 hidden)
//
// Backward, from dh_t = dL/dh_t; a_t is the argument of the gates, the products are those of ResetBeforeCell:
//
//   dn_t = dh_t * (1 - z_t)                    dz_t = dh_t * (h_{t-1} - n_t)
//   da_n = dn_t * (1 - n_t^2)                  da_z = dz_t * z_t * (1 - z_t)
//   dm_t = U_n^T da_n                          da_r = dm_t * h_{t-1} * r_t * (1 - r_t)
//   dh_{t-1} = dh_t * z_t + dm_t * r_t + U_r^T da_r + U_z^T da_z

#include <reprise/cells/reset_before_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct ResetBeforeGRUCell
    : ResetBeforeCell<ResetBeforeGRUCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 3, bias> {
  using Base = typename ResetBeforeGRUCell::ResetBeforeCell;
  using Base::Base;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = ResetBeforeGRUCell<S, I, H, bias>;

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](auto& z, auto& n, auto& h) {
          z = sigmoid(z);
          n = tanh(n);
          h = n + z * (h - n);  // (1 - z) n + z h
        },
        gate(trace.a, 1), gate(trace.a, 2), state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& z, auto& n, const auto& h_before, auto& dh) {
          const auto dn = dh * (1 - z), dz = dh * (h_before - n);
          dh = dh * z;
          n = dn * (1 - n * n);
          z = dz * z * (1 - z);
        },
        gate(trace.a, 1), gate(trace.a, 2), before.h, d.h);
  }

  void reset_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& r, auto& m, const auto& h_before, auto& dh) {
          const auto dm = m, dr = dm * h_before;
          dh = dh + dm * r;
          m = r * h_before;  // m_t again, which accumulate reads
          r = dr * r * (1 - r);
        },
        gate(trace.a, 0), trace.m, before.h, d.h);
  }

 private:
  using Base::gate;
};

}  // namespace reprise
