#pragma once
// A neural Turing machine: Graves, Wayne and Danihelka (2014, arXiv 1410.5401), with addressing by content (section
// 3.3.1) and none of its interpolation, shift and sharpening; Goodfellow et al., Deep Learning, section 10.12. A
// controller of tanh units writes to a memory of `slots` rows, and reads from it what is like a key. All it does
// follows from one affine map:
//
//   a_t = W_xh x_t + W_hh h_{t-1} + b_h                       in blocks, in this order:
//   c_t = tanh(a_c)                                           (units)  controller
//   k_t, k'_t = a_k, a_k'                                     (width)  key to read by, key to write by
//   e_t = sigmoid(a_e)        v_t = tanh(a_v)                 (width)  what is erased, what is added
//   b_t, b'_t = softplus(a_b), softplus(a_b')                 (1)      how sharply to read, to write
//   g_t = sigmoid(a_g)                                        (1)      whether to write
//   l_t = a_l                                                 (slots)  where to write, whatever is there
//
//   w_t = softmax(b_t K(k_t, M_{t-1}))                        (slots)
//   r_t = sum_s w_t(s) M_{t-1}(s)                             (width)  what was read
//   p_t = softmax(b'_t K(k'_t, M_{t-1}) + l_t)                (slots)
//   M_t(s) = M_{t-1}(s) * (1 - g_t p_t(s) e_t) + g_t p_t(s) v_t
//   h_t = (c_t, r_t)                                          (hidden) what the layer above and W_hh see
//
//   K(k, M)(s) = k . M(s) / (|k| |M(s)|)      |u| = sqrt(u . u + 1/100): to an empty slot nothing is like
//
//   x_t (inputs, batch)   h_t (hidden, batch)   width = hidden / 2, units = hidden - width
//   M_t (slots width, batch): of each record its slots, one after another
//   W_xh (rows, inputs)   W_hh (rows, hidden)   b_h (rows)          rows = units + 4 width + 3 + slots
//
// l_t is not in the paper. It is the address part of the dynamic NTM (Gulcehre et al. 2016, arXiv 1607.00036), its
// product with the key in one: in a memory of zeros all slots are alike, and by content alone they would stay so for
// ever. A step reads before it writes. The paper's heads read c_t where these read what c_t does, which saves a product
// at every step.
//
// Training keeps the state each step began with, which is slots * width numbers for each step of each record.
//
// Backward, from dh_t = (dc_t, dr_t) and dM_t, which step t+1 sent back; M is M_{t-1}, z and z' are what the softmax is
// taken of, the products are those of GatedCell:
//
//   dw(s) = dr_t . M(s)                            dz = w * (dw - w . dw)
//   dp(s) = g dM_t(s) . (v - e * M(s))             dz' = p * (dp - p . dp)              dl = dz'
//   db = K . dz      dK = b dz                     db' = K' . dz'      dK' = b' dz'     dg = p . dp / g
//   de = -g sum_s p(s) dM_t(s) * M(s)              dv = g sum_s p(s) dM_t(s)
//   dk = sum_s dK(s) (M(s) / |M(s)| - K(s) k / |k|) / |k|                               and so dk' from dK'
//   dM_{t-1}(s) = dM_t(s) * (1 - g p(s) e) + w(s) dr_t
//               + dK(s)  (k  / |k|  - K(s)  M(s) / |M(s)|) / |M(s)|
//               + dK'(s) (k' / |k'| - K'(s) M(s) / |M(s)|) / |M(s)|
//   da_t = (dc (1 - c^2),  dk,  dk',  de e (1 - e),  dv (1 - v^2),  db (1 - exp(-b)),  db' (1 - exp(-b')),
//           dg g (1 - g),  dl)

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

namespace detail {
constexpr int ntm_rows(int hidden, int slots) {
  return hidden == Dynamic || slots == Dynamic ? Dynamic : hidden + 3 * (hidden / 2) + 3 + slots;
}
}  // namespace detail

/// Sizes::inner is the number of slots; if 0 it is `Slots`, or where the type leaves that open, `hidden`.
template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, int Slots = Dynamic>
struct NTMCell : GatedCell<NTMCell<Scalar, Inputs, Hidden, bias, Slots>, Scalar, Inputs, Hidden, 1, bias,
                           detail::ntm_rows(Hidden, Slots)> {
  using Base = typename NTMCell::GatedCell;
  static constexpr int Width = Hidden == Dynamic ? Dynamic : Hidden / 2;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = NTMCell<S, I, H, bias, Slots>;

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;                                                          // (hidden, batch): c, r
    Part<Storage, Scalar, Width == Dynamic || Slots == Dynamic ? Dynamic : Width * Slots> M;  // (slots width, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("M", &State::M)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;   // (rows, batch): a_t, after step the blocks, after step_back da_t
    Part<Storage, Scalar, times(2, Slots)> w;  // (2 slots, batch): w_t, p_t
    Part<Storage, Scalar, times(2, Slots)> K;  // (2 slots, batch): K(k_t, M_{t-1}), K(k'_t, M_{t-1})
    static constexpr auto fields() {
      return std::tuple{field("a", &Trace::a), field("w", &Trace::w), field("K", &Trace::K)};
    }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type.
  explicit NTMCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes, rows_of(sizes)) {}

  /// Each block's W_xh and W_hh after Glorot, W_hh of the controller orthogonal; biases zero, but 3 for b and b'.
  NTMCell(Sizes sizes, Rng& rng) : NTMCell(sizes) {
    const Index u = units(), n = width();
    Index first = 0;
    for (const Index rows : {u, n, n, n, n, Index{3}, slots()}) {
      glorot(this->W_xh.middleRows(first, rows), rng);
      if (first == 0)
        orthogonal(this->W_hh.topRows(rows), rng);
      else
        glorot(this->W_hh.middleRows(first, rows), rng);
      first += rows;
    }
    if constexpr (bias == Bias::present) this->b_h.segment(u + 4 * n, 2).setConstant(Scalar(3));
  }

  Index width() const { return this->outputs() / 2; }
  Index units() const { return this->outputs() - width(); }
  Index slots() const { return this->W_hh.rows() - units() - 4 * width() - 3; }

  std::array<Index, 2> state_rows() const { return {this->outputs(), slots() * width()}; }
  std::array<Index, 3> trace_rows() const { return {this->W_hh.rows(), 2 * slots(), 2 * slots()}; }

  void activate(auto& trace, auto& state) const {
    for (Index record = 0; record < state.h.cols(); ++record) {
      auto c = controller(trace.a, record);
      auto r = state.h.col(record).tail(width());
      auto k = block(trace.a, read_key, record), k_write = block(trace.a, write_key, record);
      auto e = block(trace.a, to_erase, record), v = block(trace.a, to_add, record);
      auto w = read_part(trace.w, record), p = write_part(trace.w, record);
      auto K = read_part(trace.K, record), K_write = write_part(trace.K, record);
      Scalar &b = number(trace.a, 0, record), &b_write = number(trace.a, 1, record), &g = number(trace.a, 2, record);

      elementwise([](auto& c_) { c_ = tanh(c_); }, c);
      elementwise(
          [](auto& e_, auto& v_) {
            e_ = sigmoid(e_);
            v_ = tanh(v_);
          },
          e, v);
      b = softplus(b);
      b_write = softplus(b_write);
      g = sigmoid(g);

      const Scalar k_size = size(k), k_write_size = size(k_write);
      for (Index s = 0; s < slots(); ++s) {
        const auto M = slot(state.M, s, record);
        const Scalar M_size = size(M);
        K(s) = k.dot(M) / (k_size * M_size);
        K_write(s) = k_write.dot(M) / (k_write_size * M_size);
      }
      w = b * K;
      p = b_write * K_write + trace.a.col(record).tail(slots());
      softmax(w);
      softmax(p);

      state.h.col(record).head(units()) = c;
      r.setZero();
      for (Index s = 0; s < slots(); ++s) {
        auto M = slot(state.M, s, record);
        r += w(s) * M;
        M += g * p(s) * (v - e.cwiseProduct(M));
      }
    }
  }

  void activate_back(const auto& before, auto& trace, auto& d) const {
    for (Index record = 0; record < d.h.cols(); ++record) {
      auto c = controller(trace.a, record);
      auto dl = trace.a.col(record).tail(slots());
      auto k = block(trace.a, read_key, record), k_write = block(trace.a, write_key, record);
      auto e = block(trace.a, to_erase, record), v = block(trace.a, to_add, record);
      auto w = read_part(trace.w, record), p = write_part(trace.w, record);
      const auto K = read_part(trace.K, record), K_write = write_part(trace.K, record);
      Scalar &db = number(trace.a, 0, record), &db_write = number(trace.a, 1, record), &dg = number(trace.a, 2, record);
      const Scalar b = db, b_write = db_write, g = dg;
      const auto dr = d.h.col(record).tail(width());
      auto sum = d.h.col(record).head(width());  // dc is there until da_c is known

      elementwise([](auto& c_, const auto& dc) { c_ = dc * (1 - c_ * c_); }, c, d.h.col(record).head(units()));

      for (Index s = 0; s < slots(); ++s)
        dl(s) = slot(d.M, s, record).dot(v - e.cwiseProduct(slot(before.M, s, record)));  // dp / g
      const Scalar p_dp = p.dot(dl);
      dg = p_dp * g * (1 - g);
      dl = g * (p.cwiseProduct(dl) - p_dp * p);  // dz'

      sum.setZero();
      for (Index s = 0; s < slots(); ++s) sum += g * p(s) * slot(d.M, s, record);
      elementwise([](auto& v_, const auto& dv) { v_ = dv * (1 - v_ * v_); }, v, sum);

      sum.setZero();
      for (Index s = 0; s < slots(); ++s) {
        auto dM = slot(d.M, s, record);
        sum -= g * p(s) * dM.cwiseProduct(slot(before.M, s, record));
        dM -= g * p(s) * dM.cwiseProduct(e);
      }
      elementwise([](auto& e_, const auto& de) { e_ = de * e_ * (1 - e_); }, e, sum);

      Scalar w_dw{};
      for (Index s = 0; s < slots(); ++s) w_dw += w(s) * dr.dot(slot(before.M, s, record));
      for (Index s = 0; s < slots(); ++s) {
        slot(d.M, s, record) += w(s) * dr;
        w(s) *= dr.dot(slot(before.M, s, record)) - w_dw;  // dz
      }

      db = K.dot(w) * (1 - exp(-b));
      db_write = K_write.dot(dl) * (1 - exp(-b_write));
      similarity_back(before, record, b, w, K, k, sum, d);
      similarity_back(before, record, b_write, dl, K_write, k_write, sum, d);
    }
  }

 private:
  enum Block { read_key, write_key, to_erase, to_add };  // of `width` rows each, after those of the controller

  static Index rows_of(Sizes sizes) {
    checked_size(sizes.hidden, Hidden, "hidden");
    const Index slots = sizes.inner == 0 && Slots != Dynamic ? Slots : sizes.inner_or_hidden();
    return sizes.hidden + 3 * (sizes.hidden / 2) + 3 + checked_size(slots, Slots, "inner");
  }

  auto controller(auto& a, Index record) const { return a.col(record).head(units()); }
  auto block(auto& a, Block which, Index record) const {
    return a.col(record).template segment<Width>(units() + which * width(), width());
  }
  Scalar& number(auto& a, Index which, Index record) const { return a.coeffRef(units() + 4 * width() + which, record); }
  auto read_part(auto& both, Index record) const { return both.col(record).template segment<Slots>(0, slots()); }
  auto write_part(auto& both, Index record) const { return both.col(record).template segment<Slots>(slots(), slots()); }
  auto slot(auto& M, Index s, Index record) const {
    return M.col(record).template segment<Width>(s * width(), width());
  }

  static Scalar size(const auto& u) {
    using std::sqrt;
    return sqrt(u.dot(u) + Scalar(0.01));
  }

  static Scalar softplus(const Scalar& a) {
    using std::log;
    return (a > 0 ? a : Scalar(0)) + log(1 + exp(a > 0 ? Scalar(-a) : a));
  }

  static void softmax(auto& z) {
    if (z.size() == 0) return;
    z = (z.array() - z.maxCoeff()).exp();
    z /= z.sum();
  }

  // From dz to dk, in the place of k, and to what of dM_{t-1} comes through K(k, M).
  void similarity_back(const auto& before, Index record, const Scalar& b, const auto& dz, const auto& K, auto& k,
                       auto& sum, auto& d) const {
    const Scalar k_size = size(k);
    sum.setZero();
    for (Index s = 0; s < slots(); ++s) {
      const auto M = slot(before.M, s, record);
      const Scalar M_size = size(M), dK = b * dz(s);
      sum += dK / k_size * (M / M_size - K(s) / k_size * k);
      slot(d.M, s, record) += dK / M_size * (k / k_size - K(s) / M_size * M);
    }
    k = sum;
  }
};

}  // namespace reprise
