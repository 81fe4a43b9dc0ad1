// The checker, checked: an LSTM with one mistake at a time, each a mistake that somebody has made somewhere.
#include <reprise/cells/lstm.hpp>
#include <reprise/check/check_cell.hpp>

#include "catch.hpp"

namespace rp = reprise;

namespace {

enum class Mutation {
  none,
  i_for_g,                  // di_t = dc_t i_t
  tanh_derivative_twice,    // dc_t += dh_t o_t (1 - tanh^2)^2
  tanh_derivative_missing,  // dc_t += dh_t o_t
  sign,                     // dh_{t-1} = -W_hh^T da_t
  h_t_for_h_before,         // dW_hh += da_t h_t^T
  bias_forgotten,           // db_h stays
  bias_once,                // db_h = da_t instead of +=
  c_for_c_before,           // df_t = dc_t c_t
  cell_path_cut,            // dc_{t-1} = 0
  dx_of_first_gate,         // dx_t = W_xh^T of the input gate alone
  overwritten_gradient,     // dW_xh = instead of +=
  forget_gate_left_out,     // forward: c_t = c_{t-1} + i_t g_t, backward as it was
  batch_mixed,              // forward: a record sees its neighbour
  step_is_not_run,          // forward: a vector is treated otherwise than a batch
};
Mutation mutation = Mutation::none;

template <class S, int I = rp::Dynamic, int H = rp::Dynamic>
struct MutantLSTM : rp::LSTMCell<S, I, H> {
  using Base = rp::LSTMCell<S, I, H>;
  using Base::Base;
  template <class S2, int I2 = rp::Dynamic, int H2 = rp::Dynamic>
  using Rebind = MutantLSTM<S2, I2, H2>;

  void step(auto& packed, auto& trace, auto& state) const {
    auto c_before = state.c.eval();
    Base::step(packed, trace, state);
    if (mutation == Mutation::forget_gate_left_out) {
      state.c += c_before;
      trace.tanh_c = state.c;
      using reprise::tanh;
      rp::elementwise([](auto& v) { v = tanh(v); }, trace.tanh_c);
      state.h = gate(trace.a, 3).cwiseProduct(trace.tanh_c);
    }
    if (mutation == Mutation::batch_mixed && state.h.cols() > 1) state.h.col(0) += state.h.col(1) * S(0.01);
    if (mutation == Mutation::step_is_not_run && std::remove_cvref_t<decltype(state.h)>::ColsAtCompileTime == 1)
      state.h *= S(1.000001);
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    const auto i = gate(trace.a, 0).eval(), f = gate(trace.a, 1).eval(), g = gate(trace.a, 2).eval(),
               o = gate(trace.a, 3).eval(), tanh_c = trace.tanh_c.eval();
    auto dc = (d.c.array() + d.h.array() * o.array() * (S(1) - tanh_c.array().square())).eval();
    if (mutation == Mutation::tanh_derivative_twice)
      d.c.array() -= d.h.array() * o.array() * (S(1) - tanh_c.array().square()) * tanh_c.array().square();
    if (mutation == Mutation::tanh_derivative_missing) d.c.array() += d.h.array() * o.array() * tanh_c.array().square();
    Base::step_back(packed, before, trace, d);
    if (mutation == Mutation::i_for_g) gate(trace.a, 0) = dc.array() * i.array() * i.array() * (S(1) - i.array());
    if (mutation == Mutation::c_for_c_before)
      gate(trace.a, 1) = dc * (f.array() * before.c.array() + i.array() * g.array()) * f.array() * (S(1) - f.array());
    if (mutation == Mutation::cell_path_cut) d.c.setZero();
    if (mutation == Mutation::sign) d.h = -d.h;
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, MutantLSTM& gradient) const {
    if (mutation == Mutation::overwritten_gradient) gradient.W_xh.setZero();
    const auto bias = gradient.b_h;
    if (mutation == Mutation::h_t_for_h_before) {
      const rp::Index n = before.h.cols();
      auto h = before.h.eval();
      if (n > 1) h.leftCols(n - 1) = before.h.rightCols(n - 1);
      gradient.W_xh += trace.a * x.transpose();
      gradient.W_hh += trace.a * h.transpose();
      gradient.b_h += trace.a.rowwise().sum();
      return;
    }
    Base::accumulate(x, before, trace, gradient);
    if (mutation == Mutation::bias_forgotten) gradient.b_h = bias;
    if (mutation == Mutation::bias_once) gradient.b_h = trace.a.col(0);
  }

  void project_back(auto& packed, const auto& trace, auto& dx) const {
    Base::project_back(packed, trace, dx);
    if (mutation == Mutation::dx_of_first_gate) dx = gate(this->W_xh, 0).transpose() * gate(trace.a, 0);
  }

 private:
  auto gate(auto& stacked, rp::Index k) const { return rp::row_block<H>(stacked, k, this->outputs()); }
};

bool caught(Mutation which) {
  mutation = which;
  rp::Rng rng{1};
  const MutantLSTM<double> cell{{3, 4}, rng};
  try {
    rp::check_cell(cell);
    return false;
  } catch (const rp::check_error&) {
    return true;
  }
}

}  // namespace

TEST_CASE("check_cell passes an LSTM and catches every mutant of it") {
  CHECK_FALSE(caught(Mutation::none));
  CHECK(caught(Mutation::i_for_g));
  CHECK(caught(Mutation::tanh_derivative_twice));
  CHECK(caught(Mutation::tanh_derivative_missing));
  CHECK(caught(Mutation::sign));
  CHECK(caught(Mutation::h_t_for_h_before));
  CHECK(caught(Mutation::bias_forgotten));
  CHECK(caught(Mutation::bias_once));
  CHECK(caught(Mutation::c_for_c_before));
  CHECK(caught(Mutation::cell_path_cut));
  CHECK(caught(Mutation::dx_of_first_gate));
  CHECK(caught(Mutation::overwritten_gradient));
  CHECK(caught(Mutation::forget_gate_left_out));
  CHECK(caught(Mutation::batch_mixed));
  CHECK(caught(Mutation::step_is_not_run));
  mutation = Mutation::none;
}

TEST_CASE("the report names what failed, and by how much") {
  mutation = Mutation::bias_forgotten;
  rp::Rng rng{1};
  std::string text;
  try {
    rp::check_cell(MutantLSTM<double>{{3, 4}, rng});
  } catch (const rp::check_error& error) {
    text = error.what();
  }
  mutation = Mutation::none;
  CHECK(text.find("FAIL  gradient of cell.b_h") != text.npos);
  CHECK(text.find("ok    gradient of cell.W_hh") != text.npos);
}
