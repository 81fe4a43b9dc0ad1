#pragma once
// How the decoder of an EncoderDecoder begins: s_0, of which each part is (rows, records), from what the encoder ends with.
//
//   none   what the decoder begins with by itself
//   copy   each part = a part of the encoder's final state (Sutskever, Vinyals and Le, 2014)
//   tanh   each part = tanh(W q + b),  q the pooled annotations (Cho et al., 2014; Bahdanau et al., 2015)
//
//   W (rows, features)   b (rows)   q (features, records)
//
// Backward, of tanh:  da = ds_0 * (1 - s_0^2)    dW += da q^T    db += da, summed over the records    dq += W^T da

#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/bias.hpp>
#include <reprise/kernels/product.hpp>
#include <reprise/layers/stack.hpp>

namespace reprise {

enum class Bridge {
  none,  ///< with its own initial state: what it knows of the source comes through the memory alone
  copy,  ///< with the encoder's final state: as many parts, as long, whatever layers without a state stand between
  tanh   ///< with tanh(W q + b), a W and a b for each part of its state
};

/// The parameters of the bridge: of tanh W and b, else none.
template <Bridge kind, class Encoder, class Decoder>
struct BridgeWeights {
  using Scalar = typename Decoder::Scalar;
  using State = typename Decoder::template State<Owned<>>;
  using Final = typename Encoder::template State<Owned<>>;
  static_assert(
      kind == Bridge::none || !detail::LearnsInitial<Decoder>,
      "the decoder would begin with what the bridge gives, not with its LearnedInitialState: take Bridge::none");

  static_assert(
      kind != Bridge::tanh || EntriesStandAlone<Decoder>,
      "the parts of this cell's state count together only: not any tanh is one of them, take Bridge::none or copy");

  State W;
  typename Decoder::template State<Owned<1>> b;

  static constexpr auto fields() {
    if constexpr (kind == Bridge::tanh)
      return std::tuple{field("W", &BridgeWeights::W), field("b", &BridgeWeights::b)};
    else
      return std::tuple{};
  }

  BridgeWeights() { set_zero(*this); }
  /// Zero. Throws shape_error if the encoder's state is to be copied and does not fit.
  BridgeWeights(const Encoder& encoder, const Decoder& decoder) {
    if constexpr (kind == Bridge::tanh) {
      W = decoder.template initial_state<Dynamic>(0);
      b = decoder.template initial_state<1>(1);
      for_each_parameter([&](auto& part) { part.setZero(part.rows(), encoder.outputs()); }, W);
      set_zero(b);
    }
    if constexpr (kind == Bridge::copy) {
      auto s = decoder.template initial_state<Dynamic>(1);
      auto final = encoder.template initial_state<Dynamic>(1);
      for_each_pair(
          [](const auto& to, const auto& from) {
            detail::require_size(from.rows(), to.rows(), "Bridge::copy: a part of the encoder's state", "rows",
                                 "the decoder's");
          },
          s, final);
    }
  }
  /// After Glorot, b zero.
  BridgeWeights(const Encoder& encoder, const Decoder& decoder, Rng& rng) : BridgeWeights(encoder, decoder) {
    if constexpr (kind == Bridge::tanh) for_each_parameter([&](auto& part) { glorot(part, rng); }, W);
  }

  // `s` is the decoder's own initial state and becomes s_0; the decoder's record i is column(i) of the encoder's final state.
  void forward(const Matrix<Scalar>& q, const Final& final, const auto& column, State& s) const {
    if constexpr (kind == Bridge::tanh)
      for_each_parameter(
          [&](auto& s_0, const auto& W_, const auto& b_) {
            if (s_0.size() == 0) return;
            product(s_0, W_, q);
            add_bias(s_0, b_);
            elementwise([](auto& entry) { entry = Tanh::of(entry); }, s_0);
          },
          s, W, b);
    if constexpr (kind == Bridge::copy)
      for_each_pair(
          [&](auto& s_0, const auto& from) {
            for (Index i = 0; i < s_0.cols(); ++i) s_0.col(i) = from.col(column(i));
          },
          s, final);
  }

  // From ds_0, which is used up: adds to dq and the gradient; dL/d(final), which is zero before, of copy.
  void backward(const Matrix<Scalar>& q, const State& s_0, const auto& column, State& ds, BridgeWeights& gradient,
                Matrix<Scalar>& dq, Final& dfinal) const {
    if constexpr (kind == Bridge::tanh)
      for_each_parameter(
          [&](auto& da, const auto& s, const auto& W_, auto& dW, auto& db) {
            if (da.size() == 0) return;
            elementwise([](auto& d, const auto& s_) { d = d * (1 - s_ * s_); }, da, s);
            add_product(dW, da, q.transpose());
            add_bias_gradient(db, da);
            add_product(dq, W_.transpose(), da);
          },
          ds, s_0, W, gradient.W, gradient.b);
    if constexpr (kind == Bridge::copy)
      for_each_pair(
          [&](const auto& d, auto& to) {
            for (Index i = 0; i < d.cols(); ++i) to.col(column(i)) = d.col(i);
          },
          ds, dfinal);
  }

 private:
  // Parts of the decoder's state and of the encoder's, whatever the layers are that have them.
  static void for_each_pair(const auto& visit, auto& s, auto& final) {
    const auto to = detail::parameters(s);
    const auto from = detail::parameters(final);
    constexpr std::size_t count = std::tuple_size_v<decltype(to)>;
    static_assert(count == std::tuple_size_v<decltype(from)>,
                  "Bridge::copy takes an encoder whose state has as many parts as the decoder's: take Bridge::tanh");
    [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(std::get<I>(to), std::get<I>(from)), ...); }
    (std::make_index_sequence<count>{});
  }
};

}  // namespace reprise
