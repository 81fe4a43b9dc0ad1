#pragma once
// Zoneout: Krueger et al. (2017, arXiv 1606.01305). While training, each entry of the state stays what it
// was, at random, instead of being dropped: what is kept passes through unchanged, forward and backward. C is any cell,
// s~_t the state its step makes of s_{t-1}, and every part of the state (h, and c of an LSTM) has masks of its own:
//
//   s_t = mask_t * s_{t-1} + (1 - mask_t) * s~_t
//
//   mask_t = 1 with probability `rate`, else 0, anew at every step;  at inference mask_t = rate, its mean
//
// The paper gives h and c a rate each; here it is one rate for all. The next step sees the mixed state, s~_t nobody but
// the mixture. All of s_t, mask_t (rows of the part, batch).
//
// Backward, from ds_t = dL/ds_t:
//
//   ds~_t    = (1 - mask_t) * ds_t
//   ds_{t-1} = mask_t * ds_t + what the step_back of C makes of ds~_t

#include <reprise/core/cell.hpp>
#include <reprise/core/masks.hpp>
#include <reprise/kernels/elementwise.hpp>

namespace reprise {

template <Cell C>
struct Zoneout : C {
  static_assert(EntriesStandAlone<C>, "Zoneout takes a cell in whose state every entry means something by itself");
  using Scalar = typename C::Scalar;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = Zoneout<typename C::template Rebind<S, I, H>>;

  /// Probability that an entry of the state stays, in [0, 1). It counts at inference, too: so it is saved with the weights.
  Vector<Scalar, 1> rate{Scalar(0.1)};

  static constexpr auto fields() { return std::tuple_cat(C::fields(), std::tuple{constant("rate", &Zoneout::rate)}); }

  template <class Storage = Owned<>>
  struct Trace : C::template Trace<Storage> {
    typename C::template State<Storage> s_mask;
    typename C::template State<Storage> s_kept;  // mask_t * s_{t-1}, after step_back mask_t * ds_t
    static constexpr auto fields() {
      return std::tuple_cat(C::template Trace<Storage>::fields(),
                            std::tuple{field("s_mask", &Trace::s_mask), field("s_kept", &Trace::s_kept)});
    }
    friend auto columns(Trace& of, Index first, Index count) {
      typename C::template Trace<Storage>& inner = of;
      return Trace<Columns>{columns(inner, first, count), columns(of.s_mask, first, count),
                            columns(of.s_kept, first, count)};
    }
  };

  Zoneout() = default;
  explicit Zoneout(Sizes sizes, double rate_ = 0.1) : Zoneout(C(sizes), rate_) {}
  Zoneout(Sizes sizes, Rng& rng, double rate_ = 0.1) : Zoneout(C(sizes, rng), rate_) {}
  explicit Zoneout(C cell, double rate_ = 0.1) : C(std::move(cell)), rate(Scalar(rate_)) {
    require_rate(rate_, "Zoneout");
  }

  auto trace_rows() const {
    return std::apply([](auto... rows) { return std::array{rows...}; },
                      std::tuple_cat(C::trace_rows(), C::state_rows(), C::state_rows()));
  }

  /// Whatever C has that is no parameter.
  template <class Other>
  void take_settings(const Zoneout<Other>& other) {
    if constexpr (requires { C::take_settings(static_cast<const Other&>(other)); })
      C::take_settings(static_cast<const Other&>(other));
  }

  bool draws() const {
    if constexpr (MaskedCell<C>)
      if (C::draws()) return true;
    return rate(0) != Scalar(0);
  }

  void draw(Rng* rng, const auto* first, auto& trace) const {
    if constexpr (MaskedCell<C>) C::draw(rng, first, trace);
    const auto probability = static_cast<double>(rate(0));
    require_rate(probability, "Zoneout");
    for_each_parameter(
        [&](auto& mask) {
          if (rng)
            draw_mask(mask, probability, 1, *rng);
          else
            mask.setConstant(rate(0));
        },
        trace.s_mask);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    keep(trace, state);
    C::step(packed, trace, state);
    for_each_parameter(
        [](const auto& mask, const auto& kept, auto& s) {
          elementwise([](auto& s_t, const auto& m, const auto& k) { s_t = k + (1 - m) * s_t; }, s, mask, kept);
        },
        trace.s_mask, trace.s_kept, state);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    keep(trace, d);
    for_each_parameter([](const auto& kept, auto& ds) { ds -= kept; }, trace.s_kept, d);
    C::step_back(packed, before, trace, d);
    for_each_parameter([](const auto& kept, auto& ds) { ds += kept; }, trace.s_kept, d);
  }

 private:
  static void keep(auto& trace, const auto& state) {
    for_each_parameter(
        [](auto& kept, const auto& mask, const auto& s) {
          elementwise([](auto& k, const auto& m, const auto& s_t) { k = m * s_t; }, kept, mask, s);
        },
        trace.s_kept, trace.s_mask, state);
  }
};

}  // namespace reprise
