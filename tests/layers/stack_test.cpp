#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/check/check_layer.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/layers/stack.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

static_assert(rp::Layer<rp::Stack<rp::GRUCell<double>, rp::LSTMCell<double>>>);
static_assert(rp::Layer<rp::Stack<rp::Embedding<float, 7, 4>, rp::GRUCell<float, 4, 4>>>);

TEST_CASE("a stack is its layers one after another") {
  rp::Rng rng{1};
  const rp::Recurrent<rp::GRUCell<double>> lower{{2, 3}, rng};
  const rp::Recurrent<rp::LSTMCell<double>> upper{{3, 4}, rng};
  const rp::Stack<rp::GRUCell<double>, rp::LSTMCell<double>> stack(lower, upper);
  const MatrixXd x = MatrixXd::Random(2, 9);
  const rp::Layout layout({4, 5});
  const rp::Pass pass{layout};

  auto s1 = lower.initial_state<rp::Dynamic>(2);
  auto s2 = upper.initial_state<rp::Dynamic>(2);
  decltype(lower)::Trace t1;
  decltype(upper)::Trace t2;
  lower.forward(x, pass, s1, t1);
  upper.forward(t1.y, pass, s2, t2);

  auto state = stack.initial_state<rp::Dynamic>(2);
  decltype(stack)::Trace trace;
  stack.forward(x, pass, state, trace);
  CHECK(stack.output(trace) == t2.y);
  CHECK(std::get<0>(state.layers).h == s1.h);
  CHECK(std::get<1>(state.layers).c == s2.c);
}

TEST_CASE("step through a stack of every kind of layer is forward") {
  rp::Rng rng{2};
  using Stack = rp::Stack<rp::Embedding<double>, rp::GRUCell<double>, rp::Dropout<double>, rp::Dense<double>,
                          rp::LSTMCell<double>, rp::Dropout<double>>;
  const Stack stack{{7, 4}, rng};
  const rp::Matrix<int, 1> tokens = Eigen::RowVectorXi::LinSpaced(7, 0, 6);
  auto state = stack.initial_state<rp::Dynamic>(1);
  Stack::Trace trace;
  stack.forward(tokens, rp::Pass{rp::Layout({7})}, state, trace);
  auto stream = stack.initial_state<1>(1);
  Stack::StepTrace<1, rp::AsTheyAre> step;
  for (int t = 0; t < 7; ++t) CHECK((stack.step(tokens(t), stream, step) - stack.output(trace).col(t)).norm() < 1e-15);
}

TEST_CASE("a stack sizes its layers, and refuses those that do not fit") {
  const rp::Stack<rp::Embedding<float>, rp::GRUCell<float>, rp::GRUCell<float>> stack(rp::Sizes{9, 4});
  CHECK(std::get<0>(stack.layers).E.cols() == 9);
  CHECK(std::get<1>(stack.layers).cell.inputs() == 4);
  CHECK(stack.inputs() == 9);
  CHECK(stack.input_rows() == 1);
  using Fixed = rp::Stack<rp::GRUCell<float, 1, 16>, rp::LSTMCell<float, 16, 8>>;
  CHECK(std::get<1>(Fixed(rp::Sizes{1, 8}).layers).outputs() == 8);
  CHECK_THROWS_WITH(Fixed(rp::Sizes{1, 16}), "hidden = 16, the type says 8");
  using Two = rp::Stack<rp::GRUCell<float>, rp::GRUCell<float>>;
  CHECK_THROWS_AS(
      Two(rp::Recurrent<rp::GRUCell<float>>(rp::Sizes{2, 3}), rp::Recurrent<rp::GRUCell<float>>(rp::Sizes{4, 3})),
      rp::shape_error);
}

TEST_CASE("a stack in a stack") {
  rp::Rng rng{3};
  using Inner = rp::Stack<rp::GRUCell<double>, rp::GRUCell<double>>;
  const rp::Stack<Inner, rp::GRUCell<double>> nested{{2, 3}, rng};
  std::vector<std::string> names;
  rp::for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, nested);
  CHECK(names.at(4) == "layers.0.layers.1.cell.W_xh");
  auto stream = nested.initial_state<1>(1);
  rp::Stack<Inner, rp::GRUCell<double>>::StepTrace<1, rp::AsTheyAre> step;
  CHECK(nested.step(Eigen::VectorXd::Ones(2).eval(), stream, step).rows() == 3);
}

TEST_CASE("a stack with dropout has the gradient that dual numbers give, with its masks and without") {
  rp::Rng rng(1);
  const auto report = rp::check_layer(rp::Stack<rp::GRUCell<double>, rp::Dropout<double>, rp::LSTMCell<double>>{
      rp::LayerOf<rp::GRUCell<double>>({2, 4}, rng), rp::Dropout<double>({4, 4}, 0.3),
      rp::LayerOf<rp::LSTMCell<double>>({4, 3}, rng)});
  CHECK(std::ranges::find(report.lines, "gradient of x, with masks", &rp::CheckReport::Line::name) !=
        report.lines.end());
}
