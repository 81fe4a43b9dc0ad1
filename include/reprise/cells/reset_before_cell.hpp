#pragma once
// What the GRU of Cho et al. and the minimal gated unit have in common: the first gate, g_t, says how much of h_{t-1}
// the candidate sees, and stands before the product. The candidate is the last of the `Gates` blocks.
//
//   a_t = W_xh x_t + U h_{t-1} + b_h          the gates;  g_t = sigmoid(their first)
//   m_t = g_t * h_{t-1}
//   a_n = W_n x_t + U_n m_t + b_n             the candidate
//   h_t = activate(a_t, a_n, h_{t-1})
//
//   W_xh (gates hidden, inputs)   W_hh = (U, U_n)  (gates hidden, hidden)   b_h (gates hidden)
//   x_t (inputs, batch)           h_t, g_t, m_t (hidden, batch)
//
// Backward, from dh_t = dL/dh_t:
//
//   da_n, the other gates   = activate_back(dh_t)         leaving in dh what of dh_{t-1} comes through no gate
//   dm_t      = U_n^T da_n
//   da_g, dh += dm_t * g_t  = reset_back(dm_t)            dg_t = dm_t * h_{t-1}, and what else h_t has of g_t
//   dh_{t-1} += U^T da_t
//   dU += da_t h_{t-1}^T      dU_n += da_n m_t^T          dW_xh, db_h and dx_t as in AffineInput

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Cell_, class Scalar, int Inputs, int Hidden, int Gates, Bias bias>
struct ResetBeforeCell : GatedCell<Cell_, Scalar, Inputs, Hidden, Gates, bias> {
  using Base = typename ResetBeforeCell::GatedCell;
  using Base::Base;
  static constexpr bool activate_reads_h = true;

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (gates hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> m;          // (hidden, batch): m_t; in step_back, for a while, dm_t
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("m", &Trace::m)}; }
  };

  std::array<Index, 2> trace_rows() const { return {Gates * this->outputs(), this->outputs()}; }

  void recur(auto& packed, auto& trace, const auto& h_before) const {
    add_product(gates(trace.a), packed(gates(this->W_hh)), h_before);
    elementwise(
        [](auto& g, const auto& h, auto& m) {
          g = sigmoid(g);
          m = g * h;
        },
        gate(trace.a, 0), h_before, trace.m);
    add_product(candidate(trace.a), packed(candidate(this->W_hh)), trace.m);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    const auto& self = static_cast<const Cell_&>(*this);
    self.activate_back(before, trace, d);
    product(trace.m, packed(candidate(this->W_hh).transpose()), candidate(trace.a));  // dm_t = U_n^T da_n
    self.reset_back(before, trace, d);
    add_product(d.h, packed(gates(this->W_hh).transpose()), gates(trace.a));  // dh_{t-1} += U^T da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, ResetBeforeCell& gradient) const {
    Base::Input::accumulate(x, before, trace, gradient);
    add_product(gates(gradient.W_hh), gates(trace.a), before.h.transpose());         // dU += da_t h_{t-1}^T
    add_product(candidate(gradient.W_hh), candidate(trace.a), trace.m.transpose());  // dU_n += da_n m_t^T
  }

 protected:
  using Base::gate;
  auto gates(auto& stacked) const {
    return stacked.template topRows<times(Gates - 1, Hidden)>((Gates - 1) * this->outputs());
  }
  auto candidate(auto& stacked) const { return gate(stacked, Gates - 1); }
};

}  // namespace reprise
