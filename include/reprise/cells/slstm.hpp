#pragma once
// sLSTM, one head: Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024, arXiv 2405.04517), equations 8 to 17.
// An LSTM whose input gate is an exponential, so that it can outvote what is stored, and whose memory is divided by
// n_t, the weights it has gathered. Gates stand in the order i, f, z, o.
//
//   (i~_t, f~_t, z~_t, o~_t) = W_xh x_t + W_hh h_{t-1} + b_h
//   i_t = exp(i~_t)        f_t = sigmoid(f~_t)        z_t = tanh(z~_t)        o_t = sigmoid(o~_t)
//   c_t = f_t * c_{t-1} + i_t * z_t
//   n_t = f_t * n_{t-1} + i_t
//   h_t = o_t * c_t / n_t
//
//   x_t (inputs, batch)   h_t, c_t, n_t, m_t and the gates (hidden, batch)
//   W_xh (4 hidden, inputs)   W_hh (4 hidden, hidden)   b_h (4 hidden)
//
// exp(i~_t) may be too large for a number. The state holds c_t and n_t times exp(-m_t), which h_t does not feel, for
// any m_t, and i', f' stand for i, f above:
//
//   m_t  = max(m_{t-1} + min(f~_t, 0) - [n_{t-1} < 1/2],  i~_t)
//   i'_t = exp(i~_t - m_t)
//   f'_t = f_t exp(m_{t-1} - m_t) = exp(m_{t-1} + min(f~_t, 0) - m_t) / (1 + exp(-|f~_t|))
//
// The paper has log f_t where min(f~_t, 0) is here, larger by at most log 2: f' is then as small as 1/2, and n_t would
// shrink step by step while the input gate is shut. [n_{t-1} < 1/2] is 1 where that has gone far enough, else 0: from a
// fresh state on, n_t never falls below 1/4. In a fresh state n_{t-1} = 0; there m_t = i~_t and f'_t = 0.
//
// Backward, from dh_t, and from dc_t, dn_t, dm_t, which step t+1 sent back; e_i and e_f are the exponents of i' and f',
// and the products are those of GatedCell:
//
//   dm_t -= dc_t c_t + dn_t n_t             all that m_t does, within i' and f', too: 0 for a loss of the h alone
//   do_t  = dh_t * c_t / n_t        dc_t += dh_t * o_t / n_t        dn_t -= dh_t * o_t * c_t / n_t^2
//   de_i  = (dc_t * z_t + dn_t) * i'_t            de_f = (dc_t * c_{t-1} + dn_t * n_{t-1}) * f'_t
//   dc_{t-1} = dc_t * f'_t          dn_{t-1} = dn_t * f'_t          dz_t = dc_t * i'_t
//   where m_t = i~_t:   dm_{t-1} = de_f           df~_t = de_f (1 - f_t)                      di~_t = de_i + dm_t
//   elsewhere:          dm_{t-1} = de_f + dm_t    df~_t = de_f (1 - f_t) + dm_t [f~_t < 0]    di~_t = de_i
//   da_t  = (di~_t,  df~_t,  dz_t (1 - z_t^2),  do_t o_t (1 - o_t))

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct SLSTMCell : GatedCell<SLSTMCell<Scalar, Inputs, Hidden, bias>, Scalar, Inputs, Hidden, 4, bias> {
  using Base = typename SLSTMCell::GatedCell;
  static constexpr bool entries_stand_alone = false;  // c and n are times exp(-m)
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = SLSTMCell<S, I, H, bias>;

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;  // (hidden, batch), times exp(-m)
    Part<Storage, Scalar, Hidden> n;  // (hidden, batch), times exp(-m)
    Part<Storage, Scalar, Hidden> m;  // (hidden, batch)
    static constexpr auto fields() {
      return std::tuple{field("h", &State::h), field("c", &State::c), field("n", &State::n), field("m", &State::m)};
    }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 hidden, batch): a_t, after step i', f~, z, o, after step_back da_t
    Part<Storage, Scalar, Hidden> f;          // (hidden, batch): f'
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("f", &Trace::f)}; }
  };

  using Base::Base;

  /// As every GatedCell, but biases of 1 for the forget gate, as LSTMCell has them.
  SLSTMCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    if constexpr (bias == Bias::present) gate(this->b_h, 1).setOnes();
  }

  std::array<Index, 4> state_rows() const {
    return {this->outputs(), this->outputs(), this->outputs(), this->outputs()};
  }
  std::array<Index, 2> trace_rows() const { return {4 * this->outputs(), this->outputs()}; }

  void activate(auto& trace, auto& state) const {
    elementwise(
        []<class A>(A& i, const A& f, A& z, A& o, A& f_scaled, A& c, A& n, A& m, A& h) {
          const A log_f = f < 0 ? f : A{};  // nearly
          const A kept = m + log_f, stay = kept - (2 * n < 1 ? A{} + 1 : A{});
          m = n == 0 ? i : stay > i ? stay : i;
          f_scaled = n == 0 ? A{} : exp(kept - m) / (1 + exp(f < 0 ? f : -f));
          i = exp(i - m);
          z = tanh(z);
          o = sigmoid(o);
          c = f_scaled * c + i * z;
          n = f_scaled * n + i;
          h = o * c / n;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), trace.f, state.c, state.n, state.m,
        state.h);
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    elementwise(
        []<class A>(A& i, A& f, A& z, A& o, const A& f_scaled, const A& c_before, const A& n_before, A& dc, A& dn,
                    A& dm, const A& dh) {
          const A c = f_scaled * c_before + i * z, n = f_scaled * n_before + i;
          dm = dm - dc * c - dn * n;
          const A do_t = dh * c / n;
          dc = dc + dh * o / n;
          dn = dn - dh * o * c / (n * n);
          const A de_i = (dc * z + dn) * i, de_f = (dc * c_before + dn * n_before) * f_scaled, dz = dc * i;
          dc = dc * f_scaled;                // dc_{t-1}
          dn = dn * f_scaled;                // dn_{t-1}
          const A dstay = i < 1 ? dm : A{};  // i' is 1 where m_t = i~
          i = de_i + (dm - dstay);
          dm = de_f + dstay;  // dm_{t-1}
          f = de_f * (1 - sigmoid(f)) + (f < 0 ? dstay : A{});
          z = dz * (1 - z * z);
          o = do_t * o * (1 - o);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), gate(trace.a, 3), trace.f, before.c, before.n, d.c, d.n,
        d.m, d.h);
  }

 private:
  using Base::gate;
};

}  // namespace reprise
