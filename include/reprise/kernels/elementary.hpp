#pragma once
// exp, tanh and sigmoid of packets, all lanes at once. With k = round(x / log 2), r = x - k log 2, |r| <= log(2) / 2:
//
//   p = e^r - 1 = r + r^2 q(r)        e^x = 2^k (1 + p)
//   sigmoid(x) = 1 / (1 + e^-x)
//
//   double: tanh(x) = x + x^3 u(x^2)                       where |x| < 0.55
//                   = sign(x) (1 - 2 / (1 + e^(2 |x|)))    beyond
//   float:  tanh(x) = 2 t / (1 + t^2)                      t = tanh(x / 2) = n / (2 + 2 e)
//                   = m / (m + (1 + h)^2)                  m = n (1 + e), h = e - n / 2
//           n = x + x^3 v(x^2), e = e1 x^2 + e2 x^4 + e3 x^6
//
// The polynomials q, u, v, e were fitted by Remez exchange to the relative error of e^r and of tanh. What t errs by where
// it is large hardly moves tanh, and m / (m + ...) forgives m its rounding there.
//
// Errors, denormal results included, with fused multiply-adds and without: double below 2 ulp; float exp below 2, sigmoid
// below 3, tanh below 3.5. All are monotone but the tanh of floats: each is a chain of monotone steps, which rounding
// leaves monotone. e^x / (1 + e^x) and (e^2x - 1) / (e^2x + 1) would not be, for numerator and denominator round apart.
// So they do in the tanh of floats, which is fast instead: it never decreases where it becomes 1, and never exceeds 1,
// but elsewhere may fall by up to 3 ulp from one float to the next.

#include <reprise/kernels/packet.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#if defined(__FAST_MATH__)
#error \
    "reprise rounds by adding and subtracting a large number, which -ffast-math takes for nothing: compile without it"
#endif

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

// c0 + c1 x + c2 x^2 + ..., given xx = x^2: two terms a step, half as many steps to wait for as with one.
template <class P>
[[gnu::always_inline]] inline P polynomial(const P& x, const P& xx, auto c0, auto c1, auto... higher) {
  if constexpr (sizeof...(higher) == 0)
    return x * c1 + c0;
  else if constexpr (sizeof...(higher) == 1)
    return xx * (higher + ...) + (x * c1 + c0);
  else
    return xx * polynomial(x, xx, higher...) + (x * c1 + c0);
}

// What differs between float and double. log 2 is split so that k times the high part, of 15 and 42 bits, is exact.
template <class Scalar>
struct Elementary {
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float limit = 104;                                    // e^limit is infinite, e^-limit is 0
  [[gnu::always_inline]] static auto q(const auto& r, const auto& rr) {  // to 3e-9 of e^r
    return polynomial(r, rr, 0x1.fffffcp-2f, 0x1.55548cp-3f, 0x1.555858p-5f, 0x1.123dep-7f, 0x1.6ac74ep-10f);
  }
  // with e to 6e-9 of tanh
  [[gnu::always_inline]] static auto v(const auto& s) { return s * 0x1.e302f6p-14f + 0x1.e87df2p-6f; }
  [[gnu::always_inline]] static auto e(const auto& s, const auto& ss) {
    return ss * (s * 0x1.4f1ac8p-20f + 0x1.3d6ddap-10f) + s * 0x1.cf74cap-4f;
  }
};
template <>
struct Elementary<double> {
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double limit = 746;
  [[gnu::always_inline]] static auto q(const auto& r, const auto& rr) {  // to 1e-17 of e^r
    return polynomial(r, rr, 0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.555555555088cp-5, 0x1.1111111127ba1p-7,
                      0x1.6c16c184266a8p-10, 0x1.a01a012a67f04p-13, 0x1.a0199a16e7368p-16, 0x1.71df253db687bp-19,
                      0x1.28ad689e85219p-22, 0x1.ad7f75d24c8acp-26);
  }
  [[gnu::always_inline]] static auto u(const auto& s, const auto& ss) {  // to 2e-17 of tanh
    return polynomial(s, ss, -0x1.555555555549ep-2, 0x1.11111111029b2p-3, -0x1.ba1ba1ad73875p-5, 0x1.664f45c32743fp-6,
                      -0x1.226ddd4eb1bfdp-7, 0x1.d6c61e6be1645p-9, -0x1.7cf3c3d95bb8ap-10, 0x1.2fa2aa3301f10p-11,
                      -0x1.b90a7e8e464a5p-13, 0x1.ac02fad1707d6p-15);
  }
};

// e^x = 2^k (1 + p), k in two's complement. NaN goes into p; its k is anything, as are both where |x| > limit. There the
// functions below select the limit last of all, rather than make x wait for it first.
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
    const P r = (x - n * C::ln2_high) - n * C::ln2_low, rr = r * r;
    p = rr * C::q(r, rr) + r;
    k = std::bit_cast<Words>(rounded) - std::bit_cast<Word>(round);
  }
  // 2^i, given i + bias
  [[gnu::always_inline]] static P power(const Words& biased) { return std::bit_cast<P>(biased << mantissa); }
};

}  // namespace detail

template <IsPacket P>
[[gnu::always_inline]] inline P exp(const P& x) {
  using E = detail::Exponential<P>;
  const E e(x);
  // 2^k may be too large or too small for a number where e^x is not: its two halves are multiplied in one by one.
  const typename E::Words twice = e.k + 2 * E::bias, half = twice >> 1;
  const P y = (1 + e.p) * E::power(half) * E::power(twice - half);
  return x > E::C::limit ? P{} + std::numeric_limits<typename E::Scalar>::infinity() : x < -E::C::limit ? P{} : y;
}

/// 1 / (1 + e^-x)
template <IsPacket P>
[[gnu::always_inline]] inline P sigmoid(const P& x) {
  using E = detail::Exponential<P>;
  const E e(-x);
  // Scaled by 2^-shift, neither 1 nor any 2^k is out of range.
  constexpr auto shift = (E::bias + 1) / 2;
  const P one = E::power(typename E::Words{} + (E::bias - shift)), t = E::power(e.k + (E::bias - shift));
  // (1 + t) + t p is rounded once, as long as 1 + t is exact. Where it is not, it lacks up to 1 ulp: double adds that again,
  // float is faster without. Either stays monotone, for there e^-x changes by more from one x to the next.
  const P sum = one + t;
  P y;
  if constexpr (std::is_same_v<typename E::Scalar, float>)
    y = one / (t * e.p + sum);
  else
    y = one / (sum + (t * e.p + (one - (sum - t))));
  return x > 40 ? P{} + 1 : x < -E::C::limit ? P{} : y;  // beyond 40 nothing is left of e^-x beside 1
}

template <IsPacket P>
[[gnu::always_inline]] inline P tanh(const P& x) {
  using E = detail::Exponential<P>;
  using Scalar = typename E::Scalar;
  using Words = typename E::Words;
  const Words sign = std::bit_cast<Words>(x) & std::bit_cast<typename E::Word>(-Scalar(0));
  const auto signed_as_x = [&](const P& y) { return std::bit_cast<P>(std::bit_cast<Words>(y) | sign); };
  const P y = std::bit_cast<P>(std::bit_cast<Words>(x) ^ sign), s = x * x, ss = s * s;
  if constexpr (std::is_same_v<Scalar, float>) {
    const P n = (y * s) * E::C::v(s) + y, e = E::C::e(s, ss);
    const P m = n * e + n, h = e - n * 0.5f;
    const P inside = signed_as_x(m) / (1 + (h * (2 + h) + m));
    return s > 69 ? signed_as_x(P{} + 1) : inside;  // tanh(sqrt(69)) is 1 - 2 ulp
  } else {
    const P near = y + y * (s * E::C::u(s, ss));
    const E e(y + y);
    const P t = E::power(e.k + E::bias), far = 1 - 2 / ((1 + t) + t * e.p);
    return signed_as_x(y < 0.55 ? near : y > 20 ? P{} + 1 : far);  // tanh(20) is 1
  }
}
#endif

}  // namespace reprise
