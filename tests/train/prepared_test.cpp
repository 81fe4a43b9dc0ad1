#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/prepared.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

TEST_CASE("a prepared model steps as the model does, one stream or several, forked or not") {
  using Model = rp::SequenceModel<rp::Stack<rp::GRUCell<float>, rp::Dense<float>, rp::LSTMCell<float>>>;
  rp::Rng rng{1};
  const Model model{{.inputs = 3, .hidden = 37, .outputs = 2}, rng};
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(3, 20);

  rp::Prepared one{model};
  auto state = model.initial_state(), expected_state = model.initial_state();
  for (Index t = 0; t < 10; ++t) CHECK((one.step(x.col(t), state) == model.step(x.col(t), expected_state)));
  auto fork = state;
  CHECK((one.step(x.col(3), fork) == model.step(x.col(3), expected_state)));

  rp::Prepared<Model, float, rp::Dynamic> both{model, 2};
  auto states = model.initial_state(2), expected_states = model.initial_state(2);
  for (Index t = 0; t < 20; t += 2)
    CHECK((both.step(x.middleCols(t, 2), states) == model.step(x.middleCols(t, 2), expected_states)));
  states = both.initial_state(5), expected_states = both.model().initial_state(5);
  CHECK((both.step(x.leftCols(5), states) == model.step(x.leftCols(5), expected_states)));
  CHECK_THROWS_WITH(one.initial_state(2), "batch = 2, the type says 1");

  CHECK_THROWS_WITH(one.step(Eigen::VectorXf(Eigen::VectorXf::Zero(4)), state), "x_t has 4 rows, the model takes 3");
}

TEST_CASE("a prepared model keeps the weights it was prepared with") {
  rp::Rng rng{2};
  rp::SequenceModel<rp::GRUCell<double>> model{{.inputs = 2, .hidden = 5, .outputs = 1}, rng};
  rp::Prepared before{model};
  auto state = model.initial_state();
  const Eigen::Vector2d x(0.3, -0.8);
  const double y = before.step(x, state)(0);
  rp::for_each_parameter([](auto& p) { p.array() += 0.5; }, model);
  state = model.initial_state();
  CHECK(before.step(x, state)(0) == y);
  auto moved = std::move(before);
  state = model.initial_state();
  CHECK(moved.step(x, state)(0) == y);
  rp::Prepared after{model};
  state = model.initial_state();
  auto same = model.initial_state();
  CHECK(after.step(x, state)(0) == model.step(x, same)(0));

  using Several = rp::Prepared<decltype(model), double, rp::Dynamic>;
  CHECK_THROWS_WITH(Several(model, -1), "batch = -1: a size is not negative");
  CHECK_THROWS_WITH(rp::Prepared<decltype(model)>(model, 3), "batch = 3, the type says 1");
  Several none{model, 0};
}

TEST_CASE("tokens, an empty model and sizes in the type are prepared, too") {
  rp::Rng rng{3};
  const rp::SequenceModel<rp::Stack<rp::Embedding<float>, rp::LSTMCell<float>>> tokens{
      {.inputs = 5, .hidden = 6, .outputs = 5}, rng};
  rp::Prepared player{tokens};
  auto state = tokens.initial_state(), expected = tokens.initial_state();
  for (const int token : {4, 0, 2}) CHECK((player.step(token, state) == tokens.step(token, expected)));
  CHECK_THROWS_AS(player.step(5, state), rp::value_error);

  const rp::SequenceModel<rp::LSTMCell<float>> empty;
  rp::Prepared nothing{empty};

  const rp::SequenceModel<rp::GRUCell<float, 1, 8>, 1> fixed{{}, rng};
  rp::Prepared pedal{fixed};
  auto stream = fixed.initial_state(), same = fixed.initial_state();
  const rp::Vector<float, 1> x(0.5f);
  CHECK((pedal.step(x, stream) == fixed.step(x, same)));
}

TEST_CASE("bfloat16 weights give what the model gives with its weights rounded to 8 bits") {
  using Model = rp::SequenceModel<rp::LSTMCell<float>>;
  rp::Rng rng{4};
  // Odd, and more than the 512 that are multiplied before the next columns.
  const Model model{{.inputs = 3, .hidden = 601, .outputs = 3}, rng};
  Model rounded = model;
  rp::for_each_parameter(
      [](auto& p) {
        if (p.cols() > 1) p = p.template cast<rp::bfloat16>().template cast<float>();
      },
      rounded);
  constexpr Index streams = 5;
  rp::Prepared<Model, rp::bfloat16, rp::Dynamic> small{model, streams};
  auto state = model.initial_state(streams), same = state, exact = state;
  for (Index t = 0; t < 20; ++t) {
    const Eigen::MatrixXf x = Eigen::MatrixXf::Random(3, streams);
    const Eigen::MatrixXf y = small.step(x, state);
    CHECK((y == rounded.step(x, same)));
    const float error = (y - model.step(x, exact)).norm();
    CHECK(error < 0.02f);
    CHECK(error > 0);
  }
}
