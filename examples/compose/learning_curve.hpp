#pragma once

// The learning curve: bits per character, on the tunes trained on and on tunes held out, epoch by
// epoch.

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "../html.hpp"
#include "../svg.hpp"

namespace compose {

using namespace markup;

struct CurvePoint {
  double epoch = 0;
  double minutes = 0;
  double train_bits = 0;
  double held_out_bits = 0;
};

namespace detail {

/// 1, 2 or 5 times a power of ten, so that about `count` steps make the range.
inline double tick_step(double range, int count) {
  const double rough = range / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

/// A range of values along a stretch of the drawing.
struct Axis {
  double low, high;    // values
  double start, stop;  // where they are drawn
  double step;         // between ticks

  double at(double value) const { return start + (value - low) / (high - low) * (stop - start); }
  std::string label(double value) const {
    return number(value, std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9))));
  }
};

inline std::string curve_path(std::string_view css, const std::vector<CurvePoint>& points, double CurvePoint::*bits,
                              const Axis& x, const Axis& y) {
  std::string path;
  for (const CurvePoint& point : points)
    path += (path.empty() ? "M" : "L") + number(x.at(point.epoch)) + " " + number(y.at(point.*bits));
  return "<path class=\"" + std::string{css} + "\" d=\"" + path + "\"/>";
}

}  // namespace detail

/// Nothing unless it spans some time, and all of it is finite.
inline std::string learning_curve(const std::vector<CurvePoint>& points) {
  const auto finite = [](const CurvePoint& p) {
    return std::isfinite(p.epoch) && std::isfinite(p.train_bits) && std::isfinite(p.held_out_bits);
  };
  if (points.empty() || !std::ranges::all_of(points, finite)) return "";
  if (points.back().epoch <= points.front().epoch) return "";

  constexpr double width = 680, height = 336;
  double lowest = points[0].train_bits, highest = lowest;
  for (const CurvePoint& p : points) {
    lowest = std::min({lowest, p.train_bits, p.held_out_bits});
    highest = std::max({highest, p.train_bits, p.held_out_bits});
  }
  const double y_step = detail::tick_step(std::max(highest - lowest, 0.1), 5);
  const detail::Axis y{std::floor(lowest / y_step) * y_step, std::ceil(highest / y_step) * y_step, height - 48, 30,
                       y_step};
  const double first = points.front().epoch, last = points.back().epoch;
  const detail::Axis x{first, last, 52, width - 152, std::max(1.0, detail::tick_step(last - first, 6))};

  std::string drawing;
  for (double bits = y.low; bits < y.high + y_step / 2; bits += y_step) {
    drawing += svg_line("grid", x.start, y.at(bits), x.stop, y.at(bits));
    drawing += svg_text("label", x.start - 10, y.at(bits) + 4, "end", y.label(bits));
  }
  for (double epoch = std::ceil(first / x.step) * x.step; epoch <= last + 1e-9; epoch += x.step)
    drawing += svg_text("label", x.at(epoch), y.start + 20, "middle", x.label(epoch));
  const double minutes = points.back().minutes;
  const std::string time = minutes > 0 ? ", " + number(minutes, 0) + " minutes in all" : "";
  drawing += svg_text("label", 4, 12, "start", "bits per character");
  drawing += svg_text("label", (x.start + x.stop) / 2, height - 6, "middle", "epoch" + time);
  drawing += detail::curve_path("curve train", points, &CurvePoint::train_bits, x, y);
  drawing += detail::curve_path("curve held-out", points, &CurvePoint::held_out_bits, x, y);

  const CurvePoint& end = points.back();
  double train = y.at(end.train_bits), held_out = y.at(end.held_out_bits);
  const double apart = 22;  // or the names would overlap
  if (std::abs(train - held_out) < apart) {
    const double middle = (train + held_out) / 2;
    const double sign = held_out < train ? -1 : 1;
    held_out = middle + sign * apart / 2;
    train = middle - sign * apart / 2;
  }
  drawing += svg_text("name train", x.stop + 10, train + 4, "start", "train " + number(end.train_bits, 2));
  drawing += svg_text("name held-out", x.stop + 10, held_out + 4, "start", "held out " + number(end.held_out_bits, 2));
  return svg(width, height, "Bits per character against epoch, train and held out", drawing);
}

}  // namespace compose
