#include <reprise/cells/gru.hpp>
#include <reprise/decode/scheduled_sampling.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/train/schedule.hpp>
#include <reprise/train/sequence_model.hpp>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

namespace {

using Model = rp::SequenceModel<rp::Stack<rp::Embedding<double>, rp::GRUCell<double>>>;
using Tokens = std::vector<int>;

constexpr int vocabulary = 6;

Model make_model(std::uint64_t seed) {
  rp::Rng rng{seed};
  Model model{{.inputs = vocabulary, .hidden = 7, .outputs = vocabulary}, rng};
  model.W_hy *= 3;
  return model;
}

std::vector<Tokens> random_records(const std::vector<Index>& lengths, std::uint64_t seed) {
  rp::Rng rng{seed};
  std::vector<Tokens> records;
  for (const Index length : lengths) {
    records.emplace_back();
    for (Index t = 0; t < length; ++t) records.back().push_back(static_cast<int>(rng.below(vocabulary)));
  }
  return records;
}

Tokens record(const rp::Sequence<int>& x, Index r) {
  const auto row = x[r];
  return Tokens(row.data(), row.data() + row.size());
}

const std::vector<Index> lengths{4, 0, 9, 1, 9, 2};

rp::Sequence<int> mix(const Model& model, const rp::Sequence<int>& x, double epsilon, rp::SamplingOptions sampling,
                      std::uint64_t seed) {
  rp::LanguageModel stepper{model};
  rp::Rng rng{seed};
  return rp::scheduled_sampling(stepper, stepper.initial_state(x.batch()), x, epsilon, sampling, rng);
}

}  // namespace

TEST_CASE("epsilon of 1 is teacher forcing, of 0 the model running free") {
  const auto model = make_model(1);
  const rp::Sequence<int> x(random_records(lengths, 2));
  CHECK(mix(model, x, 1, {}, 3).values() == x.values());

  std::vector<Index> choices;
  Tokens begin;
  for (Index r = 0; r < x.batch(); ++r) {
    choices.push_back(std::max(x.length(r) - 1, Index{0}));
    begin.push_back(x.length(r) > 0 ? record(x, r)[0] : 0);
  }
  rp::LanguageModel stepper{model};
  rp::Rng rng{3};
  const auto start = stepper.initial_state(x.batch());
  const auto free = rp::greedy(stepper, start, {.maximum_length = choices, .begin = begin});
  const auto drawn = rp::generate(stepper, start, {.maximum_length = choices, .begin = begin}, rng);
  const auto likely = mix(model, x, 0, {.temperature = 0}, 3), sampled = mix(model, x, 0, {}, 3);
  REQUIRE(likely.layout() == x.layout());
  for (Index r = 0; r < x.batch(); ++r) {
    if (x.length(r) == 0) continue;
    for (const auto& [mixed, made] : {std::pair(likely, free), std::pair(sampled, drawn)}) {
      Tokens expected = made[static_cast<std::size_t>(r)].tokens;
      expected.insert(expected.begin(), begin[static_cast<std::size_t>(r)]);
      CHECK(record(mixed, r) == expected);
    }
  }
  CHECK(likely.values() != sampled.values());
}

TEST_CASE("each token is the true one or the model's answer to the mixed inputs before it") {
  int own = 0, all = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto model = make_model(seed);
    const rp::Sequence<int> x(random_records(lengths, seed + 100));
    const auto mixed = mix(model, x, 0.7, {.temperature = 0}, seed);
    const auto y = model.forward(mixed);
    for (Index r = 0; r < x.batch(); ++r) {
      if (x.length(r) > 0) REQUIRE(mixed[r](0) == x[r](0));
      for (Index t = 1; t < x.length(r); ++t) {
        const int answer = rp::greedy(y[r].col(t - 1));
        REQUIRE((mixed[r](t) == x[r](t) || mixed[r](t) == answer));
        if (answer == x[r](t)) continue;
        own += mixed[r](t) == answer;
        ++all;
      }
    }
  }
  REQUIRE(all > 700);
  CHECK(std::abs(own / static_cast<double>(all) - 0.3) < 4 * std::sqrt(0.3 * 0.7 / all));
}

TEST_CASE("a record's inputs depend on no other record, and every call draws anew") {
  const auto model = make_model(4);
  auto records = random_records(lengths, 5);
  const rp::Sequence<int> x(records);
  const auto mixed = mix(model, x, 0.5, {}, 6);
  records[0] = {1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};
  records[1] = {5, 5};
  records[4].clear();
  const auto beside_others = mix(model, rp::Sequence<int>(records), 0.5, {}, 6);
  for (const Index r : {2, 3, 5}) CHECK(record(mixed, r) == record(beside_others, r));
  const auto alone = mix(model, rp::Sequence<int>{record(x, 0)}, 0.5, {}, 6);
  CHECK(record(alone, 0) == record(mixed, 0));

  rp::LanguageModel stepper{model};
  rp::Rng rng{6};
  const auto start = stepper.initial_state(x.batch());
  const auto first = rp::scheduled_sampling(stepper, start, x, 0.5, {}, rng);
  CHECK(first.values() == mixed.values());
  CHECK(rp::scheduled_sampling(stepper, start, x, 0.5, {}, rng).values() != first.values());
}

TEST_CASE("the state may be other than zero: each record begins from its own column") {
  const auto model = make_model(7);
  const rp::Sequence<int> x(random_records({3, 8, 5}, 8)), before(random_records({2, 4, 6}, 9));
  auto state = model.initial_state(3);
  model.forward(before, state);
  rp::LanguageModel stepper{model};
  rp::Rng rng{1};
  const auto mixed = rp::scheduled_sampling(stepper, state, x, 0, {.temperature = 0}, rng);
  const auto y = model.forward(mixed, state);
  for (Index r = 0; r < 3; ++r)
    for (Index t = 1; t < x.length(r); ++t) CHECK(mixed[r](t) == rp::greedy(y[r].col(t - 1)));
}

TEST_CASE("a model of numbers reads its own outputs") {
  using Numbers = rp::SequenceModel<rp::GRUCell<double>>;
  rp::Rng rng{1};
  const Numbers model{{.inputs = 2, .hidden = 5, .outputs = 2}, rng};
  rp::Sequence<double> x(rp::Layout({6, 1, 0, 40, 3}), 2);
  rp::uniform(x.values(), 1.0, rng);
  rp::Prepared<Numbers, double, rp::Dynamic> stepper{model};
  const auto start = stepper.initial_state(5);
  CHECK(rp::scheduled_sampling(stepper, start, x, 1, rng).values() == x.values());

  const auto free = rp::scheduled_sampling(stepper, start, x, 0, rng),
             mixed = rp::scheduled_sampling(stepper, start, x, 0.5, rng);
  const auto y_free = model.forward(free), y = model.forward(mixed);
  int own = 0, given = 0;
  for (Index r = 0; r < x.batch(); ++r) {
    if (x.length(r) > 0) CHECK(free[r].col(0) == x[r].col(0));
    for (Index t = 1; t < x.length(r); ++t) {
      CHECK((free[r].col(t) - y_free[r].col(t - 1)).norm() < 1e-14);
      const bool is_given = mixed[r].col(t) == x[r].col(t);
      if (!is_given) CHECK((mixed[r].col(t) - y[r].col(t - 1)).norm() < 1e-14);
      ++(is_given ? given : own);
    }
  }
  CHECK(own > 10);
  CHECK(given > 10);

  const Numbers unlike{{.inputs = 2, .hidden = 5, .outputs = 1}, rng};
  rp::Prepared<Numbers, double, rp::Dynamic> other{unlike};
  CHECK_THROWS_WITH(rp::scheduled_sampling(other, start, x, 0.5, rng),
                    "the model has 1 outputs, scheduled sampling of 2 inputs takes 2");
}

TEST_CASE("epsilon decays as in section 2.4 of the paper") {
  const rp::LinearDecay linear{.first = 1, .last = 0.25, .slope = 0.125};
  CHECK(linear(0) == 1);
  CHECK(linear(4) == 0.5);
  CHECK(linear(6) == 0.25);
  CHECK(linear(100) == 0.25);
  const rp::ExponentialDecay exponential{.rate = 1, .factor = 0.5, .every = 1};
  CHECK(exponential(0) == 1);
  CHECK(exponential(3) == Approx(0.125));
  const rp::InverseSigmoidDecay sigmoid{.k = 10};
  CHECK(sigmoid(0) == Approx(10.0 / 11));
  CHECK(sigmoid(23) == Approx(10 / (10 + std::exp(2.3))));
  CHECK(sigmoid(10000000) == 0);
}

TEST_CASE("what does not fit is refused") {
  const auto model = make_model(1);
  const rp::Sequence<int> x{{1, 2, 3}, {4, 5}};
  CHECK_THROWS_WITH(mix(model, x, 1.5, {}, 1), "epsilon = 1.5, a probability in [0, 1]");
  CHECK_THROWS_AS(mix(model, x, -0.5, {}, 1), rp::value_error);
  CHECK_THROWS_AS(mix(model, x, std::nan(""), {}, 1), rp::value_error);
  CHECK_THROWS_AS(mix(model, x, 0.5, {.temperature = -1}, 1), rp::value_error);
  CHECK_THROWS_AS(mix(model, rp::Sequence<int>{{1, vocabulary, 1}, {0, 0}}, 0.9999, {}, 1), rp::value_error);
  rp::LanguageModel stepper{model};
  rp::Rng rng{1};
  CHECK_THROWS_WITH(rp::scheduled_sampling(stepper, stepper.initial_state(3), x, 0.5, {}, rng),
                    "the state has 3 columns, the batch takes 2");
  CHECK(mix(model, rp::Sequence<int>(), 0.5, {}, 1).batch() == 0);
}
