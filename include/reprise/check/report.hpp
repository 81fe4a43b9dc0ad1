#pragma once
// What a check found: a line for each thing compared.

#include <reprise/core/module.hpp>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <string>
#include <vector>

namespace reprise {

/// Thrown by a check that fails; the message is the whole report.
struct check_error : std::logic_error {
  using std::logic_error::logic_error;
};

struct CheckReport {
  struct Line {
    std::string name;
    double error;      // the largest difference, relative to the largest entry, or absolute where that is below 1
    double tolerance;  // what it may be
    bool passed() const { return error <= tolerance; }  // false for nan, too
  };
  std::vector<Line> lines;

  bool passed() const { return std::ranges::all_of(lines, &Line::passed); }

  /// Compares two matrices and adds a line, or to the line of that name if there is one.
  template <class A, class B>
  void compare(const std::string& name, const A& actual, const B& expected, double tolerance) {
    double error = std::numeric_limits<double>::infinity();
    if (actual.rows() == expected.rows() && actual.cols() == expected.cols()) {
      error = 0;
      const double scale = expected.size() == 0 ? 1.0 : std::max(1.0, largest(expected));
      for (Index j = 0; j < expected.cols(); ++j)
        for (Index i = 0; i < expected.rows(); ++i) {
          const double difference = std::abs(double(actual(i, j)) - double(expected(i, j))) / scale;
          error = difference <= error ? error : difference;  // nan stays
        }
    }
    add(name, error, tolerance);
  }

  /// The same for every parameter of two modules, as one line.
  template <Module A, Module B>
  void compare_modules(const std::string& name, const A& actual, const B& expected, double tolerance) {
    for_each_parameter([&](const auto& p, const auto& q) { compare(name, p, q, tolerance); }, actual, expected);
  }

  void add(const std::string& name, double error, double tolerance) {
    const auto line = std::ranges::find(lines, name, &Line::name);
    if (line == lines.end())
      lines.push_back({name, error, tolerance});
    else if (!(error <= line->error))
      line->error = error;
  }

  /// Throws check_error unless everything passed.
  void require() const {
    if (passed()) return;
    std::ostringstream text;
    text << "the check failed\n" << *this;
    throw check_error(std::move(text).str());
  }

  friend std::ostream& operator<<(std::ostream& out, const CheckReport& report) {
    for (const Line& line : report.lines)
      out << (line.passed() ? "  ok    " : "  FAIL  ") << std::left << std::setw(48) << line.name << " error "
          << std::scientific << std::setprecision(1) << line.error << ", at most " << line.tolerance << "\n"
          << std::defaultfloat << std::setprecision(6);
    return out;
  }

 private:
  template <class M>
  static double largest(const M& matrix) {
    double most = 0;
    for (Index j = 0; j < matrix.cols(); ++j)
      for (Index i = 0; i < matrix.rows(); ++i) most = std::max(most, std::abs(double(matrix(i, j))));
    return most;
  }
};

}  // namespace reprise
