#include <reprise/cells/gru.hpp>
#include <reprise/decode/beam.hpp>
#include <reprise/decode/log_probability.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/train/loss_and_gradient.hpp>

#include <functional>

#include "catch.hpp"

namespace rp = reprise;
using rp::Index;

namespace {

template <class Scalar>
using Model = rp::SequenceModel<rp::Stack<rp::Embedding<Scalar>, rp::GRUCell<Scalar>>>;

// Weights well above the usual, so that the model is sure of some tokens and not of others.
template <class Scalar>
Model<Scalar> make_model(Index vocabulary, Index hidden, std::uint64_t seed) {
  rp::Rng rng{seed};
  Model<Scalar> model{{.inputs = vocabulary, .hidden = hidden, .outputs = vocabulary}, rng};
  model.W_hy *= Scalar(3);
  rp::uniform(model.b_y, 1.0, rng);
  return model;
}

// The state after a record of random tokens, one for each source: what a prompt or an encoder leaves.
template <class Scalar>
auto random_state(const Model<Scalar>& model, Index sources, std::uint64_t seed) {
  rp::Rng rng{seed};
  auto state = model.initial_state(sources);
  rp::for_each_parameter([&](auto& p) { rp::uniform(p, 1.0, rng); }, state);
  return state;
}

// A stepper of a user's own: logits as a function of the source and of all it has read. It counts its steps.
struct Script {
  struct Reader {
    Index source;
    std::vector<int> read;
  };
  using State = std::vector<Reader>;
  std::function<Eigen::VectorXd(const Reader&)> logits;
  std::vector<Index> widths = {};  // of each step

  static State initial_state(Index sources) {
    State state;
    for (Index s = 0; s < sources; ++s) state.push_back({s, {}});
    return state;
  }
  static Index columns(const State& state) { return static_cast<Index>(state.size()); }
  static State select(const State& state, std::span<const Index> columns) {
    State selected;
    for (const Index column : columns) selected.push_back(state.at(static_cast<std::size_t>(column)));
    return selected;
  }
  Eigen::MatrixXd step(const rp::Tokens& tokens, State& state) {
    widths.push_back(tokens.size());
    Eigen::MatrixXd y;
    for (Index k = 0; k < tokens.size(); ++k) {
      auto& reader = state.at(static_cast<std::size_t>(k));
      reader.read.push_back(tokens(k));
      const Eigen::VectorXd column = logits(reader);
      y.conservativeResize(column.size(), tokens.size());
      y.col(k) = column;
    }
    return y;
  }
};
static_assert(rp::Stepper<Script> && rp::Stepper<rp::LanguageModel<Model<float>>>);

using Tokens = std::vector<int>;

double lp(double length, double alpha) { return std::pow((5 + length) / 6, alpha); }

// Every sequence there is, with its exact log-probability from the model run over it as a whole.
void enumerate(const Model<double>& model, const Model<double>::State<>& start, int begin, int end, Index longest,
               double alpha, Tokens& tokens, std::vector<rp::Hypothesis>& all) {
  const auto add = [&](bool ended) {
    Tokens target = tokens, x{begin};
    if (ended) target.push_back(end);
    x.insert(x.end(), target.begin(), target.end() - 1);
    auto state = start;
    const auto y = model.forward(rp::Sequence<int>{x}, state);
    const double log_p = rp::log_probability(y.values(), rp::Sequence<int>{target})(0);
    all.push_back({tokens, log_p, log_p / lp(static_cast<double>(target.size()), alpha), ended});
  };
  if (static_cast<Index>(tokens.size()) == longest) return add(false);
  add(true);
  for (int token = 0; token < model.outputs(); ++token) {
    if (token == end) continue;
    tokens.push_back(token);
    enumerate(model, start, begin, end, longest, alpha, tokens, all);
    tokens.pop_back();
  }
}

}  // namespace

TEST_CASE("a beam as wide as all sequences finds every one of them, best first") {
  constexpr int vocabulary = 3, begin = 0, end = 2, everything = 81;  // vocabulary^longest
  constexpr Index longest = 4;
  int normalisation_matters = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto model = make_model<double>(vocabulary, 4, seed);
    const auto state = random_state(model, 1, seed);
    rp::LanguageModel stepper{model};
    Tokens best_at_zero;
    for (const double alpha : {0.0, 0.6, 3.0}) {
      std::vector<rp::Hypothesis> all;
      Tokens none;
      enumerate(model, state, begin, end, longest, alpha, none, all);
      std::ranges::sort(all, std::ranges::greater{}, &rp::Hypothesis::score);
      REQUIRE(all.size() == 31);  // 1 + 2 + 4 + 8 that end, 16 that do not
      double total = 0;
      for (const auto& y : all) total += std::exp(y.log_probability);
      REQUIRE(std::abs(total - 1) < 1e-12);

      rp::BeamOptions options{.beam = everything, .maximum_length = longest, .begin = begin, .end = end};
      options.length_penalty = alpha;
      options.n_best = everything;
      const auto found = rp::beam_search(stepper, state, options).at(0);
      REQUIRE(found.size() == all.size());
      for (std::size_t i = 0; i < all.size(); ++i) {
        REQUIRE(found[i].tokens == all[i].tokens);
        REQUIRE(found[i].ended == all[i].ended);
        REQUIRE(std::abs(found[i].log_probability - all[i].log_probability) < 1e-12);
        REQUIRE(std::abs(found[i].score - all[i].score) < 1e-12);
      }
      // The search may stop early, but not with less than the best.
      for (const int n : {1, 3}) {
        options.n_best = n;
        const auto head = rp::beam_search(stepper, state, options).at(0);
        REQUIRE(head == std::vector(found.begin(), found.begin() + n));
      }
      if (alpha == 0) best_at_zero = found[0].tokens;
      normalisation_matters += found[0].tokens != best_at_zero;
    }
  }
  CHECK(normalisation_matters > 10);
}

TEST_CASE("a beam of one is greedy, token by token") {
  int ended = 0, cut = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Index vocabulary = 2 + static_cast<Index>(seed % 9);
    const auto model = make_model<float>(vocabulary, 5, seed);
    const auto state = random_state(model, 4, seed);
    rp::LanguageModel stepper{model};
    const std::vector<Index> longest{12, 0, 1, 7};
    const std::vector<int> begin{0, 1, 0, 1};
    const auto expected = rp::greedy(stepper, state, {.maximum_length = longest, .begin = begin, .end = 1});
    for (const double alpha : {0.0, 1.0}) {
      const auto found = rp::beam_search(
          stepper, state,
          {.beam = 1, .maximum_length = longest, .begin = begin, .end = 1, .length_penalty = alpha, .n_best = 1});
      for (std::size_t s = 0; s < 4; ++s) {
        REQUIRE(found[s].size() == 1);
        auto y = found[s][0];
        REQUIRE(y.score == Approx(y.log_probability / lp(static_cast<double>(y.length()), alpha)));
        y.score = y.log_probability;
        REQUIRE(y == expected[s]);
      }
    }
    // Both are what the model itself says, step by step.
    for (Index s = 0; s < 4; ++s) {
      auto one = model.initial_state();
      std::get<1>(one.layers).h = std::get<1>(state.layers).h.col(s);
      int token = begin[static_cast<std::size_t>(s)];
      Tokens tokens;
      bool end = false;
      while (!end && static_cast<Index>(tokens.size()) < longest[static_cast<std::size_t>(s)]) {
        token = rp::greedy(model.step(token, one));
        end = token == 1;
        if (!end) tokens.push_back(token);
      }
      REQUIRE(expected[static_cast<std::size_t>(s)].tokens == tokens);
      REQUIRE(expected[static_cast<std::size_t>(s)].ended == end);
      ++(end ? ended : cut);
    }
  }
  CHECK(ended > 30);
  CHECK(cut > 90);
}

TEST_CASE("sources never influence each other, to the last bit") {
  constexpr Index sources = 7;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto model = make_model<float>(11, 17, seed);
    const auto state = random_state(model, sources, seed);
    rp::LanguageModel stepper{model};
    const std::vector<Index> longest{9, 3, 0, 14, 5, 1, 11};
    rp::BeamOptions options{.beam = 5, .maximum_length = longest, .begin = 0, .end = 1};
    options.length_penalty = 0.7;
    options.n_best = 5;
    const auto together = rp::beam_search(stepper, state, options);
    REQUIRE(together.size() == sources);
    for (Index s = 0; s < sources; ++s) {
      options.maximum_length = longest[static_cast<std::size_t>(s)];
      const std::array one{s};
      const auto alone = rp::beam_search(stepper, stepper.select(state, one), options);
      REQUIRE(alone.at(0) == together[static_cast<std::size_t>(s)]);
    }
  }
}

TEST_CASE("what is reported is the log-probability of the sequence") {
  const auto model = make_model<double>(6, 8, 3);
  const auto state = random_state(model, 3, 4);
  rp::LanguageModel stepper{model};
  rp::BeamOptions options{.beam = 4, .maximum_length = 8, .begin = 5, .end = 0};
  options.n_best = 4;
  const auto found = rp::beam_search(stepper, state, options);
  Index ended = 0;
  for (std::size_t rank = 0; rank < 4; ++rank) {
    std::vector<Tokens> targets;
    for (const auto& list : found) {
      targets.push_back(list.at(rank).tokens);
      if (list[rank].ended) targets.back().push_back(0);
      ended += list[rank].ended;
    }
    const auto log_p = rp::log_probability(stepper, state, rp::Sequence<int>(targets), 5);
    for (std::size_t s = 0; s < 3; ++s)
      CHECK(std::abs(log_p(static_cast<Index>(s)) - found[s][rank].log_probability) < 1e-12);
  }
  CHECK(ended > 0);
  CHECK(ended < 12);
}

TEST_CASE("log_probability is minus the cross-entropy of each record, whatever the lengths") {
  const auto model = make_model<double>(7, 9, 1);
  const std::vector<Tokens> target{{3, 1, 4}, {}, {1, 5, 2, 6, 5}, {0}, {2, 6, 5}};
  std::vector<Tokens> x;
  const std::vector<int> begin{0, 1, 2, 3, 4};
  for (std::size_t r = 0; r < target.size(); ++r) {
    x.push_back(target[r]);
    if (x[r].empty()) continue;
    x[r].insert(x[r].begin(), begin[r]);
    x[r].pop_back();
  }
  const auto y = model.forward(rp::Sequence<int>(x));
  const auto log_p = rp::log_probability(y.values(), rp::Sequence<int>(target));
  rp::LanguageModel stepper{model};
  const auto by_steps = rp::log_probability(stepper, stepper.initial_state(5), rp::Sequence<int>(target), begin);
  REQUIRE(log_p.size() == 5);
  for (std::size_t r = 0; r < target.size(); ++r) {
    const double loss =
        rp::evaluate(model, rp::Sequence<int>{x[r]}, rp::Sequence<int>{target[r]}, rp::SoftmaxCrossEntropy{});
    CHECK(std::abs(log_p(static_cast<Index>(r)) + loss) < 1e-12);
    CHECK(std::abs(by_steps(static_cast<Index>(r)) + loss) < 1e-12);
  }
  CHECK(log_p(1) == 0);

  // Logits beyond what exp can take.
  const Eigen::Vector3d large(1e4, 1e4, -1e4);
  CHECK(rp::log_probability(large, rp::Sequence<int>{{1}})(0) == Approx(-std::log(2)));
  CHECK(rp::log_probability(large, rp::Sequence<int>{{2}})(0) == Approx(-2e4 - std::log(2)));

  CHECK_THROWS_WITH(rp::log_probability(large, rp::Sequence<int>{{3}}), "target 3, the model has 3 outputs (0 to 2)");
  CHECK_THROWS_AS(rp::log_probability(large, rp::Sequence<int>{{-1}}), rp::value_error);
  CHECK_THROWS_WITH(rp::log_probability(large, rp::Sequence<int>{{1, 1}}), "logits have 1 columns, the target 2");
  CHECK_THROWS_AS(rp::log_probability(Eigen::Vector2d(0, std::nan("")), rp::Sequence<int>{{0}}), rp::non_finite_error);
  CHECK_THROWS_WITH(rp::log_probability(stepper, stepper.initial_state(2), rp::Sequence<int>{{1}}, 0),
                    "the state has 2 columns, the batch takes 1");
}

TEST_CASE("a source leaves as soon as nothing better can come, not before") {
  // Token 0 ends. Source 0 is sure to end at once; source 1 only after three more tokens.
  const auto logits = [](const Script::Reader& reader) -> Eigen::VectorXd {
    if (reader.source == 0 || reader.read.size() > 3) return Eigen::Vector3d(0.9, 0.06, 0.04).array().log();
    return Eigen::Vector3d(0.1, 0.6, 0.3).array().log();
  };
  rp::BeamOptions options{.beam = 3, .maximum_length = 20, .begin = 1, .end = 0};
  Script script{logits};
  auto found = rp::beam_search(script, Script::initial_state(1), options);
  CHECK(found[0][0].tokens.empty());
  CHECK(found[0][0].log_probability == Approx(std::log(0.9)));
  CHECK(script.widths == std::vector<Index>{1});

  // 0.9 has to be beaten by what has 0.06 and is divided by lp(20): with alpha = 3, log(0.06) / lp(20) > log(0.9).
  options.length_penalty = 3;
  script.widths.clear();
  found = rp::beam_search(script, Script::initial_state(1), options);
  CHECK(script.widths.size() > 1);
  CHECK(found[0][0].tokens.empty());

  // As good is not better.
  Script coin{[](const Script::Reader&) -> Eigen::VectorXd { return Eigen::Vector2d(0, 0); }};
  CHECK(rp::beam_search(coin, Script::initial_state(1), {.beam = 2, .begin = 1, .end = 0}).at(0).at(0).ended);
  CHECK(coin.widths == std::vector<Index>{1});

  // Both at once: source 1 goes on alone, with two hypotheses after its first ended.
  options.length_penalty = 0;
  script.widths.clear();
  found = rp::beam_search(script, Script::initial_state(2), options);
  CHECK(found[0][0].tokens.empty());
  CHECK(found[1][0].tokens == Tokens{1, 1, 1});  // 0.6^3 0.9 = 0.194 is more than the 0.1 that has ended
  CHECK(found[1][0].log_probability == Approx(3 * std::log(0.6) + std::log(0.9)));
  CHECK(script.widths == std::vector<Index>{2, 2, 2, 2});
}

TEST_CASE("one ended hypothesis less is one hypothesis less to go on") {
  const Eigen::VectorXd p = Eigen::Vector3d(0.4, 0.35, 0.25).array().log();
  Script script{[&](const Script::Reader&) { return p; }};
  rp::BeamOptions options{.beam = 3, .maximum_length = 10, .begin = 1, .end = 0, .length_penalty = 0, .n_best = 3};
  const auto found = rp::beam_search(script, Script::initial_state(1), options).at(0);
  CHECK(script.widths == std::vector<Index>{1, 2, 1});
  REQUIRE(found.size() == 3);
  CHECK(found[0].tokens == Tokens{});
  CHECK(found[1].tokens == Tokens{1});
  CHECK(found[2].tokens ==
        Tokens{1, 1});  // 2 and the end, 0.25 0.4, was third of the second step, which had room for two
}

TEST_CASE("of equals the smaller token comes first") {
  Script script{[](const Script::Reader&) -> Eigen::VectorXd { return Eigen::VectorXd::Zero(5); }};
  rp::BeamOptions options{.beam = 7, .maximum_length = 2, .begin = 0};
  options.n_best = 7;
  const auto found = rp::beam_search(script, Script::initial_state(1), options).at(0);
  REQUIRE(found.size() == 7);
  for (int i = 0; i < 7; ++i) CHECK(found[static_cast<std::size_t>(i)].tokens == Tokens{i / 5, i % 5});
  CHECK(rp::greedy(script, Script::initial_state(1), {.maximum_length = 3, .begin = 4}).at(0).tokens ==
        Tokens{0, 0, 0});
}

TEST_CASE("what is impossible is no hypothesis") {
  Script script{[](const Script::Reader&) -> Eigen::VectorXd { return Eigen::Vector3d(-INFINITY, 1, -INFINITY); }};
  rp::BeamOptions options{.beam = 4, .maximum_length = 3, .begin = 0, .end = 2, .length_penalty = 1, .n_best = 4};
  const auto found = rp::beam_search(script, Script::initial_state(1), options).at(0);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == rp::Hypothesis{.tokens = {1, 1, 1}, .log_probability = 0, .score = 0, .ended = false});
}

TEST_CASE("generate draws from the model, each source by itself") {
  // All sequences of at most two tokens of three, the last of which ends: 0.2 + 0.8 * (...) of them.
  const auto model = make_model<double>(3, 4, 7);
  rp::LanguageModel stepper{model};
  const auto start = random_state(model, 1, 7);
  constexpr Index draws = 40000;
  const std::vector<Index> same(draws, 0);
  rp::Rng rng{5};
  const rp::GenerateOptions options{.maximum_length = 3, .begin = 0, .end = 2};
  const auto drawn = rp::generate(stepper, stepper.select(start, same), options, rng);
  std::vector<rp::Hypothesis> all;
  Tokens none;
  enumerate(model, start, 0, 2, 3, 0, none, all);
  REQUIRE(all.size() == 15);
  for (const auto& y : all) {
    double count = 0;
    for (const auto& d : drawn)
      if (d.tokens == y.tokens && d.ended == y.ended) {
        ++count;
        REQUIRE(std::abs(d.log_probability - y.log_probability) < 1e-12);
      }
    const double p = std::exp(y.log_probability);
    CHECK(std::abs(count / draws - p) < 4 * std::sqrt(p * (1 - p) / draws));
  }

  const auto state = random_state(model, 3, 8);
  const auto again = [&](const auto& s, std::vector<Index> longest, rp::SamplingOptions sampling = {}) {
    rp::Rng fresh{6};
    return rp::generate(stepper, s, {.maximum_length = longest, .begin = 0, .end = 2, .sampling = sampling}, fresh);
  };
  const auto long_ones = again(state, {30, 30, 30}), beside_short = again(state, {30, 1, 30});
  CHECK(long_ones[0] == beside_short[0]);
  CHECK(long_ones[2] == beside_short[2]);
  const std::array first{Index{0}};
  CHECK(again(stepper.select(state, first), {30})[0] == long_ones[0]);
  CHECK(again(state, {30, 30, 30}, {.temperature = 0}) ==
        rp::greedy(stepper, state, {.maximum_length = 30, .begin = 0, .end = 2}));
  // Another call draws anew.
  CHECK(rp::generate(stepper, stepper.select(start, same), options, rng) != drawn);
}

TEST_CASE("a language model keeps the weights it was made of, and refuses what it cannot read") {
  auto model = make_model<float>(4, 5, 2);
  rp::LanguageModel stepper{model};
  const rp::Tokens tokens = Eigen::RowVector3i(3, 0, 2);
  auto state = random_state(model, 3, 2), same = state;
  const Eigen::MatrixXf y = model.step(tokens, same);
  rp::set_zero(model);
  rp::LanguageModel moved = std::move(stepper);
  CHECK((moved.step(tokens, state) == y));
  CHECK((std::get<1>(state.layers).h == std::get<1>(same.layers).h));
  const std::array<Index, 4> columns{2, 0, 2, 1};
  const auto selected = moved.select(state, columns);
  for (Index k = 0; k < 4; ++k)
    CHECK((std::get<1>(selected.layers).h.col(k) ==
           std::get<1>(state.layers).h.col(columns[static_cast<std::size_t>(k)])));
  const std::array<Index, 1> outside{3};
  CHECK_THROWS_WITH(moved.select(state, outside), "column 3 of a state of 3");
  CHECK_THROWS_WITH(rp::LanguageModel(Model<float>{{.inputs = 3, .hidden = 2, .outputs = 4}}),
                    "the model predicts 4 tokens and reads 3");
  using Bigram = rp::SequenceModel<rp::Embedding<float>>;
  CHECK_THROWS_AS(rp::LanguageModel<Bigram>::columns(Bigram{}.initial_state(2)), rp::value_error);
}

TEST_CASE("options that make no sense are refused by name, and so are logits that are none") {
  const auto model = make_model<double>(4, 3, 1);
  rp::LanguageModel stepper{model};
  const auto search = [&](rp::BeamOptions options) {
    return rp::beam_search(stepper, stepper.initial_state(2), options);
  };
  rp::BeamOptions good{.beam = 2, .maximum_length = 3, .begin = 0, .end = 1};
  CHECK(search(good).size() == 2);
  const auto with = [&](auto member, auto value) {
    auto options = good;
    options.*member = value;
    return options;
  };
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::beam, 0)), "beam = 0, it must be at least 1");
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::n_best, 3)), "n_best = 3, it must be in 1 .. beam = 2");
  CHECK_THROWS_AS(search(with(&rp::BeamOptions::n_best, 0)), rp::value_error);
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::maximum_length, Index{-1})),
                    "maximum_length = -1, it must not be negative");
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::maximum_length, std::vector<Index>{1})),
                    "maximum_length has 1 entries, the batch takes 2");
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::begin, -1)), "begin = -1, it must not be negative");
  CHECK_THROWS_AS(search(with(&rp::BeamOptions::begin, 4)), rp::value_error);
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::end, 4)), "end = 4, the vocabulary has 4 (0 to 3)");
  CHECK_THROWS_AS(search(with(&rp::BeamOptions::end, -1)), rp::value_error);
  CHECK_THROWS_WITH(search(with(&rp::BeamOptions::length_penalty, -0.5)),
                    "length_penalty = -0.5, it must not be negative");
  CHECK_THROWS_AS(search(with(&rp::BeamOptions::length_penalty, std::nan(""))), rp::value_error);
  CHECK_THROWS_AS(search(with(&rp::BeamOptions::length_penalty, HUGE_VAL)), rp::value_error);
  CHECK_THROWS_AS(rp::greedy(stepper, stepper.initial_state(2), {.maximum_length = 3}), rp::value_error);
  CHECK_THROWS_AS(rp::greedy(stepper, stepper.initial_state(2), {.begin = 0, .end = 4}), rp::value_error);
  rp::Rng rng{1}, untouched{1};
  CHECK_THROWS_AS(rp::generate(stepper, stepper.initial_state(0), {.begin = 0, .sampling = {.top_p = 2}}, rng),
                  rp::value_error);
  CHECK_THROWS_AS(rp::generate(stepper, stepper.initial_state(2), {.maximum_length = 3}, rng), rp::value_error);
  CHECK(rng() == untouched());
  CHECK(rp::beam_search(stepper, stepper.initial_state(0), good).empty());

  Script nan{[](const Script::Reader&) -> Eigen::VectorXd { return Eigen::Vector2d(0, std::nan("")); }};
  CHECK_THROWS_AS(rp::beam_search(nan, Script::initial_state(1), good), rp::non_finite_error);
  CHECK_THROWS_AS(rp::greedy(nan, Script::initial_state(1), {.begin = 0}), rp::non_finite_error);
}
