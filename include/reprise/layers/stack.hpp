#pragma once
// Stack<A, B, C>: layers one upon another, y = C(B(A(x))): depth as in Goodfellow et al., section 10.5, figure 10.13a.
// A cell stands for the recurrent layer of it: Stack<Embedding<float>, LSTMCell<float>, LSTMCell<float>>.

#include <reprise/layers/hooks.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

namespace detail {
// "layers.0", "layers.1" and so on, for the fields of a struct with a tuple `layers`.
inline constexpr std::array<std::string_view, 10> layer_names{"layers.0", "layers.1", "layers.2", "layers.3",
                                                              "layers.4", "layers.5", "layers.6", "layers.7",
                                                              "layers.8", "layers.9"};

template <class... L>
constexpr auto layer_fields() {
  static_assert(sizeof...(L) <= layer_names.size(), "a Stack has at most ten layers; stack stacks for more");
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple{field(
        layer_names[I], [](auto& owner) -> auto& { return std::get<I>(owner.layers); })...};
  }
  (std::index_sequence_for<L...>{});
}
}  // namespace detail

template <class... L>
struct Stack {
  static_assert(sizeof...(L) > 0, "a Stack has at least one layer");
  using Layers = std::tuple<LayerOf<L>...>;
  static constexpr std::size_t Count = sizeof...(L);
  template <std::size_t I>
  using LayerAt = std::tuple_element_t<I, Layers>;
  using First = LayerAt<0>;
  using Last = LayerAt<Count - 1>;
  using Scalar = typename Last::Scalar;
  static constexpr bool causal = (Causal<LayerOf<L>> && ...);
  static constexpr bool entries_stand_alone = (EntriesStandAlone<LayerOf<L>> && ...);
  static constexpr bool learns_initial = (detail::LearnsInitial<LayerOf<L>> || ...);
  static constexpr int Inputs = First::Inputs, Outputs = Last::Outputs;
  using Input = typename First::Input;
  using Output = typename Last::Output;
  static_assert(
      []<std::size_t... I>(std::index_sequence<I...>) {
        return ((LayerAt<I>::Outputs == Dynamic || LayerAt<I + 1>::Input::RowsAtCompileTime == Dynamic ||
                 LayerAt<I>::Outputs == LayerAt<I + 1>::Input::RowsAtCompileTime) &&
                ...);
      }(std::make_index_sequence<Count - 1>{}),
      "a layer of the Stack does not take as many inputs as the layer below it has outputs");
  static_assert(
      []<std::size_t... I>(std::index_sequence<I...>) {
        return (!detail::takes_time<LayerAt<I + 1>> && ...);
      }(std::make_index_sequence<Count - 1>{}),
      "a cell whose last input is the time stands at the bottom of a Stack: the outputs of a layer are no times");
  template <class S>
  using Rebind = Stack<typename LayerOf<L>::template Rebind<S>...>;

  Layers layers;

  static constexpr auto fields() { return detail::layer_fields<L...>(); }

  template <class Storage = Owned<>>
  struct State {
    std::tuple<typename LayerOf<L>::template State<Storage>...> layers;
    static constexpr auto fields() { return detail::layer_fields<L...>(); }
  };

  struct Trace {
    std::tuple<typename LayerOf<L>::Trace...> layers;
    std::tuple<typename LayerOf<L>::Input...> dx;  // dL/dx of each layer; the first is the caller's affair
  };

  Stack() = default;
  /// Throws shape_error if a layer does not take what the one below it gives.
  explicit Stack(LayerOf<L>... of) : layers(std::move(of)...) {
    each([&]<std::size_t I>() {
      if constexpr (I > 0)
        detail::require_size(std::get<I - 1>(layers).outputs(), std::get<I>(layers).input_rows(),
                             "a layer of the Stack", "outputs", "the next");
    });
  }
  /// The first layer takes sizes.inputs; every layer has sizes.hidden outputs, unless its type says how many. Throws
  /// shape_error if the sizes are not those of the type, or have an inner one.
  explicit Stack(Sizes sizes) : layers{LayerOf<L>(next<LayerOf<L>>(sizes))...} {}
  Stack(Sizes sizes, Rng& rng) : layers{LayerOf<L>(next<LayerOf<L>>(sizes), rng)...} {}

  /// What is no parameter, such as the rate of a dropout, from the same stack of another scalar.
  void take_settings(const auto& other) {
    each([&]<std::size_t I>() {
      if constexpr (requires { std::get<I>(layers).take_settings(std::get<I>(other.layers)); })
        std::get<I>(layers).take_settings(std::get<I>(other.layers));
    });
  }

  Index inputs() const { return std::get<0>(layers).inputs(); }
  Index outputs() const { return std::get<Count - 1>(layers).outputs(); }
  Index input_rows() const { return std::get<0>(layers).input_rows(); }
  /// How many of the last rows of y run from a record's last step to its first.
  Index reversed_rows() const { return reversed_rows_of<Count - 1>(); }

  template <int Batch>
  State<Owned<Batch>> initial_state(Index batch) const {
    return {std::apply([&](const auto&... layer) { return std::tuple{layer.template initial_state<Batch>(batch)...}; },
                       layers)};
  }

  void set_initial(State<>& state) const {
    each([&]<std::size_t I>() { detail::set_initial(std::get<I>(layers), std::get<I>(state.layers)); });
  }
  void initial_back(const State<>& dstate, Stack& gradient) const {
    each([&]<std::size_t I>() {
      detail::initial_back(std::get<I>(layers), std::get<I>(dstate.layers), std::get<I>(gradient.layers));
    });
  }

  template <class Storage>
  void require_state(const State<Storage>& state, Index batch) const {
    each([&]<std::size_t I>() { std::get<I>(layers).require_state(std::get<I>(state.layers), batch); });
  }

  static const Output& output(const Trace& trace) { return Last::output(std::get<Count - 1>(trace.layers)); }

  void forward(const Input& x, const Pass& pass, State<>& state, Trace& trace, const auto&... memory) const {
    each([&]<std::size_t I>() {
      detail::forward(std::get<I>(layers), input<I>(x, trace), pass, std::get<I>(state.layers),
                      std::get<I>(trace.layers), memory...);
    });
  }

  void backward(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate, Stack& gradient,
                Input* dx, auto&... memory) const {
    const auto& dy_first = backward_to<0>(x, dy, pass, trace, dstate, gradient, memory...);
    detail::backward(std::get<0>(layers), x, dy_first, pass, std::get<0>(trace.layers), std::get<0>(dstate.layers),
                     std::get<0>(gradient.layers), dx, memory...);
  }

  /// `backward` of the layers above layer `Lowest`: returns dL/dy of that one.
  template <std::size_t Lowest>
  const auto& backward_to(const Input& x, const Output& dy, const Pass& pass, Trace& trace, State<>& dstate,
                          Stack& gradient, auto&... memory) const {
    const auto dy_of = [&]<std::size_t I>() -> const auto& {
      if constexpr (I + 1 == Count)
        return dy;
      else
        return std::get<I + 1>(trace.dx);
    };
    [&]<std::size_t... FromTop>(std::index_sequence<FromTop...>) {
      (
          [&] {
            constexpr std::size_t I = Count - 1 - FromTop;
            detail::backward(std::get<I>(layers), input<I>(x, trace), dy_of.template operator()<I>(), pass,
                             std::get<I>(trace.layers), std::get<I>(dstate.layers), std::get<I>(gradient.layers),
                             &std::get<I>(trace.dx), memory...);
          }(),
          ...);
    }
    (std::make_index_sequence<Count - 1 - Lowest>{});
    return dy_of.template operator()<Lowest>();
  }

  template <int Batch, class Packed>
  struct StepTrace {
    std::tuple<typename LayerOf<L>::template StepTrace<Batch, Packed>...> layers;
  };

  /// One step of a stream: x_t for the first layer; returns y_t of the last.
  template <int Batch, class Packed>
  const auto& step(const auto& x_t, State<Owned<Batch>>& state, StepTrace<Batch, Packed>& trace,
                   const auto&... memory) const {
    return step_from<0>(x_t, state, trace, memory...);
  }

  /// Before the first step that reads `memory`.
  void begin(const auto& memory, auto& trace) const {
    each([&]<std::size_t I>() {
      if constexpr (requires { std::get<I>(layers).begin(memory, std::get<I>(trace.layers)); })
        std::get<I>(layers).begin(memory, std::get<I>(trace.layers));
    });
  }

 private:
  // The sizes of a layer; `sizes` becomes what is left for those above it.
  template <class Above>
  static Sizes next(Sizes& sizes) {
    checked_size(sizes.hidden, Outputs, "hidden");
    if (sizes.inner != 0)
      detail::fail<shape_error>("inner = ", sizes.inner,
                                ": a Stack of cells with an inner size is built from its layers");
    const Index outputs = Above::Outputs == Dynamic ? sizes.hidden : Above::Outputs;
    return {std::exchange(sizes.inputs, outputs), outputs};
  }

  // Those of layer I, or, where that passes on entry by entry what it reads, of the one below it.
  template <std::size_t I>
  Index reversed_rows_of() const {
    if constexpr (requires { std::get<I>(layers).reversed_rows(); })
      return std::get<I>(layers).reversed_rows();
    else if constexpr (I > 0 && requires { requires LayerAt<I>::entrywise; })
      return reversed_rows_of<I - 1>();
    else
      return 0;
  }

  static void each(auto&& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (visit.template operator()<I>(), ...); }
    (std::make_index_sequence<Count>{});
  }

  // What layer I reads: x, or what the layer below it has written.
  template <std::size_t I>
  static const auto& input(const Input& x, const Trace& trace) {
    if constexpr (I == 0)
      return x;
    else
      return LayerAt<I - 1>::output(std::get<I - 1>(trace.layers));
  }

  template <std::size_t I>
  const auto& step_from(const auto& x_t, auto& state, auto& trace, const auto&... memory) const {
    const auto& y_t =
        detail::step(std::get<I>(layers), x_t, std::get<I>(state.layers), std::get<I>(trace.layers), memory...);
    if constexpr (I + 1 == Count)
      return y_t;
    else
      return step_from<I + 1>(y_t, state, trace, memory...);
  }
};

}  // namespace reprise
