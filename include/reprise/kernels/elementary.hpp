#pragma once
// exp, tanh and sigmoid of packets, all lanes at once. With k = round(x / log 2), r = x - k log 2, |r| <= log(2) / 2:
//
//   p = e^r - 1 = r + r^2 q(r)        e^x = 2^k (1 + p)
//   sigmoid(x) = 1 / (1 + e^-x)
//   tanh(x) = x + x^3 u(x^2)                       where |x| < 0.55
//           = sign(x) (1 - 2 / (1 + e^(2 |x|)))    beyond
//
// The polynomials q and u were fitted by Remez exchange to the relative error of e^r and of tanh. Everywhere, denormal
// results included, the error is below 2 ulp, with fused multiply-adds and without, and all three are monotone: each is
// a chain of monotone steps, which rounding leaves monotone. e^x / (1 + e^x) and (e^2x - 1) / (e^2x + 1) would not be,
// for numerator and denominator round apart.

#include <reprise/kernels/packet.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace reprise {

using std::exp;  // the functions below would hide those of the scalars
using std::tanh;

#if defined(__GNUC__)
/// A vector of floats or doubles, of any length: it has a subscript, and is neither class nor pointer nor array.
template <class P>
concept IsPacket = requires(P p) {
  requires packed_scalar<std::remove_cvref_t<decltype(p[0])>>;
  requires !(std::is_class_v<P> || std::is_union_v<P> || std::is_scalar_v<P> || std::is_array_v<P>);
};

namespace detail {

template <class P>
[[gnu::always_inline]] inline P polynomial(const P& x, auto c, auto... higher) {
  if constexpr (sizeof...(higher) == 0)
    return P{} + c;
  else
    return x * polynomial(x, higher...) + c;
}

// What differs between float and double. log 2 is split so that k times the high part, of 15 and 42 bits, is exact.
template <class Scalar>
struct Elementary {
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float limit = 104;                    // e^limit is infinite, e^-limit is 0
  [[gnu::always_inline]] static auto q(const auto& r) {  // to 3e-9 of e^r
    return polynomial(r, 0x1.fffffcp-2f, 0x1.55548cp-3f, 0x1.555858p-5f, 0x1.123dep-7f, 0x1.6ac74ep-10f);
  }
  [[gnu::always_inline]] static auto u(const auto& s) {  // to 4e-8 of tanh
    return polynomial(s, -0x1.555452p-2f, 0x1.10cefcp-3f, -0x1.af7d36p-5f, 0x1.0d5174p-6f);
  }
};
template <>
struct Elementary<double> {
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double limit = 746;
  [[gnu::always_inline]] static auto q(const auto& r) {  // to 1e-17 of e^r
    return polynomial(r, 0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.555555555088cp-5, 0x1.1111111127ba1p-7,
                      0x1.6c16c184266a8p-10, 0x1.a01a012a67f04p-13, 0x1.a0199a16e7368p-16, 0x1.71df253db687bp-19,
                      0x1.28ad689e85219p-22, 0x1.ad7f75d24c8acp-26);
  }
  [[gnu::always_inline]] static auto u(const auto& s) {  // to 2e-17 of tanh
    return polynomial(s, -0x1.555555555549ep-2, 0x1.11111111029b2p-3, -0x1.ba1ba1ad73875p-5, 0x1.664f45c32743fp-6,
                      -0x1.226ddd4eb1bfdp-7, 0x1.d6c61e6be1645p-9, -0x1.7cf3c3d95bb8ap-10, 0x1.2fa2aa3301f10p-11,
                      -0x1.b90a7e8e464a5p-13, 0x1.ac02fad1707d6p-15);
  }
};

// e^x = 2^k (1 + p), k in two's complement. NaN goes into p; its k is anything.
template <class P>
struct Exponential {
  using Scalar = std::remove_cvref_t<decltype(std::declval<P>()[0])>;
  using Word = std::conditional_t<sizeof(Scalar) == sizeof(float), std::uint32_t, std::uint64_t>;
  using Words = Packet<Word, static_cast<int>(sizeof(P) / sizeof(Scalar))>;
  using C = Elementary<Scalar>;
  static constexpr Word mantissa = std::numeric_limits<Scalar>::digits - 1;        // bits of the fraction
  static constexpr Word bias = std::numeric_limits<Scalar>::max_exponent - 1;      // exponent of 1
  static constexpr Scalar round = static_cast<Scalar>(Word(3) << (mantissa - 1));  // x + round ends in x as an integer
  P p;
  Words k;

  [[gnu::always_inline]] explicit Exponential(const P& x) {
    const P rounded = x * std::numbers::log2e_v<Scalar> + round, n = rounded - round;
    const P r = (x - n * C::ln2_high) - n * C::ln2_low;
    p = r + r * r * C::q(r);
    k = std::bit_cast<Words>(rounded) - std::bit_cast<Word>(round);
  }
  // NaN compares false and stays.
  [[gnu::always_inline]] static P at_most(Scalar most, const P& x) { return x > P{} + most ? P{} + most : x; }
  // 2^i, given i + bias
  [[gnu::always_inline]] static P power(const Words& biased) { return std::bit_cast<P>(biased << mantissa); }
};

}  // namespace detail

template <IsPacket P>
[[gnu::always_inline]] inline P exp(const P& x) {
  using E = detail::Exponential<P>;
  const E e(E::at_most(E::C::limit, -E::at_most(E::C::limit, -x)));
  // 2^k may be too large or too small for a number where e^x is not: its two halves are multiplied in one by one.
  const typename E::Words twice = e.k + 2 * E::bias, half = twice >> 1;
  return (1 + e.p) * E::power(half) * E::power(twice - half);
}

/// 1 / (1 + e^-x)
template <IsPacket P>
[[gnu::always_inline]] inline P sigmoid(const P& x) {
  using E = detail::Exponential<P>;
  // Beyond 40 nothing is left of e^-x beside 1. Scaled by 2^-shift, neither 1 nor any 2^k is out of range.
  const E e(E::at_most(E::C::limit, -E::at_most(40, x)));
  constexpr auto shift = (E::bias + 1) / 2;
  const P one = E::power(typename E::Words{} + (E::bias - shift)), t = E::power(e.k + (E::bias - shift));
  // (1 + t) + t p is rounded once, as long as 1 + t is exact; `lost` is what it lacks where it is not.
  const P sum = one + t, lost = one - (sum - t);
  return one / (sum + (t * e.p + lost));
}

template <IsPacket P>
[[gnu::always_inline]] inline P tanh(const P& x) {
  using E = detail::Exponential<P>;
  using Words = typename E::Words;
  const Words sign = std::bit_cast<Words>(x) & std::bit_cast<typename E::Word>(-typename E::Scalar(0));
  const P y = E::at_most(20, std::bit_cast<P>(std::bit_cast<Words>(x) ^ sign));  // tanh(20) is 1
  const P s = y * y, near = y + y * (s * E::C::u(s));
  const E e(y + y);
  const P t = E::power(e.k + E::bias), far = 1 - 2 / ((1 + t) + t * e.p);
  return std::bit_cast<P>(std::bit_cast<Words>(y < typename E::Scalar(0.55) ? near : far) | sign);
}
#endif

}  // namespace reprise
