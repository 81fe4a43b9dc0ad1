// Loss and gradient of the translator, one batch, one thread: the library, the products it cannot do without, and LibTorch, if
// it is there. In one process, in turn; losses are compared before anything is timed.
//
//   taskset -c 1 translator_benchmark

#include <reprise/losses/cross_entropy.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>

#include "../timing.hpp"
#include "network.hpp"

namespace {

using namespace benchmark;
using rp::Index;

// The matrix products of a pass, forward and back, each as large as it can be made: C (m, n) = A (m, k) B (k, n).
class Products {
 public:
  explicit Products(const Shape& s) {
    const Index H = s.hidden, half = H / 2, B = s.batch, S = s.source_length, T = s.target_length;
    for (int direction = 0; direction < 2; ++direction) gru(H, half, B, S);
    gru(H, H, B, T);
    linear(H, H, B);               // bridge
    linear(H, H, S * B);           // W of the attention
    for (int i = 0; i < 2; ++i) {  // scores and contexts, record by record
      add(S, H, T, B), add(H, T, S, B), add(H, S, T, B);
    }
    linear(H, 2 * H, T * B);      // W_c
    linear(s.targets, H, T * B);  // W_hy
  }

  double flops() const {
    double sum = 0;
    for (const Product& p : products_)
      sum += 2.0 * double(p.A.rows()) * double(p.A.cols()) * double(p.B.cols() * p.times);
    return sum;
  }

  void run() {
    for (Product& p : products_)
      for (Index i = 0; i < p.times; ++i) rp::product(p.C, p.A, p.B);
  }

 private:
  struct Product {
    Eigen::MatrixXf A, B, C;
    Index times;
  };
  void add(Index m, Index k, Index n, Index times = 1) {
    products_.push_back({Eigen::MatrixXf::Random(m, k), Eigen::MatrixXf::Random(k, n), Eigen::MatrixXf(m, n), times});
  }
  void linear(Index outputs, Index inputs, Index columns) {
    add(outputs, inputs, columns);  // W x
    add(outputs, columns, inputs);  // dy x^T
    add(inputs, outputs, columns);  // W^T dy
  }
  void gru(Index inputs, Index hidden, Index batch, Index steps) {
    linear(3 * hidden, inputs, batch * steps);
    add(3 * hidden, hidden, batch, steps);
    add(3 * hidden, batch * steps, hidden);
    add(hidden, 3 * hidden, batch, steps);
  }

  std::vector<Product> products_;
};

Sentences random_sentences(int count, int length, int pieces, rp::Rng& rng) {
  Sentences sentences(static_cast<std::size_t>(count), std::vector<int>(static_cast<std::size_t>(length)));
  for (auto& sentence : sentences)
    for (int& piece : sentence) piece = static_cast<int>(rng.uniform() * pieces);
  return sentences;
}

void compare(const Shape& shape) {
  rp::Rng rng(1);
  const Translator model({.inputs = shape.sources, .hidden = shape.hidden, .outputs = shape.targets}, rng);
  const Batch batch{random_sentences(shape.batch, shape.source_length, shape.sources, rng),
                    random_sentences(shape.batch, shape.target_length, shape.targets, rng),
                    random_sentences(shape.batch, shape.target_length, shape.targets, rng)};

  Products products(shape);
  const Translator::Examples x{rp::Sequence<int>(batch.source), rp::Sequence<int>(batch.previous)};
  const rp::Sequence<int> target(batch.target);
  rp::Workspace workspace{model};
  const auto ours = [&] { return rp::loss_and_gradient(model, x, target, rp::SoftmaxCrossEntropy{}, workspace); };
  std::vector<Candidate> candidates{{.name = "products", .run = [&] { products.run(); }},
                                    {.name = "reprise", .run = [&] { ours(); }}};
#ifdef REPRISE_BENCHMARK_TORCH
  const Run torch = torch_run(model, batch, shape);
  if (const float a = ours(), b = torch(); std::abs(a - b) > 1e-4f * std::abs(a)) {
    std::cerr << "the losses differ: " << a << ", LibTorch's " << b << "\n";
    std::exit(1);
  }
  candidates.push_back({.name = "LibTorch", .run = [&] { torch(); }});
#endif
  const auto timings = measure(candidates, {.seconds = 5});
  std::printf("\n%d units, %d and %d pieces, %d sentences of %d and %d: %.1f GFLOP in products\n", shape.hidden,
              shape.sources, shape.targets, shape.batch, shape.source_length, shape.target_length,
              1e-9 * products.flops());
  for (std::size_t i = 0; i < timings.size(); ++i)
    std::printf("  %-9s %8.2f ms   %5.2f of reprise   %8.0f target pieces a second\n", candidates[i].name.c_str(),
                1e3 * timings[i].median, timings[i].median / timings[1].median,
                shape.batch * shape.target_length / timings[i].median);
}

}  // namespace

int main() {
  compare({.sources = 4000, .targets = 4000, .hidden = 320, .batch = 96, .source_length = 8, .target_length = 9});
  compare({.sources = 1000, .targets = 1000, .hidden = 128, .batch = 32, .source_length = 8, .target_length = 9});
}
