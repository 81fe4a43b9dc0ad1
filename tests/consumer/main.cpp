// A user's program: trains, streams, and returns 0 if both did what they should.
#include <reprise/reprise.hpp>

#include <cmath>
#include <iostream>

namespace rp = reprise;

// A module of the user's own is trained like any other.
struct Affine {
  using Scalar = float;
  Eigen::MatrixXf W = Eigen::MatrixXf::Zero(2, 2);
  Eigen::VectorXf b = Eigen::VectorXf::Zero(2);
  static constexpr auto fields() { return std::tuple{rp::field("W", &Affine::W), rp::field("b", &Affine::b)}; }
};

int main() {
  rp::Rng rng{42};
  rp::SequenceModel<rp::RNNCell<float>> model{{.inputs = 3, .hidden = 32, .outputs = 1}, rng};
  rp::Adam adam{model, {.learning_rate = 1e-3f}};

  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(3, 20), b = Eigen::MatrixXf::Random(3, 7);
  const Eigen::MatrixXf a_sum = a.colwise().sum(), b_sum = b.colwise().sum();
  const rp::Sequence<float> x{a, b}, target{a_sum, b_sum};
  float first = 0, last = 0;
  for (int i = 0; i < 200; ++i) {
    auto [loss, gradient] = rp::loss_and_gradient(model, x, target, rp::SquaredError{});
    rp::clip_norm(gradient, 1.0f);
    adam.step(model, gradient);
    (i == 0 ? first : last) = loss;
  }

  auto state = model.initial_state();
  const auto whole = model.forward(x)[0];
  for (int t = 0; t < 20; ++t) {
    const auto y_t = model.step(a.col(t), state);
    if (std::abs(y_t(0) - whole(0, t)) > 1e-5f) return 1;
  }
  Affine affine, descent;
  descent.b.setOnes();
  rp::Adam{affine, {.learning_rate = 0.1}}.step(affine, descent);
  if (std::abs(affine.b(0) + 0.1f) > 1e-6f || !affine.W.isZero()) return 1;

  std::cout << "loss " << first << " -> " << last << "\n";
  return last < 0.1f * first ? 0 : 1;
}
