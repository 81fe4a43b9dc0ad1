#pragma once
// Quasi-recurrent network: Bradbury, Merity, Xiong and Socher (2017, arXiv 1611.01576), equations 1, 2 and 4
// (fo-pooling). Its gates see the last `Window` inputs, one or two, and no h: a linear recurrence in c.
//
//   | z_t |   | tanh    |
//   | f_t | = | sigmoid | (W_xh x_t + W_past x_{t-1} + b_h)       candidate, forget gate, output gate;
//   | o_t |   | sigmoid |                                         W_past with Window = 2 only
//
//   c_t = f_t * c_{t-1} + (1 - f_t) * z_t
//   h_t = o_t * c_t
//
//   x_t (inputs, batch)   z_t, f_t, o_t, c_t, h_t (hidden, batch)   W_xh, W_past (3 hidden, inputs)   b_h (3 hidden)
//
// Backward, from dh_t = dL/dh_t and dc_t, what step t+1 sent back to c_t; the products are those of AffineInput:
//
//   do_t = dh_t * c_t                    dc_t += dh_t * o_t
//   dz_t = dc_t * (1 - f_t)              df_t = dc_t * (c_{t-1} - z_t)              dc_{t-1} = dc_t * f_t
//   da_t = (dz_t (1 - z_t^2),  df_t f_t (1 - f_t),  do_t o_t (1 - o_t))             dh_{t-1} = 0
//
// With two inputs the state has a part p_t = W_past x_t, (3 hidden, batch), which the next step adds to its a; where it
// is zero in the beginning, so is x_{-1}. Backward:
//
//   dp_{t-1} = da_t                      dW_past += dp_t x_t^T                      dx_t += W_past^T dp_t

#include <reprise/cells/affine_input.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, int Window = 1>
struct QRNNCell : AffineInput<Scalar, Inputs, Hidden, 3, bias> {
  static_assert(Window == 1, "a QRNNCell sees one input or two");
  using Base = typename QRNNCell::AffineInput;
  using Base::Base;
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = QRNNCell<S, I, H, bias, Window>;

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  std::array<Index, 2> state_rows() const { return {this->outputs(), this->outputs()}; }

  void step(auto& /*packed*/, auto& trace, auto& state) const {
    elementwise(
        [](auto& z, auto& f, auto& o, auto& c, auto& h) {
          z = tanh(z);
          f = sigmoid(f);
          o = sigmoid(o);
          c = z + f * (c - z);
          h = o * c;
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), state.c, state.h);
  }

  void step_back(auto& /*packed*/, const auto& before, auto& trace, auto& d) const {
    elementwise(
        [](auto& z, auto& f, auto& o, const auto& c_before, auto& dc, const auto& dh) {
          const auto do_t = dh * (z + f * (c_before - z));
          dc = dc + dh * o;
          const auto df = dc * (c_before - z);
          z = dc * (1 - f) * (1 - z * z);
          o = do_t * o * (1 - o);
          dc = dc * f;  // dc_{t-1}
          f = df * f * (1 - f);
        },
        gate(trace.a, 0), gate(trace.a, 1), gate(trace.a, 2), before.c, d.c, d.h);
    d.h.setZero();
  }

  // As a linear recurrence, with s_t = c_t.
  void coefficients(auto& trace, auto& f_t, auto& v_t) const {
    elementwise(
        [](auto& z, auto& f, auto& f_out, auto& v) {
          z = tanh(z);
          f = sigmoid(f);
          f_out = f;
          v = (1 - f) * z;
        },
        gate(trace.a, 0), gate(trace.a, 1), f_t, v_t);
  }
  void emit(auto& /*packed*/, auto& trace, const auto& s, auto& h_t) const {
    elementwise(
        [](auto& o, const auto& c, auto& h) {
          o = sigmoid(o);
          h = o * c;
        },
        gate(trace.a, 2), s, h_t);
  }
  static auto& recurrent(auto& state) { return state.c; }

 protected:
  using Base::gate;
};

template <class Scalar, int Inputs, int Hidden, Bias bias>
struct QRNNCell<Scalar, Inputs, Hidden, bias, 2> : QRNNCell<Scalar, Inputs, Hidden, bias, 1> {
  using Base = QRNNCell<Scalar, Inputs, Hidden, bias, 1>;
  static constexpr bool entries_stand_alone = false;  // p is the input before
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = QRNNCell<S, I, H, bias, 2>;

  Matrix<Scalar, Base::GateRows, Inputs> W_past;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("W_past", &QRNNCell::W_past)});
  }

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;          // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;          // (hidden, batch)
    Part<Storage, Scalar, Base::GateRows> p;  // (3 hidden, batch): W_past x_t
    static constexpr auto fields() {
      return std::tuple{field("h", &State::h), field("c", &State::c), field("p", &State::p)};
    }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (3 hidden, batch): as in AffineInput
    Part<Storage, Scalar, Base::GateRows> p;  // (3 hidden, batch): p_t, after step_back dp_t
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("p", &Trace::p)}; }
  };

  explicit QRNNCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    W_past.setZero(3 * sizes.hidden, sizes.inputs);
  }

  /// Each gate's W_xh and W_past after Glorot, the bias zero.
  QRNNCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    W_past.resize(3 * sizes.hidden, sizes.inputs);
    for (Index k = 0; k < 3; ++k) glorot(this->gate(W_past, k), rng);
  }

  std::array<Index, 3> state_rows() const { return {this->outputs(), this->outputs(), 3 * this->outputs()}; }
  std::array<Index, 2> trace_rows() const { return {3 * this->outputs(), 3 * this->outputs()}; }

  void project(auto& packed, const auto& x, auto& trace) const {
    Base::project(packed, x, trace);
    product(trace.p, packed(W_past), x);  // p_t = W_past x_t
  }

  void step(auto& packed, auto& trace, auto& state) const {
    look_back(trace, state);
    Base::step(packed, trace, state);
  }

  void look_back(auto& trace, auto& state) const {
    trace.a += state.p;  // a_t = W_xh x_t + b_h + p_{t-1}
    state.p = trace.p;
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    Base::step_back(packed, before, trace, d);
    trace.p = d.p;
    d.p = trace.a;  // dp_{t-1} = da_t
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, QRNNCell& gradient) const {
    Base::accumulate(x, before, trace, gradient);
    add_product(gradient.W_past, trace.p, x.transpose());  // dW_past += dp_t x_t^T
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    Base::project_back(packed, trace, dx);
    add_product(dx, packed(W_past.transpose()), trace.p);  // dx_t += W_past^T dp_t
  }
};

}  // namespace reprise
