#pragma once
// Minimal gated unit: Zhou, Wu, Zhang and Zhou, "Minimal gated unit for recurrent neural networks" (2016, arXiv
// 1603.09420). One gate for both that a GRU has. Gates stand in the order f, n.
//
//   f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)                    forget gate
//   m_t = f_t * h_{t-1}
//   n_t = tanh(W_n x_t + U_n m_t + b_n)                           candidate
//   h_t = (1 - f_t) * h_{t-1} + f_t * n_t
//
//   W_xh = (W_f, W_n)  (2 hidden, inputs)             x_t (inputs, batch)
//   W_hh = (U_f, U_n)  (2 hidden, hidden)             h_t, f_t, m_t, n_t (hidden, batch)
//   b_h  = (b_f, b_n)  (2 hidden)
//
// Backward, from dh_t = dL/dh_t; a_t is the argument of the gates, the products are those of ResetBeforeCell:
//
//   dn_t = dh_t * f_t                          da_n = dn_t * (1 - n_t^2)                  dm_t = U_n^T da_n
//   df_t = dh_t * (n_t - h_{t-1}) + dm_t * h_{t-1}                                        da_f = df_t * f_t * (1 - f_t)
//   dh_{t-1} = dh_t * (1 - f_t) + dm_t * f_t + U_f^T da_f

#include <reprise/cells/reset_before_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct MGUCell : ResetBeforeCell<MGUCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 2, bias> {
  using Base = typename MGUCell::ResetBeforeCell;
  using Base::Base;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = MGUCell<S, I, H, bias>;

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (2 hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> m;          // (hidden, batch): m_t; in step_back, for a while, dm_t
    Part<Storage, Scalar, Hidden> df;         // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("m", &Trace::m), field("df", &Trace::df)};
    }
  };

  std::array<Index, 3> trace_rows() const { return {2 * this->outputs(), this->outputs(), this->outputs()}; }

  void activate(auto& trace, auto& state) const {
    elementwise(
        [](const auto& f, auto& n, auto& h) {
          n = tanh(n);
          h = h + f * (n - h);  // (1 - f) h + f n
        },
        gate(trace.a, 0), gate(trace.a, 1), state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](const auto& f, auto& n, const auto& h_before, auto& df, auto& dh) {
          const auto dn = dh * f;
          df = dh * (n - h_before);
          dh = dh * (1 - f);
          n = dn * (1 - n * n);
        },
        gate(trace.a, 0), gate(trace.a, 1), before.h, trace.df, d.h);
  }

  void reset_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& f, auto& m, const auto& h_before, const auto& df, auto& dh) {
          const auto dm = m;
          dh = dh + dm * f;
          m = f * h_before;  // m_t again, which accumulate reads
          f = (df + dm * h_before) * f * (1 - f);
        },
        gate(trace.a, 0), trace.m, before.h, trace.df, d.h);
  }

 private:
  using Base::gate;
};

}  // namespace reprise
