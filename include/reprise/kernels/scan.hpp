#pragma once
// Linear recurrences over a run of steps of a ragged batch (core/sequence.hpp):
//
//   s_t = f_t * s_{t-1} + v_t        entry by entry; f_t, v_t and s_t (rows, running(t))
//
// The records of step t are the first of those of step t-1. As the composition of affine maps is one again, time can be
// cut into blocks (Blelloch, "Prefix sums and their applications", 1990, section 1.4): each is scanned from zero,
// together with the product F_t of its f so far, and then takes what the block before it ended with,
//
//   s_t = local_t + F_t * carry.
//
// Blocks do not wait for each other but for that last line, which has no chain in it; the price is three
// multiplications instead of one.

#include <reprise/core/sequence.hpp>
#include <reprise/kernels/elementwise.hpp>

namespace reprise {

/// What the entries of f, v and s are. They say how a step multiplies: sum += f * s, and f *= before.
struct RealNumbers {
  static void add_product(auto&& sum, const auto& f, const auto& s) {
    elementwise([](auto& sum_, const auto& f_, const auto& s_) { sum_ = sum_ + f_ * s_; }, sum, f, s);
  }
  static void multiply(auto&& f, const auto& before) {
    elementwise([](auto& f_, const auto& b) { f_ = f_ * b; }, f, before);
  }
};

/// Real parts in the upper half of the rows, imaginary parts in the lower.
struct ComplexNumbers {
  static auto re(auto&& stacked) { return stacked.topRows(stacked.rows() / 2); }
  static auto im(auto&& stacked) { return stacked.bottomRows(stacked.rows() / 2); }

  static void add_product(auto&& sum, const auto& f, const auto& s) {
    elementwise(
        [](auto& sum_re, auto& sum_im, const auto& f_re, const auto& f_im, const auto& s_re, const auto& s_im) {
          sum_re = sum_re + f_re * s_re - f_im * s_im;
          sum_im = sum_im + f_re * s_im + f_im * s_re;
        },
        re(sum), im(sum), re(f), im(f), re(s), im(s));
  }
  static void multiply(auto&& f, const auto& before) {
    elementwise(
        [](auto& f_re, auto& f_im, const auto& b_re, const auto& b_im) {
          const auto product_re = f_re * b_re - f_im * b_im;
          f_im = f_re * b_im + f_im * b_re;
          f_re = product_re;
        },
        re(f), im(f), re(before), im(before));
  }
};

/// Steps first .. end-1 of `layout`, one after another from `start`, s_{t-1} of step `first`. f and s (rows, columns of
/// these steps); s is v when called and s when it returns.
template <class Numbers>
void scan(const Layout& layout, Index first, Index end, const auto& f, auto& s, const auto& start) {
  const auto step = [&](auto& m, Index t, Index count) {
    return m.middleCols(layout.offset(t) - layout.offset(first), count);
  };
  for (Index t = first; t < end; ++t) {
    const Index running = layout.running(t);
    if (t == first)
      Numbers::add_product(step(s, t, running), step(f, t, running), start.leftCols(running));
    else
      Numbers::add_product(step(s, t, running), step(f, t, running), step(s, t - 1, running));
  }
}

/// The same in blocks of `block` steps; only the first knows what it starts with. In the others f becomes F.
template <class Numbers>
void blocked_scan(const Layout& layout, Index first, Index end, Index block, auto& f, auto& s, const auto& start) {
  const auto step = [&](auto& m, Index t, Index count) {
    return m.middleCols(layout.offset(t) - layout.offset(first), count);
  };
  scan<Numbers>(layout, first, std::min(end, first + block), f, s, start);
  for (Index begin = first + block, next; begin < end; begin = next) {
    next = std::min(end, begin + block);
    for (Index t = begin + 1; t < next; ++t) {
      const Index running = layout.running(t);
      Numbers::add_product(step(s, t, running), step(f, t, running), step(s, t - 1, running));
      Numbers::multiply(step(f, t, running), step(f, t - 1, running));
    }
    for (Index t = begin; t < next; ++t) {
      const Index running = layout.running(t);
      Numbers::add_product(step(s, t, running), step(f, t, running), step(s, begin - 1, running));
    }
  }
}

}  // namespace reprise
