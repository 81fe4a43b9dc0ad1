#include <reprise/check/check_gradient.hpp>
#include <reprise/reprise.hpp>

#include "catch.hpp"

namespace rp = reprise;
using Eigen::MatrixXd;

TEST_CASE("a stack of every kind of layer, softmax with an ignored target") {
  rp::Rng rng{1};
  using Model = rp::SequenceModel<rp::Stack<rp::Embedding<double>, rp::GRUCell<double>, rp::Dropout<double>,
                                            rp::Dense<double>, rp::LSTMCell<double>>>;
  Model model{{.inputs = 5, .hidden = 3, .outputs = 4}, rng};
  std::get<2>(model.layers).rate = 0;
  const rp::Sequence<int> x{{1, 2, 0}, {4}, {}, {3, 3, 1, 2}}, target{{0, -1, 3}, {2}, {}, {1, 1, -1, 0}};
  const auto report = rp::check_gradient(model, x, target, rp::SoftmaxCrossEntropy{rp::Reduction::mean, -1});
  CHECK(report.lines.size() == 1 + 4 + 2 + 3 + 2);
}

TEST_CASE("the other losses, and the gradient of x") {
  rp::Rng rng{2};
  const rp::SequenceModel<rp::RNNCell<double>> model{{.inputs = 2, .hidden = 3, .outputs = 2}, rng};
  const rp::Sequence<double> x{MatrixXd::Random(2, 3), MatrixXd::Random(2, 5)};
  rp::Sequence<double> target = x;
  CHECK(rp::check_gradient(model, x, target, rp::SquaredError{}).lines.back().name == "gradient of x");
  target.values() = target.values().cwiseAbs();
  rp::check_gradient(model, x, target, rp::BernoulliCrossEntropy{});
}

TEST_CASE("a model whose sizes are in its type") {
  rp::Rng rng{4};
  const rp::SequenceModel<rp::GRUCell<double, 2, 3>, 2> model{{}, rng};
  const rp::Sequence<double> x{MatrixXd(MatrixXd::Random(2, 3)), MatrixXd(MatrixXd::Random(2, 5))};
  rp::check_gradient(model, x, x, rp::SquaredError{});
}

namespace {
struct WrongLoss : rp::SquaredError {
  auto operator()(const auto& y, const auto& target, auto&& dy) const {
    const auto value = rp::SquaredError::operator()(y, target, dy);
    dy *= 0.5;
    return value;
  }
};
}  // namespace

TEST_CASE("check_gradient finds a wrong gradient") {
  rp::Rng rng{3};
  const rp::SequenceModel<rp::RNNCell<double>> model{{.inputs = 2, .hidden = 3, .outputs = 2}, rng};
  const rp::Sequence<double> x{MatrixXd::Random(2, 3)};
  CHECK_THROWS_AS(rp::check_gradient(model, x, x, WrongLoss{}), rp::check_error);
}
