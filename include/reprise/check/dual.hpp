#pragma once
// Dual numbers: a + b e with e^2 = 0, so that f(x + e) = f(x) + f'(x) e exactly, without a step width. A cell over Dual is
// its own forward-mode derivative, which proves the backward that was written by hand (Griewank and Walther, Evaluating
// Derivatives, 2008, section 3.1).

#include <Eigen/Core>

#include <cmath>
#include <ostream>
#include <type_traits>

namespace reprise {

struct Dual {
  double value = 0;
  double derivative = 0;

  constexpr Dual() = default;
  template <class Number>
    requires std::is_arithmetic_v<Number>
  constexpr Dual(Number v, double d = 0) : value(static_cast<double>(v)), derivative(d) {}

  constexpr explicit operator double() const { return value; }

  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.derivative + b.derivative}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.derivative - b.derivative}; }
  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.derivative}; }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.derivative * b.value + a.value * b.derivative};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    return {a.value / b.value, (a.derivative - a.value / b.value * b.derivative) / b.value};
  }
  constexpr Dual& operator+=(Dual b) { return *this = *this + b; }
  constexpr Dual& operator-=(Dual b) { return *this = *this - b; }
  constexpr Dual& operator*=(Dual b) { return *this = *this * b; }
  constexpr Dual& operator/=(Dual b) { return *this = *this / b; }

  friend constexpr bool operator==(Dual a, Dual b) { return a.value == b.value; }
  friend constexpr auto operator<=>(Dual a, Dual b) { return a.value <=> b.value; }

  friend Dual exp(Dual x) { return {std::exp(x.value), x.derivative * std::exp(x.value)}; }
  friend Dual log(Dual x) { return {std::log(x.value), x.derivative / x.value}; }
  friend Dual sqrt(Dual x) { return {std::sqrt(x.value), x.derivative / (2 * std::sqrt(x.value))}; }
  friend Dual sin(Dual x) { return {std::sin(x.value), x.derivative * std::cos(x.value)}; }
  friend Dual cos(Dual x) { return {std::cos(x.value), -x.derivative * std::sin(x.value)}; }
  friend Dual abs(Dual x) { return x.value < 0 ? -x : x; }
  friend Dual tanh(Dual x) {
    const double y = std::tanh(x.value);
    return {y, x.derivative * (1 - y * y)};
  }
  friend bool isfinite(Dual x) { return std::isfinite(x.value) && std::isfinite(x.derivative); }
  friend std::ostream& operator<<(std::ostream& out, Dual x) { return out << x.value << "+" << x.derivative << "e"; }
};

}  // namespace reprise

template <>
struct Eigen::NumTraits<reprise::Dual> : Eigen::NumTraits<double> {
  using Real = reprise::Dual;
  using NonInteger = reprise::Dual;
  using Nested = reprise::Dual;
  using Literal = reprise::Dual;
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = 1,
    RequireInitialization = 1,
    ReadCost = 2,
    AddCost = 2,
    MulCost = 6
  };
};
