#include <reprise/layers/embedding.hpp>

#include "catch.hpp"

namespace rp = reprise;

static_assert(rp::Layer<rp::Embedding<float>>);

TEST_CASE("an embedding gives each token its column, and its gradient back to it") {
  rp::Rng rng{1};
  const rp::Embedding<double> embedding{{5, 3}, rng};
  const rp::Matrix<int, 1> tokens = Eigen::RowVector4i(2, 0, 2, 4);
  const rp::Layout layout({4});
  const rp::Pass pass{layout, true};
  rp::Stateless<> state;
  rp::Embedding<double>::Trace trace;
  embedding.forward(tokens, pass, state, trace);
  for (int t = 0; t < 4; ++t) CHECK(trace.y.col(t) == embedding.E.col(tokens(t)));

  auto gradient = rp::zeros_like(embedding);
  const Eigen::MatrixXd dy = Eigen::MatrixXd::Random(3, 4);
  embedding.backward(tokens, dy, pass, trace, state, gradient, nullptr);
  CHECK(gradient.E.col(2) == dy.col(0) + dy.col(2));
  CHECK(gradient.E.col(0) == dy.col(1));
  CHECK(gradient.E.col(1).isZero());
}

TEST_CASE("a token beyond the vocabulary is refused, by number") {
  const rp::Embedding<float> embedding(rp::Sizes{5, 3});
  rp::Stateless<> state;
  rp::Stateless<rp::Owned<1>> stream;
  rp::Embedding<float>::Trace trace;
  rp::Embedding<float>::StepTrace<1, rp::AsTheyAre> step;
  const rp::Layout layout({2});
  for (const int token : {5, -1, 1000000}) {
    CHECK_THROWS_AS(embedding.forward(Eigen::RowVector2i(0, token), rp::Pass{layout}, state, trace), rp::value_error);
    CHECK_THROWS_WITH(embedding.step(token, stream, step),
                      "token " + std::to_string(token) + ", the vocabulary has 5 (0 to 4)");
  }
}

TEST_CASE("a batch of tokens steps together") {
  rp::Rng rng{2};
  const rp::Embedding<float> embedding{{5, 3}, rng};
  rp::Stateless<> state;
  rp::Embedding<float>::StepTrace<rp::Dynamic, rp::AsTheyAre> step;
  const auto& y = embedding.step(Eigen::RowVector2i(4, 1), state, step);
  CHECK(y.col(0) == embedding.E.col(4));
  CHECK(y.col(1) == embedding.E.col(1));
}
