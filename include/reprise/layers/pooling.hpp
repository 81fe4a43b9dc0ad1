#pragma once
// One vector for a whole record, from the outputs y_1 .. y_T of a layer: many-to-one (Goodfellow et al., figure 10.5).
//
//   Last   q = y_T        of rows that run backward in time (Bidirectional) y_1: what each direction ends with
//   Mean   q = (y_1 + ... + y_T) / T
//   Max    q_k = the largest of y_1,k .. y_T,k, the first of equals
//
//   y (outputs, columns), in the order of the layout     q (outputs, records), in the caller's order; 0 for a record without steps
//
// Backward adds to dy what dq is worth there.

#include <reprise/core/layer.hpp>

namespace reprise {

namespace detail {
// How many of the last rows of a layer's output run from the last step to the first.
Index reversed_rows(const auto& layer) {
  if constexpr (requires { layer.reversed_rows(); })
    return layer.reversed_rows();
  else
    return 0;
}
}  // namespace detail

struct Last {
  static void forward(const auto& y, const Layout& layout, Index reversed, auto&& q) {
    each(y.rows(), layout, reversed, [&](Index record, Index row, Index rows, Index column) {
      q.col(record).segment(row, rows) = y.col(column).segment(row, rows);
    });
    zero_empty(layout, q);
  }
  static void backward(const auto& /*y*/, const Layout& layout, Index reversed, const auto& dq, auto&& dy) {
    each(dy.rows(), layout, reversed, [&](Index record, Index row, Index rows, Index column) {
      dy.col(column).segment(row, rows) += dq.col(record).segment(row, rows);
    });
  }

  static void zero_empty(const Layout& layout, auto&& q) {
    for (Index r = 0; r < layout.batch(); ++r)
      if (layout.length(r) == 0) q.col(r).setZero();
  }

 private:
  static void each(Index rows, const Layout& layout, Index reversed, const auto& visit) {
    for (Index r = 0; r < layout.batch(); ++r) {
      if (layout.length(r) == 0) continue;
      visit(r, Index{0}, rows - reversed, layout.offset(layout.length(r) - 1) + layout.slot(r));
      visit(r, rows - reversed, reversed, layout.offset(0) + layout.slot(r));
    }
  }
};

struct Mean {
  static void forward(const auto& y, const Layout& layout, Index /*reversed*/, auto&& q) {
    using Scalar = typename std::remove_cvref_t<decltype(q)>::Scalar;
    for (Index r = 0; r < layout.batch(); ++r) {
      q.col(r).setZero();
      for (Index t = 0; t < layout.length(r); ++t) q.col(r) += y.col(layout.offset(t) + layout.slot(r));
      if (layout.length(r) != 0) q.col(r) *= Scalar(1) / Scalar(static_cast<double>(layout.length(r)));
    }
  }
  static void backward(const auto& /*y*/, const Layout& layout, Index /*reversed*/, const auto& dq, auto&& dy) {
    using Scalar = typename std::remove_cvref_t<decltype(dq)>::Scalar;
    for (Index r = 0; r < layout.batch(); ++r)
      for (Index t = 0; t < layout.length(r); ++t)
        dy.col(layout.offset(t) + layout.slot(r)) +=
            dq.col(r) * (Scalar(1) / Scalar(static_cast<double>(layout.length(r))));
  }
};

struct Max {
  static void forward(const auto& y, const Layout& layout, Index /*reversed*/, auto&& q) {
    each(y, layout, [&](Index row, Index record, Index column) { q(row, record) = y(row, column); });
    Last::zero_empty(layout, q);
  }
  static void backward(const auto& y, const Layout& layout, Index /*reversed*/, const auto& dq, auto&& dy) {
    each(y, layout, [&](Index row, Index record, Index column) { dy(row, column) += dq(row, record); });
  }

 private:
  // Where the largest is.
  static void each(const auto& y, const Layout& layout, const auto& visit) {
    for (Index r = 0; r < layout.batch(); ++r) {
      if (layout.length(r) == 0) continue;
      for (Index row = 0; row < y.rows(); ++row) {
        Index best = layout.slot(r);
        for (Index t = 1; t < layout.length(r); ++t) {
          const Index column = layout.offset(t) + layout.slot(r);
          if (y(row, best) < y(row, column)) best = column;
        }
        visit(row, r, best);
      }
    }
  }
};

}  // namespace reprise
