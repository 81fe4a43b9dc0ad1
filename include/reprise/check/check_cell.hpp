#pragma once
// The proof of a cell, for those of the library and for yours:
//
//   std::cout << rp::check_cell(MyCell<double>{{3, 4}, rng});      // throws check_error, with the same text, if one fails
//
// The cell is checked as the recurrent layer of it: check_layer.hpp says how.

#include <reprise/check/check_layer.hpp>
#include <reprise/layers/recurrent.hpp>

namespace reprise {

/// Proves a cell as check_layer does; with sizes in its type it must besides give what it gives without.
template <Cell C>
CheckReport check_cell(C cell, std::uint64_t seed = 1) {
  static_assert(std::same_as<typename C::Scalar, double>, "check_cell takes a cell over double");
  static_assert(
      requires { typename C::template Rebind<Dual>; },
      "check_cell takes a cell with `template <class S, int I = Dynamic, int H = Dynamic> using Rebind`");
  using Dynamic_ = typename C::template Rebind<double>;
  using Fixed = typename C::template Rebind<double, 3, 4>;

  Rng rng(seed);
  detail::move_a_little(cell, rng);
  CheckReport report;
  detail::check_all(Recurrent<C>(std::move(cell)), rng, report);

  Recurrent<Dynamic_> sized(Sizes{3, 4}, rng);
  detail::move_a_little(sized, rng);
  detail::check_same<Recurrent<Fixed>>(sized, detail::random_given(sized, {4, 2}, rng), report,
                                       "fixed sizes are Dynamic", 1e-14);
  report.require();
  return report;
}

}  // namespace reprise
