#pragma once
// The clockwork RNN of Koutnik, Greff, Gomez and Schmidhuber (2014, arXiv 1402.3511), section 3. The units stand in
// `Groups` groups, g = 0, 1, ..., with periods T_g = 1, 2, 4, 8, ...: a group moves only at every T_g-th step, and
// reads only itself and slower groups. h^g are its rows of h, W^g its rows of W_xh, U^gk its rows of W_hh and the
// columns of group k.
//
//   h_t^g = tanh(W^g x_t + sum over k >= g of U^gk h_{t-1}^k + b^g)     where t mod T_g = 0
//   h_t^g = h_{t-1}^g                                                   elsewhere
//
//   x_t (inputs, batch)   h_t (hidden, batch)   W_xh (hidden, inputs)   W_hh (hidden, hidden)   b_h (hidden)
//
// Group g has the rows from g hidden / Groups, rounded down, to where the next begins. U^gk of k < g is never read, nor
// trained. The clock t (1, batch) belongs to the state, so that it goes on where a sequence is cut: it counts up to the
// longest period and begins again at 0. A clock between two numbers does what the one below it does: t mod T_g < 1.
//
// Backward, from dh_t = dL/dh_t; where t mod T_g = 0:
//
//   da_t^g = (1 - (h_t^g)^2) * dh_t^g                dh_{t-1}^g = 0 to begin with
//   for k >= g:  dh_{t-1}^k += (U^gk)^T da_t^g       dU^gk += da_t^g (h_{t-1}^k)^T
//
// and elsewhere da_t^g = 0, dh_{t-1}^g = dh_t^g. dW_xh, db_h and dx_t are those of AffineInput. Nothing but the next
// clock changes smoothly with a clock: dt_{t-1} = dt_t, which is 0 for a loss of the h alone.

#include <reprise/cells/gated_cell.hpp>

namespace reprise {

template <class Scalar, int Inputs = Dynamic, int Hidden = Dynamic, Bias bias = Bias::present, int Groups = 4>
struct ClockworkCell : GatedCell<ClockworkCell<Scalar, Inputs, Hidden, bias, Groups>, Scalar, Inputs, Hidden, 1, bias> {
  static_assert(Groups >= 1 && Groups <= 24, "a float counts up to the longest period, 2^(Groups - 1)");
  static_assert(Hidden == Dynamic || Hidden >= Groups, "every group has a unit");
  using Base = typename ClockworkCell::GatedCell;
  static constexpr bool entries_stand_alone = false;  // a clock goes on
  template <class S, int I = Dynamic, int H = Dynamic>
  using Rebind = ClockworkCell<S, I, H, bias, Groups>;

  template <class Storage = Owned<>>
  struct State {
    Part<Storage, Scalar, Hidden> h;  // (hidden, batch)
    Part<Storage, Scalar, 1> t;       // (1, batch)
    static constexpr auto fields() { return std::tuple{field("h", &State::h), field("t", &State::t)}; }
  };

  /// Zero weights of these sizes. Throws shape_error if they are not those of the type, or a group would have no unit.
  explicit ClockworkCell(Sizes sizes = {known_or_zero(Inputs), known_or_zero(Hidden)}) : Base(sizes) {
    if (sizes.hidden > 0 && sizes.hidden < Groups)
      detail::fail<shape_error>("hidden = ", sizes.hidden, ": ", Groups, " groups take at least that many units");
  }

  /// As every GatedCell, and zero what is not read.
  ClockworkCell(Sizes sizes, Rng& rng) : ClockworkCell(sizes) {
    const Base all(sizes, rng);
    this->W_xh = all.W_xh;
    for_each_group([&]<int g>(Group<g>) { read<g>(this->W_hh) = read<g>(all.W_hh); });
  }

  std::array<Index, 2> state_rows() const { return {this->outputs(), 1}; }

  void step(auto& packed, auto& trace, auto& state) const {
    for_each_group([&]<int g>(Group<g>) {  // those that come later do not read what has moved
      if (!any_moves<g>(state.t)) return;
      add_product(rows<g>(trace.a), packed(read<g>(this->W_hh)), slower<g>(state.h));
      for (Index j = 0; j < state.h.cols(); ++j)
        if (moves<g>(state.t(0, j)))
          elementwise([](auto& a, auto& h) { h = a = tanh(a); }, rows<g>(trace.a).col(j), rows<g>(state.h).col(j));
    });
    for (Index j = 0; j < state.h.cols(); ++j) {
      const Scalar next = state.t(0, j) + 1, longest = Scalar(period(Groups - 1));
      state.t(0, j) = next < longest ? next : next - longest;
    }
  }

  void step_back(auto& packed, const auto& before, auto& trace, auto& d) const {
    for_each_group([&]<int g>(Group<g>) {
      for (Index j = 0; j < d.h.cols(); ++j)
        if (moves<g>(before.t(0, j))) {
          elementwise([](auto& a, const auto& dh) { a = (1 - a * a) * dh; }, rows<g>(trace.a).col(j),
                      rows<g>(d.h).col(j));
          rows<g>(d.h).col(j).setZero();
        } else {
          rows<g>(trace.a).col(j).setZero();
        }
    });
    for_each_group([&]<int g>(Group<g>) {
      if (any_moves<g>(before.t))
        add_product(slower<g>(d.h), packed(read<g>(this->W_hh).transpose()), rows<g>(trace.a));
    });
  }

  void accumulate(const auto& x, const auto& before, const auto& trace, ClockworkCell& gradient) const {
    Base::Input::accumulate(x, before, trace, gradient);
    for_each_group([&]<int g>(Group<g>) {
      add_product(read<g>(gradient.W_hh), rows<g>(trace.a), slower<g>(before.h).transpose());
    });
  }

 private:
  template <int g>
  using Group = std::integral_constant<int, g>;

  static void for_each_group(const auto& f) {
    [&]<int... g>(std::integer_sequence<int, g...>) { (f(Group<g>{}), ...); }
    (std::make_integer_sequence<int, Groups>{});
  }

  static constexpr int period(int g) { return 1 << g; }

  template <int g>
  static bool moves(const Scalar& clock) {
    const double t = static_cast<double>(clock);
    return g == 0 || t - period(g) * std::floor(t / period(g)) < 1;
  }
  template <int g>
  static bool any_moves(const auto& t) {
    for (Index j = 0; j < t.cols(); ++j)
      if (moves<g>(t(0, j))) return true;
    return false;
  }

  // Where group g begins, its rows, those of it and the slower ones, and what it reads of W_hh.
  template <int g>
  static constexpr Index begin(Index hidden) {
    return g * hidden / Groups;
  }
  template <int g>
  auto rows(auto& stacked) const {
    constexpr int known = Hidden == Dynamic ? Dynamic : static_cast<int>(begin<g + 1>(Hidden) - begin<g>(Hidden));
    const Index first = begin<g>(this->outputs());
    return stacked.template middleRows<known>(first, begin<g + 1>(this->outputs()) - first);
  }
  template <int g>
  auto slower(auto& stacked) const {
    constexpr int known = Hidden == Dynamic ? Dynamic : static_cast<int>(Hidden - begin<g>(Hidden));
    return stacked.template bottomRows<known>(this->outputs() - begin<g>(this->outputs()));
  }
  template <int g>
  auto read(auto& weights) const {
    constexpr int of_g = Hidden == Dynamic ? Dynamic : static_cast<int>(begin<g + 1>(Hidden) - begin<g>(Hidden));
    constexpr int known = Hidden == Dynamic ? Dynamic : static_cast<int>(Hidden - begin<g>(Hidden));
    const Index first = begin<g>(this->outputs()), last = begin<g + 1>(this->outputs());
    return weights.template block<of_g, known>(first, first, last - first, this->outputs() - first);
  }
};

}  // namespace reprise
