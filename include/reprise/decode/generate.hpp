#pragma once
// One sequence for each source of a batch, token by token: the most likely one each time (greedy), or drawn:
//
//   y_t ~ p(y_t | y_1 .. y_{t-1}, source)        y_0 = begin
//
// so that the whole is drawn from P(y) = prod_t p(y_t | ...) (Goodfellow et al., section 10.2.3: ancestral sampling),
// or from a sharper distribution, see sampling.hpp. All sources that have not ended are the columns of one step.

#include <reprise/decode/hypothesis.hpp>
#include <reprise/decode/stepper.hpp>

#include <cstdint>

namespace reprise {

struct GenerateOptions {
  PerSource<Index> maximum_length = 100;  ///< choices, the end of sequence among them
  PerSource<int> begin = -1;              ///< the token to start from; there is no default
  std::optional<int> end = {};            ///< the token that ends a sequence; none: all grow to the maximum length
  SamplingOptions sampling = {};          ///< how `generate` draws
};

namespace detail {

inline void require_options(const GenerateOptions& options, Index sources) {
  options.maximum_length.require(sources, "maximum_length");
  options.begin.require(sources, "begin");
}

/// A generator for each source: source s draws the same whatever its neighbours do. Takes two numbers from `rng`.
inline std::vector<Rng> rng_per_source(Rng& rng, Index sources) {
  const std::uint64_t high = rng(), low = rng();
  const Rng family(high << 32 | low);
  std::vector<Rng> streams;
  for (Index s = 0; s < sources; ++s) streams.push_back(family.fork(static_cast<std::uint64_t>(s)));
  return streams;
}

// choose(source, logits of a column) -> token
template <Stepper S, class Choose>
std::vector<Hypothesis> generate_with(S& stepper, typename S::State state, const GenerateOptions& options,
                                      const Choose& choose) {
  const Index sources = stepper.columns(state);
  require_options(options, sources);
  std::vector<Hypothesis> made(static_cast<std::size_t>(sources));
  std::vector<Index> running, columns;  // sources that go on, and where in the state they are
  for (Index s = 0; s < sources; ++s)
    if (options.maximum_length[s] > 0) running.push_back(s);
  columns = running;
  LogSoftmax log_softmax;
  Tokens tokens;
  while (!running.empty()) {
    if (static_cast<Index>(columns.size()) != stepper.columns(state)) state = stepper.select(state, columns);
    tokens.resize(static_cast<Index>(running.size()));
    for (Index k = 0; k < tokens.size(); ++k) {
      const Index s = running[static_cast<std::size_t>(k)];
      const auto& so_far = made[static_cast<std::size_t>(s)].tokens;
      tokens(k) = so_far.empty() ? options.begin[s] : so_far.back();
    }
    const auto& logits = stepper.step(tokens, state);
    require_end(options.end, logits.rows());
    columns.clear();
    for (Index k = 0; k < tokens.size(); ++k) {
      const Index s = running[static_cast<std::size_t>(k)];
      auto& y = made[static_cast<std::size_t>(s)];
      log_softmax.read(logits.col(k));
      const int token = choose(s, logits.col(k));
      y.log_probability += log_softmax(logits(token, k));
      y.ended = token == options.end;
      if (!y.ended) y.tokens.push_back(token);
      if (!y.ended && y.length() < options.maximum_length[s]) columns.push_back(k);
    }
    for (std::size_t k = 0; k < columns.size(); ++k) running[k] = running[static_cast<std::size_t>(columns[k])];
    running.resize(columns.size());
  }
  for (auto& y : made) y.score = y.log_probability;
  return made;
}

}  // namespace detail

/// The most likely token at every step, the smaller of equals; `options.sampling` has no part in it. What beam_search
/// gives with a beam of 1. `state` has a column for each source. Throws value_error or shape_error for options that do
/// not fit, non_finite_error for logits that are no numbers.
template <Stepper S>
std::vector<Hypothesis> greedy(S& stepper, std::type_identity_t<typename S::State> state,
                               const GenerateOptions& options) {
  return detail::generate_with(stepper, std::move(state), options,
                               [](Index /*source*/, const auto& logits) { return reprise::greedy(logits); });
}

/// A sequence drawn for each source; its log_probability is the model's, whatever it was drawn with. Source s has a
/// generator of its own: what it draws depends on `rng` and on s, never on the other sources. Throws as `greedy` does.
template <Stepper S>
std::vector<Hypothesis> generate(S& stepper, std::type_identity_t<typename S::State> state,
                                 const GenerateOptions& options, Rng& rng) {
  detail::require_options(options, stepper.columns(state));
  detail::require_sampling(options.sampling);
  auto streams = detail::rng_per_source(rng, stepper.columns(state));
  return detail::generate_with(stepper, std::move(state), options, [&](Index source, const auto& logits) {
    return sample(logits, options.sampling, streams[static_cast<std::size_t>(source)]);
  });
}

}  // namespace reprise
