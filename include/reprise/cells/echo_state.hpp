#pragma once
// Echo state network: Jaeger, "The echo state approach to analysing and training recurrent neural networks" (2001);
// Lukosevicius, "A practical guide to applying echo state networks" (2012); Goodfellow et al., section 10.8. A
// reservoir: random, sparse, never trained. What is learned is its readout, which train/ridge.hpp finds at one stroke.
//
//   n_t = tanh(W_xh x_t + W h_{t-1} + b_h)
//   h_t = (1 - leak) * h_{t-1} + leak * n_t
//
//   x_t (inputs, batch)   h_t, n_t (hidden, batch)   W_xh (hidden, inputs)   b_h (hidden)   leak (1)
//
// A row of W has as many entries as a unit has connections to it, and only these are stored, by unit i:
//
//   W(i, from(c, i)) = W_hh(c, i)             W_hh, from (connections, hidden)
//
// `from` holds whole numbers, but as Scalar, so that it is saved and copied like the rest (float has all below 2^24).
//
// Backward, from dh_t = dL/dh_t, for layers below; no constant has a gradient:
//
//   da_t = dh_t * leak * (1 - n_t^2)          dh_{t-1} = dh_t * (1 - leak) + W^T da_t          dx_t = W_xh^T da_t

#include <reprise/cells/affine_input.hpp>
#include <reprise/core/spectral_radius.hpp>

#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace reprise {

struct EchoStateOptions {
  double spectral_radius = 0.9;  ///< of W: how long the past echoes; below 1 it fades in most networks
  double input_scale = 1;        ///< W_xh and b_h are uniform within it: how far tanh is driven from its linear part
  double leak = 1;               ///< above 0; below 1 the units are leaky, and as slow as 1 / leak steps
  Index connections = 10;        ///< to each unit; all, if there are no more units
};

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present>
struct EchoStateCell : AffineInput<Scalar, Inputs, Hidden, 1, bias> {
  using Base = typename EchoStateCell::AffineInput;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = EchoStateCell<S, I, H, bias>;

  Matrix<Scalar, Dynamic, Hidden> W_hh, from;
  Vector<Scalar, 1> leak;

  static constexpr auto fields() {
    return std::tuple{constant("W_xh", &EchoStateCell::W_xh), constant("W_hh", &EchoStateCell::W_hh),
                      constant("from", &EchoStateCell::from), constant("b_h", &EchoStateCell::b_h),
                      constant("leak", &EchoStateCell::leak)};
  }

  /// Zero weights, leak 1: a place to load or copy a reservoir of as many connections to.
  explicit EchoStateCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)},
                         Index connections = EchoStateOptions{}.connections)
      : Base(sizes), leak(Vector<Scalar, 1>::Ones()) {
    W_hh.setZero(std::min(checked_size(connections, Dynamic, "connections"), sizes.hidden), sizes.hidden);
    from.setZero(W_hh.rows(), sizes.hidden);
  }

  /// A random reservoir: a unit hears different others, or itself. Throws value_error if an option is out of its range.
  EchoStateCell(Sizes sizes, Rng& rng, EchoStateOptions options = {})
      : EchoStateCell(sizes, require(options).connections) {
    uniform(this->W_xh, options.input_scale, rng);
    uniform(this->b_h, options.input_scale, rng);
    uniform(W_hh, 1, rng);
    std::vector<Index> units(static_cast<std::size_t>(sizes.hidden));
    std::iota(units.begin(), units.end(), Index{0});
    for (Index i = 0; i < sizes.hidden; ++i)
      for (Index c = 0; c < W_hh.rows(); ++c) {
        const Index pick = c + rng.below(static_cast<std::uint32_t>(sizes.hidden - c));
        std::swap(units[static_cast<std::size_t>(c)], units[static_cast<std::size_t>(pick)]);
        from(c, i) = static_cast<Scalar>(units[static_cast<std::size_t>(c)]);
      }
    const double radius = spectral_radius(dense(), 12);  // to a thousandth
    if (radius > 0) W_hh *= static_cast<Scalar>(options.spectral_radius / radius);
    leak(0) = static_cast<Scalar>(options.leak);
  }

  /// W: (hidden, hidden).
  Matrix<Scalar> dense() const {
    Matrix<Scalar> W = Matrix<Scalar>::Zero(W_hh.cols(), W_hh.cols());
    for (Index i = 0; i < W_hh.cols(); ++i)
      for (Index c = 0; c < W_hh.rows(); ++c) W(i, unit(c, i)) += W_hh(c, i);
    return W;
  }

  /// Throws value_error if `from` does not name a unit; the state is then unchanged.
  void step(auto& /*packed*/, auto& trace, auto& state) const {
    for (Index j = 0; j < state.h.cols(); ++j)
      for (Index i = 0; i < W_hh.cols(); ++i) {
        Scalar sum{};
        for (Index c = 0; c < W_hh.rows(); ++c) sum += W_hh(c, i) * state.h(unit(c, i), j);
        trace.a(i, j) += sum;
      }
    elementwise(
        [alpha = leak(0)](auto& n, auto& h) {
          n = tanh(n);
          h = h + alpha * (n - h);  // (1 - leak) h + leak n
        },
        trace.a, state.h);
  }

  void step_back(auto& /*packed*/, const auto& /*before*/, auto& trace, auto& d) const {
    elementwise(
        [alpha = leak(0)](auto& n, auto& dh) {
          n = dh * alpha * (1 - n * n);  // da_t
          dh = dh * (1 - alpha);
        },
        trace.a, d.h);
    for (Index j = 0; j < d.h.cols(); ++j)
      for (Index i = 0; i < W_hh.cols(); ++i)
        for (Index c = 0; c < W_hh.rows(); ++c) d.h(unit(c, i), j) += W_hh(c, i) * trace.a(i, j);
  }

  void accumulate(const auto& /*x*/, const auto& /*before*/, const auto& /*trace*/, EchoStateCell&) const {}

 private:
  // Which one connection c of unit i comes from.
  Index unit(Index c, Index i) const {
    const double number = static_cast<double>(from(c, i));
    if (!(number >= 0 && number < static_cast<double>(W_hh.cols())))
      detail::fail<value_error>("from(", c, ", ", i, ") = ", number, ", there are ", W_hh.cols(), " units");
    return static_cast<Index>(number);
  }

  static const EchoStateOptions& require(const EchoStateOptions& options) {
    const auto within = [](double value, double low, double high, const char* name, const char* range) {
      if (!(value >= low && value <= high)) detail::fail<value_error>(name, " = ", value, ", it must be ", range);
    };
    constexpr double most = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::min();
    within(options.spectral_radius, 0, most, "spectral_radius", "finite and not negative");
    within(options.input_scale, 0, most, "input_scale", "finite and not negative");
    within(options.leak, least, 1, "leak", "above 0 and at most 1");
    within(static_cast<double>(options.connections), 1, most, "connections", "at least 1");
    return options;
  }
};

}  // namespace reprise
