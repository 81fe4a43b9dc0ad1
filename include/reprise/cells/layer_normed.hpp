#pragma once
// Layer normalisation of a recurrent cell: Ba, Kiros and Hinton (2016, arXiv 1607.06450), as their supplementary
// material has it for the gates of an LSTM, equation 20: the two halves of a_t are normalised apart, each over all its
// rows, which are those of all gates; C, a cell that is a_t = W_xh x_t + W_hh h_{t-1} + b_h and nothing else, does with
// a_t what it does.
//
//   z_t = W_xh x_t          u_t = W_hh h_{t-1}
//   LN(v) = (v - mean(v)) / sqrt(variance(v) + 1e-5),  over the rows of a column
//   a_t = gain_x * LN(z_t) + gain_h * LN(u_t) + b_h
//
//   a_t, z_t, u_t (gates units, batch)      gain_x, gain_h (gates units), ones at first
//
// What the equations 21 and 22 say of an LSTM's c_t is not done: its h_t = o_t * tanh(c_t), without a normalisation.
//
// Backward, from da_t, which activate_back of C gives; with v^ = LN(v) and s the root above, for v = z and v = u:
//
//   dv^ = gain * da_t       dv = (dv^ - mean(dv^) - v^ * mean(dv^ * v^)) / s
//   dgain += da_t * v^      db_h += da_t, both summed over the batch
//   dW_xh += dz_t x_t^T     dx_t = W_xh^T dz_t         dW_hh += du_t h_{t-1}^T         dh_{t-1} += W_hh^T du_t

#include <reprise/cells/gated_hooks.hpp>

#include <cmath>

namespace reprise {

namespace detail {

// The sum of f(i) for i < n: eight sums side by side, in an order that depends on n alone.
auto sum_of(Index n, auto f) {
  using Scalar = decltype(f(Index{0}));
  constexpr Index width = 8;
  Scalar sums[width] = {};
  Index i = 0;
  for (; i + width <= n; i += width)
    for (Index k = 0; k < width; ++k) sums[k] += f(i + k);
  for (Index k = 0; i + k < n; ++k) sums[k] += f(i + k);
  Scalar total = 0;
  for (const Scalar& sum : sums) total += sum;
  return total;
}

// v becomes LN(v), column by column; returns 1 / s of each in `inverse`, a row.
void normalise(auto& v, auto&& inverse) {
  using Scalar = typename std::remove_cvref_t<decltype(v)>::Scalar;
  using std::sqrt;
  const Index n = v.rows();
  for (Index j = 0; j < v.cols(); ++j) {
    const Scalar mean = sum_of(n, [&](Index i) -> Scalar { return v(i, j); }) / Scalar(n);
    v.col(j).array() -= mean;
    const Scalar variance = sum_of(n, [&](Index i) -> Scalar { return v(i, j) * v(i, j); }) / Scalar(n);
    inverse(0, j) = Scalar(1) / sqrt(variance + Scalar(1e-5));
    v.col(j) *= inverse(0, j);
  }
}

// From da, v^ and 1 / s to dv.
void normalise_back(auto& dv, const auto& da, const auto& gain, const auto& v, const auto& inverse) {
  using Scalar = typename std::remove_cvref_t<decltype(dv)>::Scalar;
  const Index n = v.rows();
  elementwise([](auto& d, const auto& a, const auto& g) { d = a * g; }, dv, da, each_column(gain, da));
  for (Index j = 0; j < v.cols(); ++j) {
    const Scalar mean = sum_of(n, [&](Index i) -> Scalar { return dv(i, j); }) / Scalar(n);
    const Scalar along = sum_of(n, [&](Index i) -> Scalar { return dv(i, j) * v(i, j); }) / Scalar(n);
    dv.col(j).array() = (dv.col(j).array() - mean - v.col(j).array() * along) * inverse(0, j);
  }
}

}  // namespace detail

template <Cell C>
struct LayerNormed : C {
  static_assert(PlainGatedCell<C>,
                "LayerNormed takes a cell that is a_t = W_xh x_t + W_hh h_{t-1} + b_h and a function of it, with these "
                "parameters and no others: RNNCell or LSTMCell, not GRUCell. Other wrappers go outside");
  using Scalar = typename C::Scalar;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = LayerNormed<typename C::template Rebind<S, I, H>>;

  Vector<Scalar, C::GateRows> gain_x, gain_h;

  static constexpr auto fields() {
    return std::tuple_cat(C::fields(),
                          std::tuple{field("gain_x", &LayerNormed::gain_x), field("gain_h", &LayerNormed::gain_h)});
  }

  template <class Storage = Owned<>>
  struct Trace : C::template Trace<Storage> {
    Part<Storage, Scalar, C::GateRows> z, u;    // (gates units, batch): LN(z_t) and LN(u_t)
    Part<Storage, Scalar, C::GateRows> dz, du;  // (gates units, batch)
    Part<Storage, Scalar, 2> inverse;           // (2, batch): 1 / s of z_t and of u_t
    static constexpr auto fields() {
      return std::tuple_cat(C::template Trace<Storage>::fields(),
                            std::tuple{field("z", &Trace::z), field("u", &Trace::u), field("dz", &Trace::dz),
                                       field("du", &Trace::du), field("inverse", &Trace::inverse)});
    }
    friend auto columns(Trace& of, Index first, Index count) {
      typename C::template Trace<Storage>& inner = of;
      return Trace<Columns>{columns(inner, first, count),   of.z.middleCols(first, count),
                            of.u.middleCols(first, count),  of.dz.middleCols(first, count),
                            of.du.middleCols(first, count), of.inverse.middleCols(first, count)};
    }
  };

  explicit LayerNormed(Sizes sizes = {known_or_zero(C::Inputs), known_or_zero(C::Outputs)}) : LayerNormed(C(sizes)) {}
  LayerNormed(Sizes sizes, Rng& rng) : LayerNormed(C(sizes, rng)) {}
  explicit LayerNormed(C cell) : C(std::move(cell)) {
    gain_x.setOnes(this->W_xh.rows());
    gain_h.setOnes(this->W_xh.rows());
  }

  auto trace_rows() const {
    return std::apply([n = this->W_xh.rows()](auto... rows) { return std::array{rows..., n, n, n, n, Index{2}}; },
                      C::trace_rows());
  }

  template <class Other>
  void take_settings(const LayerNormed<Other>& other) {
    if constexpr (requires { C::take_settings(static_cast<const Other&>(other)); })
      C::take_settings(static_cast<const Other&>(other));
  }

  void project(auto& packed, const auto& x, auto& trace) const {
    product(trace.z, packed(this->W_xh), x);
    detail::normalise(trace.z, trace.inverse.row(0));
    elementwise([](auto& a, const auto& z, const auto& gain) { a = gain * z; }, trace.a, trace.z,
                each_column(gain_x, trace.a));
    add_bias(trace.a, this->b_h);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    recur(packed, trace, state.h);
    C::activate(trace, state);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    C::activate_back(before, trace, d);
    if constexpr (!C::activate_reads_h) d.h.setZero();
    recur_back(packed, trace, d.h);
  }

  void recur(auto& packed, auto& trace, const auto& h_before) const {
    product(trace.u, packed(this->W_hh), h_before);
    detail::normalise(trace.u, trace.inverse.row(1));
    elementwise([](auto& a, const auto& u, const auto& gain) { a = a + gain * u; }, trace.a, trace.u,
                each_column(gain_h, trace.a));
  }

  void recur_back(auto& packed, auto& trace, auto& dh_before) const {
    detail::normalise_back(trace.dz, trace.a, gain_x, trace.z, trace.inverse.row(0));
    detail::normalise_back(trace.du, trace.a, gain_h, trace.u, trace.inverse.row(1));
    add_product(dh_before, packed(this->W_hh.transpose()), trace.du);  // dh_{t-1} += W_hh^T du_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, LayerNormed& gradient) const {
    add_product(gradient.W_xh, trace.dz, x.transpose());         // dW_xh += dz_t x_t^T
    add_product(gradient.W_hh, trace.du, before.h.transpose());  // dW_hh += du_t h_{t-1}^T
    add_bias_gradient(gradient.b_h, trace.a);                    // db_h += da_t
    for (Index j = 0; j < trace.a.cols(); ++j) {
      gradient.gain_x += trace.a.col(j).cwiseProduct(trace.z.col(j));  // dgain_x += da_t * LN(z_t)
      gradient.gain_h += trace.a.col(j).cwiseProduct(trace.u.col(j));  // dgain_h += da_t * LN(u_t)
    }
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(this->W_xh.transpose()), trace.dz);  // dx_t = W_xh^T dz_t
  }
};

/// Its step is the hooks of it, one after another, too.
template <class C>
inline constexpr bool steps_by_hooks<LayerNormed<C>> = true;

}  // namespace reprise
