#pragma once
// Beam search (Graves, 2012; Sutskever et al., 2014, section 3.2): of all continuations of a source's hypotheses by one
// token the `beam` most likely go on; one that chooses the end of sequence leaves the beam, which is from then on one
// narrower. What has ended, or has come to the maximum length, is ranked by its log-probability, normalised by its
// length:
//
//   score(Y) = log P(Y) / lp(Y)        lp(Y) = ((5 + |Y|) / (5 + 1))^alpha       (Wu et al., 2016, GNMT, equation 14)
//
//   log P(Y) = sum_t log p(y_t | y_1 .. y_{t-1}, source)        |Y|: the terms of that sum, the end's among them
//
// alpha = 0 ranks by probability, alpha = 1 nearly by that of the average token. Each term is <= 0 and lp grows with
// |Y|, so nothing that comes from a hypothesis Z can score more than log P(Z) / lp(maximum length): a source is done as
// soon as that is no more, for the best Z that goes on, than what it has at rank n_best.

#include <reprise/decode/generate.hpp>

#include <cmath>

namespace reprise {

struct BeamOptions {
  int beam = 4;                           ///< hypotheses of a source
  PerSource<Index> maximum_length = 100;  ///< tokens, the end of sequence among them
  PerSource<int> begin = -1;              ///< the token to start from; there is no default
  std::optional<int> end = {};            ///< the token that ends a sequence; none: all grow to the maximum length
  double length_penalty = 0;              ///< alpha, not negative; 0: no normalisation
  int n_best = 1;                         ///< how many to return, at most `beam`
};

namespace detail {

inline void require_options(const BeamOptions& options, Index sources) {
  if (options.beam < 1) fail<value_error>("beam = ", options.beam, ", it must be at least 1");
  if (options.n_best < 1 || options.n_best > options.beam)
    fail<value_error>("n_best = ", options.n_best, ", it must be in 1 .. beam = ", options.beam);
  if (!(options.length_penalty >= 0 && std::isfinite(options.length_penalty)))
    fail<value_error>("length_penalty = ", options.length_penalty, ", it must not be negative");
  options.maximum_length.require(sources, "maximum_length");
  options.begin.require(sources, "begin");
}

/// The hypotheses of one source.
class Beam {
 public:
  Beam(const BeamOptions& options, Index maximum_length) : options_(options), maximum_length_(maximum_length) {
    live.emplace_back();
    retire();
  }

  std::vector<Hypothesis> live;  // those that go on, the most likely first
  std::vector<Index> parents;    // of which hypothesis of the step before each is a continuation

  /// One step. `logits` (vocabulary, live.size())
  template <class Logits>
  void advance(const Logits& logits, LogSoftmax& log_softmax, std::vector<int>& order) {
    // Of equals the continuation of the better hypothesis comes first, and of one hypothesis that by the smaller token.
    const auto room = static_cast<std::size_t>(options_.beam) - finished_.size();
    std::vector<Continuation> all;
    for (Index parent = 0; parent < logits.cols(); ++parent) {
      const auto y = logits.col(parent);
      log_softmax.read(y);
      const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(room, order.size()));
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), end, order.end(),
                        [&](int a, int b) { return y(a) != y(b) ? y(a) > y(b) : a < b; });
      for (auto token = order.begin(); token != end; ++token) {
        const double log_p = live[static_cast<std::size_t>(parent)].log_probability + log_softmax(y(*token));
        if (std::isfinite(log_p)) all.push_back({log_p, parent, *token});  // what is impossible is no hypothesis
      }
    }
    std::ranges::stable_sort(all, std::ranges::greater{}, &Continuation::log_probability);
    all.resize(std::min(all.size(), room));

    std::vector<Hypothesis> next;
    parents.clear();
    for (const auto& c : all) {
      Hypothesis y = live[static_cast<std::size_t>(c.parent)];
      y.log_probability = c.log_probability;
      if (c.token == options_.end) {
        y.ended = true;
        finish(std::move(y));
      } else {
        y.tokens.push_back(c.token);
        next.push_back(std::move(y));
        parents.push_back(c.parent);
      }
    }
    live = std::move(next);
    retire();
  }

  /// The n best, best first.
  std::vector<Hypothesis> result() && {
    finished_.resize(std::min(finished_.size(), static_cast<std::size_t>(options_.n_best)));
    return std::move(finished_);
  }

 private:
  struct Continuation {
    double log_probability;
    Index parent;
    int token;
  };

  double normalised(double log_probability, Index length) const {
    return log_probability / std::pow((5 + static_cast<double>(length)) / 6, options_.length_penalty);
  }

  // Finished hypotheses are kept in order; of equals the earlier stays ahead.
  void finish(Hypothesis y) {
    y.score = normalised(y.log_probability, y.length());
    finished_.insert(std::ranges::upper_bound(finished_, y.score, std::ranges::greater{}, &Hypothesis::score),
                     std::move(y));
  }

  // Ends what has come to the maximum length, and the search where nothing better can come.
  void retire() {
    if (!live.empty() && live.front().length() == maximum_length_) {
      for (auto& y : live) finish(std::move(y));
      live.clear();
    }
    const auto wanted = static_cast<std::size_t>(options_.n_best);
    if (!live.empty() && finished_.size() >= wanted &&
        finished_[wanted - 1].score >= normalised(live.front().log_probability, maximum_length_))
      live.clear();
    if (live.empty()) parents.clear();
  }

  const BeamOptions& options_;
  Index maximum_length_;
  std::vector<Hypothesis> finished_;
};

}  // namespace detail

/// For each source its n best hypotheses, best first. `state` has a column for each source; all hypotheses of all
/// sources are the columns of one step, and no source's result depends on the others. Fewer than n_best come back where
/// there are not so many sequences. One that was cut off at the maximum length competes by its score with those that
/// ended. Throws value_error or shape_error for options that do not fit, non_finite_error for logits that are no
/// numbers.
template <Stepper S>
std::vector<std::vector<Hypothesis>> beam_search(S& stepper, std::type_identity_t<typename S::State> state,
                                                 const BeamOptions& options) {
  const Index sources = stepper.columns(state);
  detail::require_options(options, sources);
  std::vector<detail::Beam> beams;
  std::vector<Index> columns;  // of the state, those that go on, and the token each reads next
  std::vector<int> next, order;
  for (Index s = 0; s < sources; ++s) {
    beams.emplace_back(options, options.maximum_length[s]);
    for (std::size_t k = 0; k < beams.back().live.size(); ++k) {
      columns.push_back(s);
      next.push_back(options.begin[s]);
    }
  }
  detail::LogSoftmax log_softmax;
  while (!columns.empty()) {
    state = stepper.select(state, columns);
    const auto& logits =
        stepper.step(Tokens(Eigen::Map<const Tokens>(next.data(), static_cast<Index>(next.size()))), state);
    detail::require_size(logits.cols(), static_cast<Index>(next.size()), "logits", "columns", "this beam");
    detail::require_end(options.end, logits.rows());
    order.resize(static_cast<std::size_t>(logits.rows()));
    columns.clear();
    next.clear();
    Index first = 0;
    for (auto& beam : beams) {
      const auto count = static_cast<Index>(beam.live.size());
      if (count == 0) continue;
      beam.advance(logits.middleCols(first, count), log_softmax, order);
      for (const Index parent : beam.parents) columns.push_back(first + parent);
      for (const auto& y : beam.live) next.push_back(y.tokens.back());
      first += count;
    }
  }
  std::vector<std::vector<Hypothesis>> found;
  for (auto& beam : beams) found.push_back(std::move(beam).result());
  return found;
}

}  // namespace reprise
