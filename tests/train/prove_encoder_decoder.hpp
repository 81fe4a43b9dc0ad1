#pragma once
// All that is proved of an EncoderDecoder, whatever its decoder reads of the source, over ragged sources and targets in
// unsorted orders that differ, a source without steps and a target without steps among them.

#include <reprise/check/check_gradient.hpp>
#include <reprise/decode/decoding.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/train/encoder_decoder.hpp>

#include "../catch.hpp"

namespace seq2seq {

namespace rp = reprise;
using rp::Bridge;
using rp::Index;
using Embedding = rp::Embedding<double>;
using Sources = std::vector<std::vector<int>>;
using Records = std::vector<Index>;

constexpr int vocabulary = 5, classes = 6;

// Lengths of sources 2 0 1 5 3 4, of targets 3 4 0 1 5 2: by length the records are in other orders.
inline const rp::Sequence<int> sources{{1, 4}, {}, {3}, {0, 2, 2, 1, 4}, {4, 0, 3}, {2, 3, 3, 0}};
inline const rp::Sequence<int> previous{{4, 2, 1}, {4, 3, 3, 0}, {}, {4}, {4, 0, 0, 1, 2}, {4, 1}};
inline const rp::Sequence<int> target{{2, 1, 5}, {3, 3, 0, 5}, {}, {5}, {0, 0, 1, 2, 5}, {1, 4}};
inline const Records another_order{4, 2, 0, 5, 1, 3};

// Every parameter at random, so that no zero hides a term.
template <class M>
M randomised(M model, std::uint64_t seed = 5) {
  rp::Rng rng(seed);
  rp::for_each_trained([&](auto& p) { rp::uniform(p, 0.7, rng); }, model);
  return model;
}

template <class M>
typename M::Examples some(const typename M::Examples& x, const Records& records) {
  return {x.source.select(records), x.previous.select(records)};
}

/// y of record r, (outputs, steps).
inline rp::Matrix<double> of_record(const rp::Matrix<double>& y, const rp::Layout& layout, Index r) {
  rp::Sequence<double> all(layout, y.rows());
  all.values() = y.leftCols(layout.columns());
  return all[r];
}

inline double distance(const auto& a, const auto& b) { return a.size() == 0 ? 0 : (a - b).cwiseAbs().maxCoeff(); }

// Neighbours, their order, and what the workspace did before mean nothing to a record.
template <class M, class Target, class Loss>
void prove_independence(const M& model, const typename M::Examples& x, const Target& goal, const Loss& loss) {
  const Index records = x.source.batch();
  rp::Workspace<M> whole(model), other(model);
  const double value = rp::loss_and_gradient(model, x, goal, loss, whole);
  const rp::Matrix<double> y = whole.trace.y;
  const auto gradient = rp::flatten(whole.gradient);
  REQUIRE(gradient.cwiseAbs().maxCoeff() > 0.1);

  double sum = 0;
  rp::Vector<double> added = rp::Vector<double>::Zero(gradient.size());
  for (Index r = 0; r < records; ++r) {
    CAPTURE(r);
    const auto alone = some<M>(x, {r});
    sum += rp::loss_and_gradient(model, alone, goal.select({r}), loss, other);
    added += rp::flatten(other.gradient);
    CHECK(distance(other.trace.y.leftCols(x.previous.length(r)), of_record(y, x.previous.layout(), r)) < 1e-14);
  }
  CHECK(std::abs(sum - value) < 1e-12 * value);
  CHECK(distance(added, gradient) < 1e-12);

  const auto shuffled = some<M>(x, another_order);
  CHECK(std::abs(rp::loss_and_gradient(model, shuffled, goal.select(another_order), loss, other) - value) <
        1e-12 * value);
  CHECK(distance(rp::flatten(other.gradient), gradient) < 1e-12);
  for (std::size_t i = 0; i < another_order.size(); ++i)
    CHECK(distance(of_record(other.trace.y, shuffled.previous.layout(), static_cast<Index>(i)),
                   of_record(y, x.previous.layout(), another_order[i])) < 1e-14);

  // The buffers are now of other batches; their bits must not come back.
  CHECK(rp::loss_and_gradient(model, x, goal, loss, other) == value);
  CHECK(rp::flatten(other.gradient) == gradient);

  // Nor does anything come back that was made of the weights as they were.
  M changing = model;
  rp::loss_and_gradient(changing, x, goal, loss, other);
  rp::unflatten(rp::flatten(model) * 0.5, changing);
  rp::Workspace<M> fresh(changing);
  CHECK(rp::loss_and_gradient(changing, x, goal, loss, other) == rp::loss_and_gradient(changing, x, goal, loss, fresh));
  CHECK(rp::flatten(other.gradient) == rp::flatten(fresh.gradient));
}

// A stream that is told the tokens of `previous` gives y of the pass, whatever columns were copied and moved.
template <class M>
void prove_streaming(const M& model, const typename M::Examples& x) {
  const rp::Matrix<double> y = rp::predict(model, x).values();
  rp::Decoding decoding(model, x.source);
  auto state = decoding.initial_state();
  REQUIRE(decoding.columns(state) == x.source.batch());
  const rp::Layout& layout = x.previous.layout();
  Records reads(static_cast<std::size_t>(x.source.batch()));  // the record that each column is of
  std::iota(reads.begin(), reads.end(), Index{0});
  Index compared = 0;
  for (Index t = 0; t < layout.steps(); ++t) {
    // Those that go on, last first, and the first of them twice.
    std::vector<Index> columns;
    for (std::size_t k = reads.size(); k-- > 0;)
      if (layout.length(reads[k]) > t) columns.push_back(static_cast<Index>(k));
    columns.push_back(columns.front());
    state = decoding.select(state, columns);
    Records next;
    for (const Index k : columns) next.push_back(reads[static_cast<std::size_t>(k)]);
    reads = next;
    rp::Tokens tokens(static_cast<Index>(reads.size()));
    for (std::size_t k = 0; k < reads.size(); ++k) tokens(static_cast<Index>(k)) = x.previous[reads[k]](0, t);
    const auto& logits = decoding.step(tokens, state);
    REQUIRE(logits.cols() == tokens.size());
    for (std::size_t k = 0; k < reads.size(); ++k, ++compared)
      CHECK(distance(logits.col(static_cast<Index>(k)), of_record(y, layout, reads[k]).col(t)) < 1e-13);
  }
  CHECK(compared >= layout.columns() + layout.steps());
}

// The weights that a pass keeps are distributions over the record's own annotations; the context of none is zero.
// context(trace) is (features, columns).
template <class M>
void prove_weights(M model, const auto& context) {
  model = randomised(std::move(model));
  typename M::Trace trace;
  const auto check = [&](const rp::Sequence<int>& source, const rp::Sequence<int>& before) {
    model.forward({source, before}, rp::Mode{}, trace);
    const auto& layer = std::get<M::DecoderBody::Count - 1>(trace.decoder.layers);
    const rp::Layout& layout = before.layout();
    REQUIRE(static_cast<Index>(layer.weights.size()) == layout.batch());
    for (Index slot = 0; slot < layout.batch(); ++slot) {
      const Index r = layout.record(slot);
      const auto& weights = layer.weights[static_cast<std::size_t>(slot)];
      CHECK(weights.rows() == source.length(r));
      CHECK(weights.cols() == layout.length(r));
      if (weights.size() == 0) continue;
      CHECK((weights.array() > 0).all());
      CHECK(distance(weights.colwise().sum(), Eigen::RowVectorXd::Ones(weights.cols())) < 1e-14);
      if (weights.rows() > 1 && weights.cols() > 1) CHECK(distance(weights.col(0), weights.col(1)) > 1e-6);
      for (Index t = 0; t < weights.cols(); ++t) {
        const auto h = trace.memory.columns(trace.memory.h, slot);
        CHECK(distance(h * weights.col(t), context(layer).col(layout.offset(t) + slot)) < 1e-14);
      }
    }
    for (Index r = 0; r < layout.batch(); ++r)
      for (Index t = 0; source.length(r) == 0 && t < layout.length(r); ++t)
        CHECK(context(layer).col(layout.offset(t) + layout.slot(r)).isZero(0));
  };
  check(sources, previous);
  check(previous, previous);  // and other ones in the same trace
  check(sources, previous);
}

template <class M>
void prove(M model) {
  model = randomised(std::move(model));
  const typename M::Examples x{sources, previous};
  CHECK_NOTHROW(rp::check_gradient(model, x, target, rp::SoftmaxCrossEntropy{}));
  prove_independence(model, x, target, rp::SoftmaxCrossEntropy{});
  prove_streaming(model, x);
}

}  // namespace seq2seq
