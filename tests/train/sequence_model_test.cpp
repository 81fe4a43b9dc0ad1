#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/sequence_model.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;
using Eigen::MatrixXf;

TEST_CASE("y_t = W_hy h_t + b_y, and without its bias y_t = W_hy h_t") {
  rp::Rng rng{1};
  rp::SequenceModel<rp::RNNCell<double>> model{{.inputs = 2, .hidden = 3, .outputs = 2}, rng};
  model.b_y << 1, -1;
  const MatrixXd x = MatrixXd::Random(2, 4);
  const auto y = model.forward(rp::Sequence<double>{x});
  Eigen::VectorXd h = Eigen::VectorXd::Zero(3);
  for (int t = 0; t < 4; ++t) {
    h = (model.cell.W_hh * h + model.cell.W_xh * x.col(t) + model.cell.b_h).array().tanh();
    CHECK((y[0].col(t) - (model.W_hy * h + model.b_y)).norm() < 1e-14);
  }
  const rp::SequenceModel<rp::RNNCell<double>, rp::Dynamic, rp::Bias::absent> without{
      {.inputs = 2, .hidden = 3, .outputs = 2}};
  CHECK(rp::count_parameters(model) == rp::count_parameters(without) + 2);
}

TEMPLATE_TEST_CASE("stream and sequence agree to the last few bits, in float", "", rp::RNNCell<float>,
                   rp::LSTMCell<float>, rp::GRUCell<float>) {
  rp::Rng rng{2};
  const rp::SequenceModel<TestType> model{{.inputs = 5, .hidden = 19, .outputs = 4}, rng};
  const MatrixXf a = MatrixXf::Random(5, 50), b = MatrixXf::Random(5, 31);
  const auto y = model.forward(rp::Sequence<float>{b, a});
  auto state = model.initial_state();
  for (int t = 0; t < 50; ++t)
    CHECK((model.step(a.col(t), state) - y[1].col(t)).cwiseAbs().maxCoeff() <
          8 * std::numeric_limits<float>::epsilon());
}

TEST_CASE("a state is a value: a copy forks the stream") {
  rp::Rng rng{3};
  const rp::SequenceModel<rp::LSTMCell<double>> model{{.inputs = 2, .hidden = 4, .outputs = 1}, rng};
  auto state = model.initial_state();
  const Eigen::Vector2d x(1, 2);
  model.step(x, state);
  auto fork = state;
  const auto on = model.step(x, state);
  CHECK(model.step(x, fork) == on);
  CHECK(model.step(-x, fork) != model.step(x, state));
}

TEST_CASE("states go in and out in the caller's order, and pass through records without steps") {
  rp::Rng rng{4};
  const rp::SequenceModel<rp::GRUCell<double>> model{{.inputs = 2, .hidden = 3, .outputs = 1}, rng};
  const std::vector<MatrixXd> records{MatrixXd::Random(2, 1), MatrixXd::Random(2, 4), MatrixXd(2, 0),
                                      MatrixXd::Random(2, 3)};
  auto state = model.initial_state(4);
  state.h = MatrixXd::Random(3, 4);
  const auto initial = state;
  const auto y = model.forward(rp::Sequence<double>(records), state);
  for (int r = 0; r < 4; ++r) {
    auto alone = model.initial_state(1);
    alone.h = initial.h.col(r);
    const auto y_alone = model.forward(rp::Sequence<double>{records[std::size_t(r)]}, alone);
    CHECK((alone.h - state.h.col(r)).norm() < 1e-14);
    CHECK((y[r] - y_alone[0]).norm() < 1e-14);
  }
  CHECK(state.h.col(2) == initial.h.col(2));
}

TEST_CASE("a record never depends on its neighbours, not in the last bit of an ordinary size") {
  rp::Rng rng{5};
  const rp::SequenceModel<rp::LSTMCell<double>> model{{.inputs = 2, .hidden = 8, .outputs = 3}, rng};
  const MatrixXd x = MatrixXd::Random(2, 10);
  const auto beside = [&](const MatrixXd& longer, const MatrixXd& shorter) {
    return model.forward(rp::Sequence<double>{x, shorter, longer})[0];
  };
  const MatrixXd calm = beside(MatrixXd::Random(2, 12), MatrixXd::Random(2, 3));
  CHECK(calm == beside(MatrixXd::Constant(2, 12, 1e300), MatrixXd::Constant(2, 3, -1e300)));
}

TEST_CASE("tokens: a stream of them, and a batch") {
  rp::Rng rng{6};
  const rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::GRUCell<float>>> model{
      {.inputs = 9, .hidden = 6, .outputs = 9}, rng};
  const auto y = model.forward(rp::Sequence<int>{{1, 2, 3}, {8}});
  auto state = model.initial_state();
  for (const int t : {0, 1, 2}) CHECK((model.step(t + 1, state) - y[0].col(t)).norm() < 1e-5f);
  auto batch = model.initial_state(2);
  CHECK((model.step(Eigen::RowVector2i(1, 8), batch).col(1) - y[1].col(0)).norm() < 1e-5f);
}

TEST_CASE("what does not fit is refused, and changes nothing") {
  const rp::SequenceModel<rp::RNNCell<float>> model{{.inputs = 3, .hidden = 4, .outputs = 2}};
  auto state = model.initial_state();
  state.h.setConstant(0.5f);
  const auto before = state;
  CHECK_THROWS_WITH(model.step(Eigen::VectorXf(Eigen::VectorXf::Zero(4)), state), "x_t has 4 rows, the model takes 3");
  CHECK_THROWS_WITH(model.step(MatrixXf(MatrixXf::Zero(3, 2)), state), "the state has 1 columns, the batch takes 2");
  CHECK_THROWS_WITH(model.forward(rp::Sequence<float>{MatrixXf(MatrixXf::Zero(4, 2))}),
                    "x has 4 features, the model takes 3");
  CHECK(state.h == before.h);
  rp::SequenceModel<rp::RNNCell<float>>::State<rp::Owned<1>> of_another_model{Eigen::VectorXf::Zero(2)}, empty;
  CHECK_THROWS_WITH(model.step(Eigen::VectorXf(Eigen::VectorXf::Zero(3)), of_another_model),
                    "the state has 2 rows, the model takes 4");
  CHECK_THROWS_AS(model.step(Eigen::VectorXf(Eigen::VectorXf::Zero(3)), empty), rp::shape_error);
  rp::Sequence<float> cut{MatrixXf(MatrixXf::Zero(3, 5))};
  cut.values() = MatrixXf::Zero(3, 2);
  CHECK_THROWS_WITH(model.forward(cut), "x.values() has 2 columns, its layout takes 5");
  auto three = model.initial_state(3);
  CHECK_THROWS_AS(model.forward(rp::Sequence<float>{MatrixXf(MatrixXf::Zero(3, 2))}, three), rp::shape_error);
  using Fixed = rp::SequenceModel<rp::RNNCell<float, 3, 4>, 2>;
  CHECK_THROWS_WITH(Fixed(Fixed::Sizes{.inputs = 3, .hidden = 4, .outputs = 1}), "outputs = 1, the type says 2");
}

TEST_CASE("a model whose sizes are in its type takes any sequence of those sizes, and steps through its columns") {
  rp::Rng rng{7};
  using Fixed = rp::SequenceModel<rp::LSTMCell<double, 2, 3>, 2>;
  const Fixed fixed{{}, rng};
  rp::SequenceModel<rp::LSTMCell<double>> dynamic;
  rp::copy_parameters(fixed, dynamic);
  const MatrixXd x = MatrixXd::Random(2, 5);
  const rp::Sequence<double> sequence{x};
  const auto y = fixed.forward(sequence);
  CHECK((y[0] - dynamic.forward(sequence)[0]).norm() < 1e-14);
  auto state = fixed.initial_state();
  for (int t = 0; t < 5; ++t) CHECK((fixed.step(x.col(t), state) - y[0].col(t)).norm() < 1e-14);
  CHECK_THROWS_AS(fixed.forward(rp::Sequence<double>{MatrixXd(MatrixXd::Zero(3, 1))}), rp::shape_error);
}

TEST_CASE("no records, and records without steps") {
  const rp::SequenceModel<rp::RNNCell<float>> model{{.inputs = 3, .hidden = 4, .outputs = 2}};
  CHECK(model.forward(rp::Sequence<float>{}).batch() == 0);
  const auto y = model.forward(rp::Sequence<float>{MatrixXf(3, 0), MatrixXf(3, 0)});
  CHECK(y.batch() == 2);
  CHECK(y[1].rows() == 2);
  CHECK(y[1].cols() == 0);
}

TEST_CASE("a model that is to learn has outputs") {
  rp::Rng rng{1};
  CHECK_THROWS_WITH((rp::SequenceModel<rp::RNNCell<float>>({.inputs = 2, .hidden = 3}, rng)),
                    "outputs = 0: a model that is to learn has at least one");
}
