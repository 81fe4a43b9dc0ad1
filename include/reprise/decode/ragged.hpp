#pragma once
// A ragged batch step by step, where what is read at one step depends on what came out of the one before.

#include <reprise/core/sequence.hpp>
#include <reprise/decode/generate.hpp>

namespace reprise::detail {

/// For t = 0, 1, ...: take(t, stepper.step(feed(t), state)), the columns of feed(t) being the layout.running(t) records
/// that have a step t, in the order of the layout. `state` has a column for each record, in the caller's order.
template <class S, class Feed, class Take>
void run_ragged(S& stepper, typename S::State state, const Layout& layout, const Feed& feed, const Take& take) {
  require_size(stepper.columns(state), layout.batch(), "the state", "columns", "the batch");
  std::vector<Index> columns(static_cast<std::size_t>(layout.batch()));
  for (Index slot = 0; slot < layout.batch(); ++slot) columns[static_cast<std::size_t>(slot)] = layout.record(slot);
  for (Index t = 0; t < layout.steps(); ++t) {
    if (t == 0 || layout.running(t) < layout.running(t - 1)) {
      columns.resize(static_cast<std::size_t>(layout.running(t)));
      state = stepper.select(state, columns);
    }
    if (t == 0) std::iota(columns.begin(), columns.end(), Index{0});  // from now on they are in order
    take(t, stepper.step(feed(t), state));
  }
}

}  // namespace reprise::detail
