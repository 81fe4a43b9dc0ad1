#pragma once
// Variational dropout of the recurrence: Gal and Ghahramani (2016, arXiv 1512.05287, section 4.1). While training,
// h_{t-1} is masked where it enters W_hh, by one mask for each record that stays the same over the whole sequence:
//
//   a_t = W_xh x_t + W_hh (mask * h_{t-1}) + b_h             h_t = activate(a_t, h_{t-1}, ...), as C has it
//
//   mask = 0 with probability `rate`, else 1 / (1 - rate);  at inference 1, its mean         mask, h_t (hidden, batch)
//
// All gates of a cell share the mask ("tied", as in section 4.1 there). C is a cell whose step is that of GatedCell.
//
// Backward: activate_back of C gives da_t and what of dh_{t-1} does not come through a_t; then
//
//   dh_{t-1} += mask * (W_hh^T da_t)           dW_hh += da_t (mask * h_{t-1})^T           the rest as in C

#include <reprise/cells/gated_hooks.hpp>
#include <reprise/core/masks.hpp>

namespace reprise {

template <Cell C>
struct RecurrentDropout : C {
  static_assert(
      steps_by_hooks<C>,
      "RecurrentDropout takes a cell whose step is that of GatedCell: recur, then activate, and no more. Other "
      "wrappers go outside: Zoneout<RecurrentDropout<LSTMCell<float>>>");
  using Scalar = typename C::Scalar;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = RecurrentDropout<typename C::template Rebind<S, I, H>>;

  double rate = 0.1;  ///< probability that an entry of h_{t-1} is dropped, in [0, 1)

  template <class Storage = Owned<>>
  struct Trace : C::template Trace<Storage> {
    Part<Storage, Scalar, C::Outputs> h_mask;    // (hidden, batch)
    Part<Storage, Scalar, C::Outputs> h_masked;  // (hidden, batch): mask * h_{t-1}
    static constexpr auto fields() {
      return std::tuple_cat(C::template Trace<Storage>::fields(),
                            std::tuple{field("h_mask", &Trace::h_mask), field("h_masked", &Trace::h_masked)});
    }
    friend auto columns(Trace& of, Index first, Index count) {
      typename C::template Trace<Storage>& inner = of;
      return Trace<Columns>{columns(inner, first, count), of.h_mask.middleCols(first, count),
                            of.h_masked.middleCols(first, count)};
    }
  };

  RecurrentDropout() = default;
  explicit RecurrentDropout(Sizes sizes, double rate_ = 0.1) : RecurrentDropout(C(sizes), rate_) {}
  RecurrentDropout(Sizes sizes, Rng& rng, double rate_ = 0.1) : RecurrentDropout(C(sizes, rng), rate_) {}
  explicit RecurrentDropout(C cell, double rate_ = 0.1) : C(std::move(cell)), rate(rate_) {
    require_rate(rate, "RecurrentDropout");
  }

  auto trace_rows() const {
    return std::apply(
        [this](auto... rows) {
          return std::array{rows..., C::outputs(), C::outputs()};
        },
        C::trace_rows());
  }

  /// What is no parameter: the rate, and whatever C has of the kind.
  template <class Other>
  void take_settings(const RecurrentDropout<Other>& other) {
    rate = other.rate;
    if constexpr (requires { C::take_settings(static_cast<const Other&>(other)); })
      C::take_settings(static_cast<const Other&>(other));
  }

  bool draws() const {
    if constexpr (MaskedCell<C>)
      if (C::draws()) return true;
    return rate != 0;
  }

  void draw(Rng* rng, const auto* first, auto& trace) const {
    if constexpr (MaskedCell<C>) C::draw(rng, first, trace);
    require_rate(rate, "RecurrentDropout");
    if (!rng)
      trace.h_mask.setOnes();
    else if (first)
      trace.h_mask = first->h_mask;
    else
      draw_dropout(trace.h_mask, rate, *rng);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    mask_h(trace, state.h);
    C::recur(packed, trace, trace.h_masked);
    C::activate(trace, state);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    C::activate_back(before, trace, d);
    if constexpr (!C::activate_reads_h) d.h.setZero();
    auto& dh_masked = trace.h_masked;
    dh_masked.setZero();
    C::recur_back(packed, trace, dh_masked);
    elementwise([](auto& dh, const auto& mask, const auto& dh_m) { dh = dh + mask * dh_m; }, d.h, trace.h_mask,
                dh_masked);
    mask_h(trace, before.h);  // again, for accumulate
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, RecurrentDropout& gradient) const {
    const WithH<std::remove_cvref_t<decltype(before)>, decltype(trace.h_masked)> masked{before, trace.h_masked};
    C::accumulate(x, masked, trace, gradient);
  }

 private:
  // A state, but for its h.
  template <class Before, class H>
  struct WithH : Before {
    const H& h;
  };

  static void mask_h(auto& trace, const auto& h_before) {
    elementwise([](auto& h_m, const auto& mask, const auto& h) { h_m = mask * h; }, trace.h_masked, trace.h_mask,
                h_before);
  }
};

}  // namespace reprise
