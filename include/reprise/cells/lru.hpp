#pragma once
// Linear recurrent unit: Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu and De, "Resurrecting recurrent neural
// networks for long sequences" (2023, arXiv 2303.06349), section 3 and appendix A. A diagonal linear recurrence of
// complex numbers, stable because |lambda| < 1 whatever nu is:
//
//   lambda = exp(-exp(nu) + i exp(theta))          gamma = exp(gamma_log)
//   s_t = lambda * s_{t-1} + gamma * (B x_t)
//   h_t = Re(C s_t) + D x_t                        (the paper writes x_t for s_t, u_t for x_t and y_t for h_t)
//
//   x_t (inputs, batch)   h_t (hidden, batch)   nu, theta, gamma_log (units)
//
// Complex numbers are real parts above imaginary ones, so that one product serves both:
//
//   s_t    = (Re s_t, Im s_t)    (2 units, batch)
//   B      = (Re B, Im B)        (2 units, inputs)
//   C      = (Re C, -Im C)       (hidden, 2 units)       Re(C s) = Re C Re s - Im C Im s
//   D                            (hidden, inputs)        a vector in the paper, where inputs = hidden
//
// `units` is Sizes::inner; if 0 it is `Units`, or where the type leaves that open, `hidden`. There is no bias and no
// nonlinearity: the paper puts both between layers.
//
// Backward, from dh_t = dL/dh_t and ds_t, what step t+1 sent back to s_t, as a pair of real numbers, too; conj is the
// complex conjugate, and v_t = gamma * (B x_t):
//
//   ds_t += C^T dh_t                               dC += dh_t s_t^T            dD += dh_t x_t^T
//   dlambda_t = ds_t * conj(s_{t-1})               dB += (gamma * ds_t) x_t^T
//   ds_{t-1} = ds_t * conj(lambda)                 dx_t = B^T (gamma * ds_t) + D^T dh_t            dh_{t-1} = 0
//
//   dnu_t        = -exp(nu) * Re(dlambda_t conj(lambda))          as dlambda/dnu    = -exp(nu) lambda
//   dtheta_t     = exp(theta) * Im(dlambda_t conj(lambda))        as dlambda/dtheta = i exp(theta) lambda
//   dgamma_log_t = Re(ds_t conj(v_t))                             each summed over steps and batch

#include <reprise/core/cell.hpp>
#include <reprise/core/initialise.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/elementary.hpp>
#include <reprise/kernels/product.hpp>
#include <reprise/kernels/scan.hpp>

#include <numbers>

namespace reprise {

template <class Scalar_, int Inputs_ = Dynamic, int Hidden = Dynamic, int Units = Hidden>
struct LRUCell {
  using Scalar = Scalar_;
  using Numbers = ComplexNumbers;  // of which s is, for Scanned
  static constexpr int Inputs = Inputs_, Outputs = Hidden, StateRows = times(2, Units);
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = LRUCell<S, I, H, Units>;

  Vector<Scalar, Units> nu, theta, gamma_log;
  Matrix<Scalar, StateRows, Inputs> B;
  Matrix<Scalar, Hidden, StateRows> C;
  Matrix<Scalar, Hidden, Inputs> D;

  static constexpr auto fields() {
    return std::tuple{
        field("nu", &LRUCell::nu), field("theta", &LRUCell::theta), field("gamma_log", &LRUCell::gamma_log),
        field("B", &LRUCell::B),   field("C", &LRUCell::C),         field("D", &LRUCell::D)};
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;     // (hidden, batch)
    Part<Storage, Scalar, StateRows> s;  // (2 units, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("s", &State::s)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, StateRows> lambda;  // (2 units, batch): after step_back (dnu_t, dtheta_t)
    Part<Storage, Scalar, StateRows> v;       // (2 units, batch): gamma * (B x_t), after step_back gamma * ds_t
    Part<Storage, Scalar, StateRows> s;       // (2 units, batch): s_t
    Part<Storage, Scalar, Hidden> h;          // (hidden, batch): D x_t, after step_back dh_t
    Part<Storage, Scalar, Units> dgamma_log;  // (units, batch)
    static constexpr auto fields() {
      return std::tuple{field("lambda", &Trace::lambda), field("v", &Trace::v), field("s", &Trace::s),
                        field("h", &Trace::h), field("dgamma_log", &Trace::dgamma_log)};
    }
  };

  /// Zero weights, but lambda = exp(i - 1). Throws shape_error if the sizes are not those of the type.
  explicit LRUCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) {
    const bool in_type = sizes.inner == 0 && Units != Dynamic;
    const Index units = in_type ? Units : checked_size(sizes.inner_or_hidden(), Units, "inner");
    for (auto* v : {&nu, &theta, &gamma_log}) v->setZero(units);
    B.setZero(2 * units, checked_size(sizes.inputs, Inputs, "inputs"));
    C.setZero(checked_size(sizes.hidden, Hidden, "hidden"), 2 * units);
    D.setZero(sizes.hidden, sizes.inputs);
  }

  /// B and C normal, so that variance is kept, and so D; lambda anywhere within the unit circle.
  LRUCell(Sizes sizes, Rng& rng) : LRUCell(sizes) {
    normal(B, std::sqrt(0.5 / static_cast<double>(std::max<Index>(sizes.inputs, 1))), rng);
    normal(C, std::sqrt(1.0 / static_cast<double>(std::max<Index>(units(), 1))), rng);
    normal(D, std::sqrt(1.0 / static_cast<double>(std::max<Index>(sizes.inputs, 1))), rng);
    initialise_ring(*this, 0, 1, 2 * std::numbers::pi, rng);
  }

  Index inputs() const { return B.cols(); }
  Index outputs() const { return C.rows(); }
  std::array<Index, 2> state_rows() const { return {outputs(), 2 * units()}; }
  std::array<Index, 5> trace_rows() const { return {2 * units(), 2 * units(), 2 * units(), outputs(), units()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    // lambda takes a sine and a cosine: once for a run, whose other columns are copies.
    using std::cos, std::sin;
    for (Index i = 0; i < units(); ++i) {
      const Scalar size = exp(-exp(nu(i))), phase = exp(theta(i));
      trace.lambda(i, 0) = size * cos(phase);
      trace.lambda(units() + i, 0) = size * sin(phase);
    }
    for (Index j = 1; j < trace.lambda.cols(); ++j) trace.lambda.col(j) = trace.lambda.col(0);

    product(trace.v, packed(B), x);
    elementwise(
        [](auto& v_re, auto& v_im, const auto& gamma_log_) {
          const auto gamma = exp(gamma_log_);
          v_re = gamma * v_re;
          v_im = gamma * v_im;
        },
        re(trace.v), im(trace.v), each_column(gamma_log, trace.v));
    product(trace.h, packed(D), x);
  }

  void step(auto& packed, auto& trace, auto& state) const {
    elementwise(
        [](auto& s_re, auto& s_im, const auto& lambda_re, const auto& lambda_im, const auto& v_re, const auto& v_im) {
          const auto next_re = lambda_re * s_re - lambda_im * s_im + v_re;
          s_im = lambda_re * s_im + lambda_im * s_re + v_im;
          s_re = next_re;
        },
        re(state.s), im(state.s), re(trace.lambda), im(trace.lambda), re(trace.v), im(trace.v));
    emit(packed, trace, state.s, state.h);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    trace.h = d.h;
    add_product(d.s, packed(C.transpose()), d.h);  // ds_t += C^T dh_t
    d.h.setZero();
    elementwise(
        [](auto& ds_re, auto& ds_im, auto& lambda_re, auto& lambda_im, auto& v_re, auto& v_im, auto& dgamma_log,
           const auto& s_re, const auto& s_im, const auto& nu_, const auto& theta_, const auto& gamma_log_) {
          const auto gamma = exp(gamma_log_);
          dgamma_log = ds_re * v_re + ds_im * v_im;
          v_re = gamma * ds_re;
          v_im = gamma * ds_im;
          const auto dlambda_re = ds_re * s_re + ds_im * s_im, dlambda_im = ds_im * s_re - ds_re * s_im;
          const auto before_re = ds_re * lambda_re + ds_im * lambda_im;
          ds_im = ds_im * lambda_re - ds_re * lambda_im;  // ds_{t-1}
          ds_re = before_re;
          const auto dnu = -exp(nu_) * (dlambda_re * lambda_re + dlambda_im * lambda_im);
          lambda_im = exp(theta_) * (dlambda_im * lambda_re - dlambda_re * lambda_im);  // dtheta_t
          lambda_re = dnu;
        },
        re(d.s), im(d.s), re(trace.lambda), im(trace.lambda), re(trace.v), im(trace.v), trace.dgamma_log, re(before.s),
        im(before.s), each_column(nu, d.s), each_column(theta, d.s), each_column(gamma_log, d.s));
  }

  void accumulate(const auto& x, const auto& /*before*/, const auto& trace, LRUCell& gradient) const {
    add_bias_gradient(gradient.nu, re(trace.lambda));
    add_bias_gradient(gradient.theta, im(trace.lambda));
    add_bias_gradient(gradient.gamma_log, trace.dgamma_log);
    add_product(gradient.B, trace.v, x.transpose());        // dB += (gamma * ds_t) x_t^T
    add_product(gradient.C, trace.h, trace.s.transpose());  // dC += dh_t s_t^T
    add_product(gradient.D, trace.h, x.transpose());        // dD += dh_t x_t^T
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    product(dx, packed(B.transpose()), trace.v);  // dx_t = B^T (gamma * ds_t) + D^T dh_t
    add_product(dx, packed(D.transpose()), trace.h);
  }

  // As a linear recurrence.
  void coefficients(auto& trace, auto& f, auto& v) const {
    f = trace.lambda;
    v = trace.v;
  }
  void emit(auto& packed, auto& trace, const auto& s, auto& h) const {
    trace.s = s;
    h = trace.h;
    add_product(h, packed(C), s);  // h_t = Re(C s_t) + D x_t
  }
  static auto& recurrent(auto& state) { return state.s; }

 private:
  Index units() const { return nu.size(); }
  auto re(auto& stacked) const { return row_block<Units>(stacked, 0, units()); }
  auto im(auto& stacked) const { return row_block<Units>(stacked, 1, units()); }
};

/// As the paper begins: lambda uniform over the part of the ring r_min < |lambda| < r_max whose phase is below
/// max_phase, and gamma = sqrt(1 - |lambda|^2), so that s keeps the variance of B x. For long memories take r_min and
/// r_max near 1 and a small max_phase, pi / 10. Throws value_error unless 0 <= r_min < r_max <= 1 and max_phase > 0.
template <class Scalar, int Inputs, int Hidden, int Units>
void initialise_ring(LRUCell<Scalar, Inputs, Hidden, Units>& cell, double r_min, double r_max, double max_phase,
                     Rng& rng) {
  if (!(0 <= r_min && r_min < r_max && r_max <= 1))
    detail::fail<value_error>("a ring from ", r_min, " to ", r_max, ": radii rise from 0 or more to 1 at most");
  if (!(max_phase > 0)) detail::fail<value_error>("max_phase = ", max_phase, ": it must be positive");
  const auto inside = [&] {
    return (rng.uniform() + 0x1p-54) / (1 + 0x1p-52);
  };  // neither 0 nor 1: log of both is taken
  for (Index i = 0; i < cell.nu.size(); ++i) {
    const double squared = r_min * r_min + inside() * (r_max * r_max - r_min * r_min);
    cell.nu(i) = static_cast<Scalar>(std::log(-0.5 * std::log(squared)));
    cell.theta(i) = static_cast<Scalar>(std::log(max_phase * inside()));
    cell.gamma_log(i) = static_cast<Scalar>(0.5 * std::log(1 - squared));
  }
}

}  // namespace reprise
