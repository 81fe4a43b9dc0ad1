#pragma once
// What LSTMCell, PeepholeLSTMCell and CoupledLSTMCell have in common besides GatedCell: a state of h and c, tanh(c_t) kept for
// the way back, and a forget gate that begins open.

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

/// `Forget`: which of the `Gates` blocks is the forget gate.
template <class Cell_, class Scalar, int Inputs, int Hidden, int Gates, int Forget, Bias bias>
struct MemoryCell : GatedCell<Cell_, Scalar, Inputs, Hidden, Gates, bias> {
  using Base = typename MemoryCell::GatedCell;

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, Hidden> c;  // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("c", &State::c)}; }
  };

  template <class Storage = Owned<>>
  struct Trace {
    Part<Storage, Scalar, Base::GateRows> a;  // (gates hidden, batch): a_t, after step the gates, after step_back da_t
    Part<Storage, Scalar, Hidden> tanh_c;     // (hidden, batch)
    static constexpr auto fields() { return std::tuple{field("a", &Trace::a), field("tanh_c", &Trace::tanh_c)}; }
  };

  using Base::Base;

  /// As every GatedCell, but biases of 1 for the forget gate, so that a new cell remembers (Gers 2000; Jozefowicz, Zaremba
  /// and Sutskever 2015).
  MemoryCell(Sizes sizes, Rng& rng) : Base(sizes, rng) {
    if constexpr (bias == Bias::present) this->gate(this->b_h, Forget).setOnes();
  }

  std::array<Index, 2> state_rows() const { return {this->outputs(), this->outputs()}; }
  std::array<Index, 2> trace_rows() const { return {Gates * this->outputs(), this->outputs()}; }
};

}  // namespace reprise
