// Decoding: what beam_search and greedy drive. That it gives what a pass gives is proved of each decoder in
// train/prove_encoder_decoder.hpp.
#include <reprise/cells/gru.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/decode/beam.hpp>
#include <reprise/decode/decoding.hpp>
#include <reprise/layers/attentive_recurrent.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/layers/with_context.hpp>

#include "../catch.hpp"

namespace rp = reprise;
using Catch::Matchers::Contains;
using rp::Index;

namespace {

using Embedding = rp::Embedding<double>;
using Encoder = rp::Stack<Embedding, rp::RNNCell<double>>;
using Decoder = rp::Stack<Embedding, rp::AttentiveRecurrent<rp::GRUCell<double>, rp::AdditiveAttention<double>>>;
using Model = rp::EncoderDecoder<Encoder, Decoder>;
static_assert(rp::Stepper<rp::Decoding<Model>>);
static_assert(!std::is_constructible_v<rp::Decoding<Model>, Model, rp::Sequence<int>>, "of a model that would be gone");

constexpr int begin = 4, end = 5;
const rp::Sequence<int> sources{{1, 4}, {}, {3}, {0, 2, 2, 1, 4}, {4, 0, 3}};

Model make(std::uint64_t seed) {
  rp::Rng rng(seed);
  Model model({.inputs = 6, .hidden = 5, .outputs = 6}, rng);
  rp::for_each_trained([&](auto& p) { rp::uniform(p, 1.5, rng); }, model);
  return model;
}

// The most likely token each time, by whole passes over what is there so far.
std::vector<int> greedy_by_hand(const Model& model, const rp::Sequence<int>& source, Index maximum) {
  std::vector<int> read{begin};
  while (static_cast<Index>(read.size()) <= maximum) {
    const auto y = rp::predict(model, {source, rp::Sequence<int>{read}}).values();
    Index best = 0;
    y.col(y.cols() - 1).maxCoeff(&best);
    if (best == end) break;
    read.push_back(static_cast<int>(best));
  }
  read.erase(read.begin());
  return read;
}

}  // namespace

TEST_CASE("a beam of one, and greedy, choose what whole passes choose") {
  constexpr Index maximum = 6;
  std::size_t ended = 0, cut = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Model model = make(seed);
    rp::Decoding decoding(model, sources);
    const auto beams = rp::beam_search(decoding, decoding.initial_state(),
                                       {.beam = 1, .maximum_length = maximum, .begin = begin, .end = end});
    const auto greedy =
        rp::greedy(decoding, decoding.initial_state(), {.maximum_length = maximum, .begin = begin, .end = end});
    for (Index r = 0; r < sources.batch(); ++r) {
      const auto expected = greedy_by_hand(model, sources.select({r}), maximum);
      const auto& found = beams[static_cast<std::size_t>(r)].front();
      CHECK(found.tokens == expected);
      CHECK(greedy[static_cast<std::size_t>(r)].tokens == expected);
      CHECK(found.log_probability == Approx(greedy[static_cast<std::size_t>(r)].log_probability).epsilon(1e-12));
      ++(found.ended ? ended : cut);
    }
  }
  CAPTURE(ended, cut);
  CHECK(ended > 2);
  CHECK(cut > 2);
}

TEST_CASE("columns are told apart by the source they read") {
  const Model model = make(1);
  rp::Decoding decoding(model, sources);
  const auto first = decoding.initial_state();
  CHECK(first.reads == rp::Reads{0, 1, 2, 3, 4});
  const std::vector<Index> columns{3, 0, 3};
  auto state = decoding.select(first, columns);
  CHECK(state.reads == columns);
  CHECK(decoding.columns(state) == 3);
  const rp::Matrix<double> y = decoding.step(rp::Tokens(rp::Tokens::Constant(3, begin)), state);
  CHECK(y.col(0) == y.col(2));
  CHECK(y.col(0) != y.col(1));
  state = decoding.select(state, std::vector<Index>{});
  CHECK(decoding.step(rp::Tokens(1, 0), state).cols() == 0);
}

TEST_CASE("what does not fit is refused by name, the state as it was") {
  const Model model = make(1);
  CHECK_THROWS_WITH(rp::Decoding(model, rp::Sequence<int>{{1}, {6}}), "token 6, the vocabulary has 6 (0 to 5)");
  rp::Decoding decoding(model, sources);
  auto state = decoding.initial_state();
  const auto before = state.decoder;
  CHECK_THROWS_WITH(decoding.step(rp::Tokens(rp::Tokens::Zero(4)), state), "x_t has 4 columns, the state takes 5");
  for (const rp::Sequence<int>& others : {sources.select({0, 1}), sources.select({0, 1, 2, 3, 4, 0})}) {
    rp::Decoding other(model, others);
    CHECK_THROWS_WITH(other.step(rp::Tokens(rp::Tokens::Constant(5, begin)), state),
                      Contains("the state has 5 sources"));
  }
  CHECK_THROWS_WITH(decoding.step(rp::Tokens(rp::Tokens::Constant(5, 6)), state), Contains("token 6"));
  CHECK(std::get<1>(state.decoder.layers).h == std::get<1>(before.layers).h);
  for (const Index column : {-1, 5})
    CHECK_THROWS_WITH(decoding.select(state, std::vector<Index>{column}), Contains("of a state of 5"));

  // A decoder whose layers all have no state, and one that reads more of the summary than there is.
  using Plain = rp::EncoderDecoder<Encoder, rp::Stack<Embedding, rp::WithContext<double>, rp::Dense<double>>>;
  const auto plain = [](Index features) {
    return Plain(Encoder({6, 3}), {Plain::DecoderBody(Embedding({6, 2}), rp::WithContext<double>(2, features),
                                                      rp::Dense<double>({2 + features, 4})),
                                   6});
  };
  const Plain fits = plain(3), torn = plain(4);
  rp::Decoding<Plain> stateless(fits, sources);
  const auto start = stateless.initial_state();
  CHECK(stateless.columns(start) == 5);
  auto unchanged = start;
  CHECK_THROWS_WITH(stateless.step(rp::Tokens(rp::Tokens::Constant(6, begin)), unchanged),
                    "x_t has 6 columns, the state takes 5");
  for (const Index column : {-1, 5})
    CHECK_THROWS_WITH(stateless.select(start, std::vector<Index>{column}), Contains("of a state of 5"));
  CHECK_THROWS_WITH(rp::Decoding<Plain>(torn, sources), "the memory's summary has 3 rows, WithContext takes 4");
}

TEST_CASE("a decoder that reads numbers runs step by step, too") {
  using Numbers = rp::EncoderDecoder<rp::GRUCell<double>, rp::GRUCell<double>>;
  rp::Rng rng(5);
  const Numbers model({.inputs = 2, .hidden = 4, .outputs = 3}, rng);
  rp::Sequence<double> source(rp::Layout({2, 4}), 2), previous(rp::Layout({3, 3}), 3);
  rp::uniform(source.values(), 1, rng);
  rp::uniform(previous.values(), 1, rng);
  const auto y = rp::predict(model, {source, previous});
  rp::Decoding decoding(model, source);
  auto state = decoding.initial_state();
  for (Index t = 0; t < 3; ++t)
    CHECK((decoding.step(previous.view(t), state) - y.view(t)).cwiseAbs().maxCoeff() < 1e-15);
}
