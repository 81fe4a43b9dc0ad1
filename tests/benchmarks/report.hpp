#pragma once
// What was measured, as tables in markdown for people and as CSV for chart.py.

#include "rows.hpp"

#include <iosfwd>

namespace benchmark {

struct Measured {
  std::string group, name;
  Row row;
  std::vector<Timing> timings;  // of each candidate
};

/// One group as a table. GFLOP/s, the share of the peak and the ratios are those of the fastest of ours.
/// `peak`: operations per second of all cores in use.
void print_table(std::ostream& out, const std::vector<Measured>& rows, double peak);

void print_csv_head(std::ostream& out);
void print_csv(std::ostream& out, const Measured& row, double peak, int threads);

}  // namespace benchmark
