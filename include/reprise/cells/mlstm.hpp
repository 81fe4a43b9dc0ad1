#pragma once
// mLSTM, one head: Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024, arXiv 2405.04517), equations 19 to 27.
// Its memory is a matrix C that answers a query q with the values v whose keys k are like it. Nothing but the memory
// depends on what was before: h_{t-1} is not read.
//
//   q_t = W_q x_t + b_q                          k_t = W_k x_t / sqrt(hidden) + b_k            query, key
//   v_t = W_v x_t + b_v                          o_t = sigmoid(W_o x_t + b_o)                  value, output gate
//   (i~_t, f~_t) = W_if x_t + b_if               i_t = exp(i~_t)       f_t = sigmoid(f~_t)     one number a record
//   C_t = f_t C_{t-1} + i_t v_t k_t^T
//   n_t = f_t n_{t-1} + i_t k_t
//   h_t = o_t * r_t        r_t = C_t q_t / d_t        d_t = max(|n_t . q_t|, 1)
//
//   W_xh = (W_q, W_k, W_v, W_o)  (4 hidden, inputs)   b_h = (b_q, b_k, b_v, b_o)  (4 hidden)   x_t (inputs, batch)
//   W_if (2, inputs)   b_if (2)      h_t, q_t, k_t, v_t, o_t, n_t, r_t (hidden, batch)      i_t, f_t, d_t (1, batch)
//   C_t (hidden^2, batch): of each record a matrix of hidden x hidden, column by column
//
// exp(i~_t) may be too large for a number. As in the authors' code, the state holds C_t and n_t times exp(-m_t), m_t
// (1, batch), which h_t does not feel, and i', f' stand for i, f above:
//
//   m_t = max(log f_t + m_{t-1}, i~_t)      i'_t = exp(i~_t - m_t)      f'_t = exp(log f_t + m_{t-1} - m_t)
//   d_t = max(|n_t . q_t|, exp(-m_t))
//
// Training keeps the state each step began with, which is hidden^2 numbers for each step of each record.
//
// Backward, from dh_t, and from dC_t, dn_t, dm_t, which step t+1 sent back; e_i and e_f are the exponents of i' and f':
//
//   do_t = dh_t * r_t          dr_t = dh_t * o_t          du_t = dr_t / d_t                 u_t = C_t q_t = d_t r_t
//   where d_t = |s|, s = n_t . q_t:  ds = -r_t . dr_t / s         elsewhere:  ds = 0,   dm_t += r_t . dr_t
//   dC_t += du_t q_t^T         dn_t += ds q_t             dq_t = C_t^T du_t + ds n_t
//   dv_t = i' dC_t k_t         dk_t = i' (dC_t^T v_t + dn_t)
//   de_i = i' (v_t . dC_t k_t + dn_t . k_t)               de_f = f' (<dC_t, C_{t-1}> + dn_t . n_{t-1})
//   dm_t -= de_i + de_f        dC_{t-1} = f' dC_t         dn_{t-1} = f' dn_t                dh_{t-1} = 0
//   where m_t = i~_t:  dm_{t-1} = de_f,  di~_t = de_i + dm_t      elsewhere:  dm_{t-1} = de_f + dm_t,  di~_t = de_i
//   df~_t = dm_{t-1} (1 - f_t)
//   da_t = (dq_t,  dk_t / sqrt(hidden),  dv_t,  do_t o_t (1 - o_t))
//   dW_xh += da_t x_t^T     dW_if += (di~_t, df~_t) x_t^T     dx_t = W_xh^T da_t + W_if^T (di~_t, df~_t)
//   db_h += da_t, for b_k without / sqrt(hidden)      db_if += (di~_t, df~_t), both summed over the batch

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct MLSTMCell : AffineInput<Scalar, Inputs, Hidden, 4, bias> {
  using Base = typename MLSTMCell::AffineInput;
  static constexpr bool entries_stand_alone = false;  // C and n are times exp(-m)
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = MLSTMCell<S, I, H, bias>;

  Matrix<Scalar, 2, Inputs> W_if;
  Vector<Scalar, bias == Bias::present ? 2 : 0> b_if;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_if", &MLSTMCell::W_if), field("b_if", &MLSTMCell::b_if)});
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;                 // (hidden, batch)
    Part<Storage, Scalar, times(Hidden, Hidden)> C;  // (hidden^2, batch), times exp(-m)
    Part<Storage, Scalar, Hidden> n;                 // (hidden, batch), times exp(-m)
    Part<Storage, Scalar, 1> m;                      // (1, batch)
    static constexpr auto fields() {
      return std::tuple{field("h", &State::h), field("C", &State::C), field("n", &State::n), field("m", &State::m)};
    }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (4 hidden, batch): q, k, v, o, after step_back da_t
    Part<Storage, Scalar, Hidden> r;          // (hidden, batch)
    Part<Storage, Scalar, 2> g;               // (2, batch): i~, f~, after step i', f', after step_back di~, df~
    Part<Storage, Scalar, 2> kept;            // (2, batch): 1 - f, m_t
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("r", &Trace::r), field("g", &Trace::g),
                        field("kept", &Trace::kept)};
    }
  };

  explicit MLSTMCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    W_if.setZero(2, sizes.inputs);
    b_if.setZero(bias == Bias::present ? 2 : 0);
  }

  /// As every AffineInput; W_if zero and the bias of the forget gate 3, so that a new cell remembers.
  MLSTMCell(Sizes sizes, Rng& rng) : MLSTMCell(sizes) {
    this->W_xh = Base(sizes, rng).W_xh;
    if constexpr (bias == Bias::present) b_if(1) = 3;
  }

  std::array<Index, 4> state_rows() const {
    return {this->outputs(), this->outputs() * this->outputs(), this->outputs(), 1};
  }
  std::array<Index, 4> trace_rows() const { return {4 * this->outputs(), this->outputs(), 2, 2}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.a, packed(this->W_xh), x);
    gate(trace.a, 1) /= root();
    add_bias(trace.a, this->b_h);
    product(trace.g, packed(W_if), x);
    add_bias(trace.g, b_if);
  }

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise([](auto& o) { o = sigmoid(o); }, gate(trace.a, 3));
    for (Index record = 0; record < state.h.cols(); ++record) {
      const auto q = vector(trace.a, 0, record), k = vector(trace.a, 1, record), v = vector(trace.a, 2, record),
                 o = vector(trace.a, 3, record);
      auto r = trace.r.col(record), n = state.n.col(record);
      auto g = trace.g.col(record), kept = trace.kept.col(record);
      Scalar& m = state.m(0, record);

      using std::log;
      const Scalar u = exp(g(1) < 0 ? g(1) : -g(1));  // f = 1 / (1 + u) or, of negative f~, u / (1 + u)
      const Scalar stay = m + (g(1) < 0 ? g(1) : Scalar(0)) - log(1 + u);
      kept(0) = (g(1) < 0 ? Scalar(1) : u) / (1 + u);
      m = kept(1) = stay > g(0) ? stay : g(0);
      const Scalar i = g(0) = exp(g(0) - m), f = g(1) = exp(stay - m);

      n = f * n + i * k;
      r.setZero();
      for (Index j = 0; j < k.size(); ++j) {
        auto C_j = vector(state.C, j, record);
        C_j = f * C_j + i * k(j) * v;
        r += q(j) * C_j;
      }
      r /= divisor(n.dot(q), m);
      state.h.col(record) = o.cwiseProduct(r);
    }
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    for (Index record = 0; record < d.h.cols(); ++record) {
      auto q = vector(trace.a, 0, record), k = vector(trace.a, 1, record), v = vector(trace.a, 2, record),
           o = vector(trace.a, 3, record);
      auto r = trace.r.col(record), dn = d.n.col(record), du = d.h.col(record);
      auto g = trace.g.col(record);
      const auto n_before = before.n.col(record);
      const Scalar i = g(0), f = g(1), m = trace.kept(1, record);
      Scalar& dm = d.m(0, record);

      const Scalar s = f * n_before.dot(q) + i * k.dot(q), d_t = divisor(s, m);
      elementwise(
          [](auto& o_t, const auto& r_t, auto& dh) {
            const auto do_t = dh * r_t;
            dh = dh * o_t;  // dr_t
            o_t = do_t * o_t * (1 - o_t);
          },
          o, r, du);
      const Scalar r_dr = r.dot(du);
      const bool divided_by_s = std::abs(s) > least(m);
      const Scalar ds = divided_by_s ? -r_dr / s : Scalar(0);
      if (!divided_by_s && least(m) > smallest()) dm += r_dr;
      dn += ds * q;
      du /= d_t;

      const Scalar v_du = v.dot(du);
      Scalar de_i = i * dn.dot(k), de_f = f * dn.dot(n_before);
      r.setZero();  // from here on dv_t / i'
      for (Index j = 0; j < k.size(); ++j) {
        auto dC_j = vector(d.C, j, record);
        const auto C_j = vector(before.C, j, record);  // of C_{t-1}
        dC_j += q(j) * du;
        q(j) = f * C_j.dot(du) + i * k(j) * v_du + ds * (f * n_before(j) + i * k(j));  // dq_t
        r += k(j) * dC_j;
        const Scalar v_dC = v.dot(dC_j);
        de_i += i * v_dC * k(j);
        de_f += f * C_j.dot(dC_j);
        k(j) = i * (v_dC + dn(j)) / root();  // dk_t / sqrt(hidden)
        dC_j *= f;                           // dC_{t-1}
      }
      v = i * r;  // dv_t
      dn *= f;    // dn_{t-1}
      dm -= de_i + de_f;
      const Scalar dstay = i < 1 ? dm : Scalar(0);  // i' is 1 where m_t = i~
      g(0) = de_i + (dm - dstay);                   // di~_t
      dm = de_f + dstay;                            // dm_{t-1}
      g(1) = dm * trace.kept(0, record);            // df~_t
    }
    d.h.setZero();
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, MLSTMCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    if constexpr (bias == Bias::present)  // b_k is not divided by the root, as W_k x is
      gate(gradient.b_h, 1) += (root() - 1) * gate(trace.a, 1).rowwise().sum();
    add_product(gradient.W_if, trace.g, x.transpose());
    add_bias_gradient(gradient.b_if, trace.g);
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    Base::project_back(packed, trace, dx);
    add_product(dx, packed(W_if.transpose()), trace.g);
  }

 private:
  using Base::gate;

  Scalar root() const { return Scalar(std::sqrt(static_cast<double>(this->outputs()))); }

  // d_t, and what it is at least.
  static Scalar least(const Scalar& m) { return std::max(exp(-m), smallest()); }
  static Scalar smallest() { return Scalar(std::numeric_limits<float>::min()); }  // where exp(-m) is 0 to a computer
  static Scalar divisor(const Scalar& s, const Scalar& m) { return std::max({s, Scalar(-s), least(m)}); }

  // Vector j of a column that stacks vectors of `hidden` entries: the gates, or the columns of C.
  auto vector(auto& stacked, Index j, Index record) const {
    return stacked.col(record).template segment<Hidden>(j * this->outputs(), this->outputs());
  }
};

}  // namespace reprise
