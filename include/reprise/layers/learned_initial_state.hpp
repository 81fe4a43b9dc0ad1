#pragma once
// LearnedInitialState<L>: L, any layer or cell, that begins each record with a state it has learned and not with zero:
//
//   s_0 = initial             for every record that comes without a state
//   dinitial += ds_0          summed over these records
//
//   initial.h, initial.c (hidden), whatever L has; zero at first      s_0 (hidden, batch)
//
// (Zimmermann et al., 2006, found initial states other than zero to help; Graves, 2012, Supervised Sequence Labelling
// with Recurrent Neural Networks, section 3.2.1.) Where the caller gives a state, as truncated BPTT does, `initial` has
// no part in the pass and gets no gradient.

#include <reprise/layers/recurrent.hpp>

namespace reprise {

template <class L>
struct LearnedInitialState : LayerOf<L> {
  using Base = LayerOf<L>;
  static constexpr bool learns_initial = true;
  static_assert(EntriesStandAlone<Base>,
                "the parts of this cell's state count together only: from zero they could not be learned one by one");
  template <class Storage = Owned<>>
  using State = typename Base::template State<Storage>;
  template <class S>
  using Rebind = LearnedInitialState<typename Base::template Rebind<S>>;

  State<Owned<1>> initial;

  static constexpr auto fields() {
    return std::tuple_cat(Base::fields(), std::tuple{field("initial", &LearnedInitialState::initial)});
  }

  LearnedInitialState() : LearnedInitialState(Base()) {}
  explicit LearnedInitialState(Sizes sizes) : LearnedInitialState(Base(sizes)) {}
  LearnedInitialState(Sizes sizes, Rng& rng) : LearnedInitialState(Base(sizes, rng)) {}
  explicit LearnedInitialState(Base layer) : Base(std::move(layer)), initial(Base::template initial_state<1>(1)) {}

  /// `initial` for each of `batch` records.
  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    auto state = Base::template initial_state<Batch>(batch);
    set_initial(state);
    return state;
  }

  void set_initial(auto& state) const {
    for_each_parameter([](auto& s, const auto& s_0) { s.colwise() = s_0; }, state, initial);
  }

  void initial_back(const State<>& dstate, LearnedInitialState& gradient) const {
    for_each_parameter(
        [](const auto& ds, auto& ds_0) {
          for (Index j = 0; j < ds.cols(); ++j) ds_0 += ds.col(j);
        },
        dstate, gradient.initial);
  }
};

}  // namespace reprise
