// A first model: it hears a noisy sine and learns to say the next value, over sequences of any length; then it goes on
// alone, fed with its own answers, and draws what it hears.
#include <reprise/reprise.hpp>

#include <cmath>
#include <iostream>
#include <string>

namespace rp = reprise;

int main() {
  rp::Rng rng{42};
  rp::SequenceModel<rp::RNNCell<float>> model{{.inputs = 1, .hidden = 32, .outputs = 1}, rng};
  rp::Adam adam{model, {.learning_rate = 3e-3}};

  const auto sine = [](int length, double phase) {
    return Eigen::MatrixXf::NullaryExpr(1, length, [=](Eigen::Index, Eigen::Index t) {
      return static_cast<float>(std::sin(phase + 0.3 * static_cast<double>(t)));
    });
  };
  const rp::SquaredError loss{rp::Reduction::mean};
  for (int i = 0; i < 500; ++i) {
    std::vector<Eigen::MatrixXf> heard, next;  // eight records, each as long as it likes
    for (int r = 0; r < 8; ++r) {
      const Eigen::MatrixXf wave = sine(20 + static_cast<int>(rng.below(30)), rng.uniform(0, 6.28));
      heard.push_back(
          wave.leftCols(wave.cols() - 1).unaryExpr([&](float v) { return v + 0.05f * float(rng.normal()); }));
      next.push_back(wave.rightCols(wave.cols() - 1));
    }
    auto [value, gradient] = rp::loss_and_gradient(model, rp::Sequence<float>(heard), rp::Sequence<float>(next), loss);
    rp::clip_norm(gradient, 1);
    adam.step(model, gradient);
    if (i % 100 == 0 || i == 499) std::cout << "step " << i << "  mean squared error " << value << "\n";
  }

  auto state = model.initial_state();  // a stream: one value in, one out, the state in the caller's hand
  const Eigen::MatrixXf start = sine(20, 0.0);
  rp::Vector<float> y(1);
  for (Eigen::Index t = 0; t < start.cols(); ++t) y = model.step(start.col(t), state);
  std::cout << "\nalone from here, without an input:\n";
  for (int t = 0; t < 42; ++t) {
    std::cout << std::string(static_cast<std::size_t>(30 + std::lround(28 * std::clamp(y(0), -1.05f, 1.05f))), ' ')
              << "*\n";
    y = model.step(y, state);
  }
}
