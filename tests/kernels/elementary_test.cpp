#if defined(__GNUC__)
#pragma GCC diagnostic ignored \
    "-Wpsabi"  // packets wider than a register are tested too; none crosses a library's border
#endif

#include <reprise/kernels/activation.hpp>
#include <reprise/kernels/elementary.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"

#if defined(__GNUC__)
namespace rp = reprise;

namespace reprise {
namespace {

// Inside the library, unqualified: the functions of the scalars stay where they were.
auto exp_inside(const auto& x) { return exp(x); }
auto tanh_inside(const auto& x) { return tanh(x); }
auto sigmoid_inside(const auto& x) { return sigmoid(x); }

}  // namespace
}  // namespace reprise

namespace {

template <class Scalar>
using Limits = std::numeric_limits<Scalar>;
template <class Scalar>
using Bits = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
// The reference has at least 11 bits more.
template <class Scalar>
using Exact = std::conditional_t<std::is_same_v<Scalar, float>, double, long double>;

template <class Scalar>
constexpr Scalar infinity = Limits<Scalar>::infinity();

// ulps: what the error stays below
struct Exp {
  template <class Scalar>
  static constexpr double ulps = 2;
  static constexpr double seam = 0.69314718055994531;  // of range reduction: odd multiples of half of it
  static auto packet(const auto& x) { return rp::exp_inside(x); }
  static auto exact(auto x) { return std::exp(x); }
};
struct Tanh {
  template <class Scalar>
  static constexpr double ulps = std::is_same_v<Scalar, float> ? 3.5 : 2;
  static constexpr double seam = 0.34657359027997265;
  static auto packet(const auto& x) { return rp::tanh_inside(x); }
  static auto exact(auto x) { return std::tanh(x); }
};
struct Sigmoid {
  template <class Scalar>
  static constexpr double ulps = std::is_same_v<Scalar, float> ? 3 : 2;
  static constexpr double seam = 0.69314718055994531;
  static auto packet(const auto& x) { return rp::sigmoid_inside(x); }
  static auto exact(auto x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
};

template <class F, int Lanes, class Scalar>
std::vector<Scalar> values(std::vector<Scalar> x) {
  const auto count = x.size();
  x.resize(count + Lanes);
  for (std::size_t i = 0; i < count; i += Lanes)
    rp::detail::store(&x[i], F::packet(rp::detail::load<rp::Packet<Scalar, Lanes>>(&x[i])));
  x.resize(count);
  return x;
}
template <class F, class Scalar>
Scalar value(Scalar x) {
  return values<F, 4>(std::vector<Scalar>{x})[0];
}

// The distance from y to the exact value, in the spacing of Scalar there. The spacing of the denormals is all one.
template <class Scalar>
double ulp(Scalar y, Exact<Scalar> exact) {
  if (!std::isfinite(static_cast<Scalar>(exact)) || !std::isfinite(y)) return static_cast<Scalar>(exact) == y ? 0 : 1e9;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const int lowest = std::max(exponent, Limits<Scalar>::min_exponent) - Limits<Scalar>::digits;
  return static_cast<double>(std::abs(std::ldexp(static_cast<Exact<Scalar>>(y) - exact, -lowest)));
}

// The count values on either side of x, in order.
template <class Scalar>
void append_neighbours(std::vector<Scalar>& to, Scalar x, int count) {
  for (int i = 0; i < count; ++i) x = std::nextafter(x, -infinity<Scalar>);
  for (int i = 0; i < 2 * count; ++i, x = std::nextafter(x, infinity<Scalar>)) to.push_back(x);
}

// Wherever one formula gives way to another: between the k of range reduction, and at the limits.
template <class F, class Scalar>
std::vector<Scalar> around_seams(int neighbours) {
  const double last = std::is_same_v<Scalar, float> ? 106 : 748;
  std::vector<Scalar> x;
  for (double k = 0.5; k * F::seam < last; ++k)
    for (const double at : {-k * F::seam, k * F::seam}) append_neighbours(x, static_cast<Scalar>(at), neighbours);
  for (const double at : {0.55, 8.306624, 10.0, 20.0, 40.0, 104.0, 746.0})
    for (const double sign : {-1.0, 1.0}) append_neighbours(x, static_cast<Scalar>(sign * at), neighbours);
  append_neighbours(x, Scalar(0), neighbours);
  return x;
}

// Every 997th float, from -infinity up.
std::vector<float> sweep() {
  std::vector<float> x;
  for (std::int64_t i = -0x7f800000; i <= 0x7f800000; i += 997)
    x.push_back(
        std::bit_cast<float>(i < 0 ? 0x80000000u | static_cast<std::uint32_t>(-i) : static_cast<std::uint32_t>(i)));
  return x;
}

// Any doubles, those of ordinary size, and those where e^-x is about to drown the 1 of the sigmoid.
std::vector<double> samples() {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> ordinary(-50, 50), wide(-760, 760), small(-1, 1), drown(-38, -36);
  std::vector<double> x;
  while (x.size() < 300000) {
    const double any = std::bit_cast<double>(random());
    if (!std::isnan(any)) x.push_back(any);
    x.insert(x.end(), {ordinary(random), wide(random), small(random), drown(random)});
  }
  return x;
}

template <class F, class Scalar>
void check_accuracy(const std::vector<Scalar>& x) {
  const auto y = values<F, rp::lanes<Scalar>>(x);
  double worst = 0;
  Scalar at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double distance = ulp(y[i], F::exact(static_cast<Exact<Scalar>>(x[i])));
    if (!(distance <= worst)) worst = distance, at = x[i];
  }
  INFO("worst at x = " << at);
  CHECK(worst < F::template ulps<Scalar>);
}

// The tanh of floats is monotone at its seam only: see below.
template <class F, class Scalar>
void check_monotone(std::vector<Scalar> x) {
  if constexpr (std::is_same_v<F, Tanh> && std::is_same_v<Scalar, float>) return;
  std::sort(x.begin(), x.end());
  const auto y = values<F, rp::lanes<Scalar>>(x);
  const auto down = std::is_sorted_until(y.begin(), y.end());
  INFO("first decrease at x = " << (down == y.end() ? Scalar(0) : x[static_cast<std::size_t>(down - y.begin())]));
  CHECK(down == y.end());
}

template <class F, class Scalar>
void check_lanes(const std::vector<Scalar>& x) {
  const auto same = [](Scalar a, Scalar b) { return std::bit_cast<Bits<Scalar>>(a) == std::bit_cast<Bits<Scalar>>(b); };
  const auto two = values<F, 2>(x), four = values<F, 4>(x), eight = values<F, 8>(x), sixteen = values<F, 16>(x);
  CHECK(std::equal(two.begin(), two.end(), four.begin(), same));
  CHECK(std::equal(two.begin(), two.end(), eight.begin(), same));
  CHECK(std::equal(two.begin(), two.end(), sixteen.begin(), same));
}

}  // namespace

TEMPLATE_TEST_CASE("within a few ulp over the whole range", "", Exp, Tanh, Sigmoid) {
  check_accuracy<TestType>(sweep());
  check_accuracy<TestType>(samples());
  check_accuracy<TestType>(around_seams<TestType, float>(32));
  check_accuracy<TestType>(around_seams<TestType, double>(32));
}

TEMPLATE_TEST_CASE("never decreasing, neighbours and seams included", "", Exp, Tanh, Sigmoid) {
  check_monotone<TestType>(sweep());
  check_monotone<TestType>(samples());
  check_monotone<TestType>(around_seams<TestType, float>(64));
  check_monotone<TestType>(around_seams<TestType, double>(64));
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> ordinary(-20, 20), small(-2, 2);
  std::vector<float> x;
  std::vector<double> dense;
  for (int i = 0; i < 2000; ++i) {
    append_neighbours(x, static_cast<float>(small(random)), 64);
    append_neighbours(dense, small(random), 64);
    append_neighbours(dense, ordinary(random), 64);
  }
  check_monotone<TestType>(x);
  check_monotone<TestType>(dense);
}

TEMPLATE_TEST_CASE("packets of every length give the same bits", "", Exp, Tanh, Sigmoid) {
  check_lanes<TestType>(around_seams<TestType, float>(32));
  check_lanes<TestType>(around_seams<TestType, double>(32));
  check_lanes<TestType>(samples());
}

TEMPLATE_TEST_CASE("zeros, infinities, NaN, and the ends of the range", "", float, double) {
  using Scalar = TestType;
  const Scalar inf = infinity<Scalar>, largest = Limits<Scalar>::max(), tiny = Limits<Scalar>::denorm_min();
  const Scalar zero = 0, one = 1;

  CHECK(value<Exp>(zero) == one);
  CHECK(value<Exp>(-zero) == one);
  CHECK(value<Exp>(tiny) == one);
  CHECK(value<Exp>(inf) == inf);
  CHECK(value<Exp>(largest) == inf);
  CHECK(value<Exp>(-inf) == zero);
  CHECK(value<Exp>(-largest) == zero);

  CHECK(value<Sigmoid>(zero) == one / 2);
  CHECK(value<Sigmoid>(-zero) == one / 2);
  CHECK(value<Sigmoid>(inf) == one);
  CHECK(value<Sigmoid>(largest) == one);
  CHECK(value<Sigmoid>(-inf) == zero);
  CHECK(value<Sigmoid>(-largest) == zero);

  CHECK(value<Tanh>(inf) == one);
  CHECK(value<Tanh>(-inf) == -one);
  CHECK(value<Tanh>(largest) == one);
  CHECK(std::signbit(value<Tanh>(-zero)));
  CHECK_FALSE(std::signbit(value<Tanh>(zero)));
  for (const Scalar x : {zero, tiny, 3 * tiny, Limits<Scalar>::min()}) CHECK(value<Tanh>(x) == x);

  // NaN stays in its lane.
  for (const Scalar nan : {Limits<Scalar>::quiet_NaN(), -Limits<Scalar>::quiet_NaN()}) {
    const std::vector<Scalar> x{nan, zero, inf, nan};
    const auto e = values<Exp, 4>(x), t = values<Tanh, 4>(x), s = values<Sigmoid, 4>(x);
    for (const auto& y : {e, t, s}) CHECK((std::isnan(y[0]) && std::isnan(y[3])));
    CHECK((e[1] == one && t[1] == zero && s[1] == one / 2));
    CHECK((e[2] == inf && t[2] == one && s[2] == one));
  }
}

TEST_CASE("the smallest results are denormal, not zero") {
  CHECK(value<Exp>(-103.9f) == Limits<float>::denorm_min());
  CHECK(value<Sigmoid>(-103.9f) == Limits<float>::denorm_min());
  CHECK(value<Exp>(-745.1) == Limits<double>::denorm_min());
  CHECK(value<Sigmoid>(-745.1) == Limits<double>::denorm_min());
  CHECK(std::fpclassify(value<Sigmoid>(-100.0f)) == FP_SUBNORMAL);
}

TEST_CASE("tanh is odd to the last bit and never beyond 1") {
  const auto check = [](auto x) {
    const auto y = values<Tanh, 4>(x);
    for (auto& v : x) v = -v;
    const auto mirrored = values<Tanh, 4>(x);
    CHECK(std::equal(y.begin(), y.end(), mirrored.begin(), [](auto a, auto b) { return a == -b; }));
    CHECK(std::all_of(y.begin(), y.end(), [](auto a) { return std::abs(a) <= 1; }));
  };
  check(sweep());
  check(samples());
  check(around_seams<Tanh, double>(32));
}

TEST_CASE("tanh of floats does not decrease where it becomes 1, nor by more than 3 ulp elsewhere") {
  std::vector<float> seam, x;
  append_neighbours(seam, 8.306624f, 200000);
  const auto y = values<Tanh, rp::lanes<float>>(seam);
  const auto beyond = static_cast<std::size_t>(
      std::partition_point(seam.begin(), seam.end(), [](float v) { return v * v <= 69; }) - seam.begin());
  CHECK((beyond > 100000 && beyond < 300000));
  CHECK(std::all_of(&y[0], &y[beyond], [](float v) { return v > 1 - 8 * Limits<float>::epsilon() && v <= 1; }));
  CHECK(std::all_of(&y[beyond], &y[0] + y.size(), [](float v) { return v == 1; }));

  std::mt19937_64 random(3);
  std::uniform_real_distribution<float> ordinary(0, 9);
  for (int i = 0; i < 2000; ++i) append_neighbours(x, ordinary(random), 64);
  std::sort(x.begin(), x.end());
  const auto z = values<Tanh, rp::lanes<float>>(x);
  double fall = 0;
  for (std::size_t i = 1; i < z.size(); ++i)
    if (z[i] < z[i - 1]) fall = std::max(fall, ulp(z[i], static_cast<double>(z[i - 1])));
  CHECK(fall <= 3);
}

TEST_CASE("packets are the vectors of float and double and nothing else") {
  STATIC_REQUIRE(rp::IsPacket<rp::Packet<float>>);
  STATIC_REQUIRE(rp::IsPacket<rp::Packet<double, 2>>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<rp::Packet<int, 4>>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<float>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<double*>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<float[4]>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<std::array<float, 3>>);
  STATIC_REQUIRE_FALSE(rp::IsPacket<Eigen::Array3f>);
  CHECK(rp::exp_inside(0.5) == std::exp(0.5));
  CHECK(rp::tanh_inside(0.5f) == std::tanh(0.5f));
  CHECK(rp::sigmoid_inside(0.0) == 0.5);
}
#endif
