#pragma once
// What a wrapper of a gated cell may rely on. RecurrentDropout and LayerNormed take the step of a cell apart, into
//
//   recur, activate          activate_back, recur_back
//
// as GatedCell does, and so would lose, without a word, whatever else a cell does in a step, or in place of these. So
// they ask where each hook is declared: a pointer to member has the class in its type.

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

namespace detail {

template <class C>
using TraceOf = typename C::template Trace<Columns>;
template <class C>
using StateOf = typename C::template State<Columns>;
template <class C>
using PartOf = std::remove_cvref_t<decltype(std::declval<StateOf<C>>().h)>;

template <class C>
concept StepOfGatedCell = requires {
  requires std::same_as<decltype(&C::template step<AsTheyAre, TraceOf<C>, StateOf<C>>),
                        decltype(&C::GatedCell::template step<AsTheyAre, TraceOf<C>, StateOf<C>>)>;
  requires std::same_as<decltype(&C::template step_back<AsTheyAre, StateOf<C>, TraceOf<C>, StateOf<C>>),
                        decltype(&C::GatedCell::template step_back<AsTheyAre, StateOf<C>, TraceOf<C>, StateOf<C>>)>;
};

}  // namespace detail

/// Whether the step of C is recur and activate, and its step_back activate_back and recur_back, and nothing else.
template <class C>
inline constexpr bool steps_by_hooks = detail::StepOfGatedCell<C>;

/// Whether all that C does with W_xh, W_hh and b_h, its only parameters, is a_t = W_xh x_t + W_hh h_{t-1} + b_h.
template <class C>
concept PlainGatedCell = detail::StepOfGatedCell<C> && requires {
  requires std::same_as<decltype(&C::template project<AsTheyAre, detail::PartOf<C>, detail::TraceOf<C>>),
                        decltype(&C::AffineInput::template project<AsTheyAre, detail::PartOf<C>, detail::TraceOf<C>>)>;
  requires std::same_as<
      decltype(&C::template project_back<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>),
      decltype(&C::AffineInput::template project_back<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>)>;
  requires std::same_as<decltype(&C::template recur<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>),
                        decltype(&C::GatedCell::template recur<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>)>;
  requires std::same_as<decltype(&C::template recur_back<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>),
                        decltype(&C::GatedCell::template recur_back<AsTheyAre, detail::TraceOf<C>, detail::PartOf<C>>)>;
  requires std::same_as<
      decltype(&C::template accumulate<detail::PartOf<C>, detail::StateOf<C>, detail::TraceOf<C>>),
      decltype(&C::GatedCell::template accumulate<detail::PartOf<C>, detail::StateOf<C>, detail::TraceOf<C>>)>;
};

}  // namespace reprise
