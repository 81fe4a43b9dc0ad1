#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <ostream>

namespace benchmark {
namespace {

// Three significant digits, never in exponents.
std::string number(double value) {
  char text[32];
  const int decimals = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string difference(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

bool is_ours(const std::string& name) { return name.starts_with("reprise"); }

// The fastest of ours, of those that compute the same as the peers.
std::size_t best(const Measured& m) {
  std::size_t b = 0;
  for (std::size_t i = 1; i < m.timings.size(); ++i)
    if (is_ours(m.row.candidates[i].name) && !m.row.candidates[i].approximate &&
        m.timings[i].median < m.timings[b].median)
      b = i;
  return b;
}

double share(const Measured& m, std::size_t i, double peak) {
  const Candidate& c = m.row.candidates[i];
  return c.flops / m.timings[i].median / (c.doubles ? peak / 2 : peak);
}

const Timing* timing_of(const Measured& m, const std::string& name) {
  for (std::size_t i = 0; i < m.row.candidates.size(); ++i)
    if (m.row.candidates[i].name == name) return &m.timings[i];
  return nullptr;
}

}  // namespace

void print_table(std::ostream& out, const std::vector<Measured>& rows, double peak) {
  std::vector<std::string> names;
  for (const Measured& m : rows)
    for (const Candidate& c : m.row.candidates)
      if (std::ranges::find(names, c.name) == names.end()) names.push_back(c.name);
  std::vector<std::string> peers;
  std::ranges::copy_if(names, std::back_inserter(peers), [](const std::string& name) { return !is_ours(name); });

  const Unit unit = unit_of(rows.front().group);
  out << "\n## " << rows.front().group << "\n\n| " << unit.name << " |";
  for (const std::string& name : names) out << ' ' << name << " |";
  out << " GFLOP/s | of peak |";
  for (const std::string& peer : peers) out << " ours / " << peer << " |";
  const bool approximate = rows.front().row.approximation > 0;
  out << " difference |" << (approximate ? " of bfloat16 |" : "") << "\n|---|";
  for (std::size_t i = 0; i < names.size() + peers.size() + (approximate ? 4 : 3); ++i) out << "--:|";
  out << '\n';

  for (const Measured& m : rows) {
    out << "| " << m.name << " |";
    for (const std::string& name : names) {
      const Timing* t = timing_of(m, name);
      out << ' ' << (t ? number(t->median * unit.per_second) : "") << " |";
    }
    const std::size_t ours = best(m);
    out << ' ' << number(m.row.candidates[ours].flops / m.timings[ours].median * 1e-9) << " | "
        << number(100 * share(m, ours, peak)) << " % |";
    for (const std::string& peer : peers) {
      const Timing* t = timing_of(m, peer);
      out << ' ' << (t ? number(m.timings[ours].median / t->median) : "") << " |";
    }
    out << ' ' << difference(m.row.difference) << " |";
    if (approximate) out << ' ' << difference(m.row.approximation) << " |";
    out << '\n';
  }
  out.flush();
}

void print_csv_head(std::ostream& out) {
  out << "group,row,candidate,threads,unit,median,fastest,rounds,gflops,share_of_peak,ours_over_this,difference\n";
}

void print_csv(std::ostream& out, const Measured& m, double peak, int threads) {
  const Unit unit = unit_of(m.group);
  for (std::size_t i = 0; i < m.timings.size(); ++i) {
    const Candidate& c = m.row.candidates[i];
    const Timing& t = m.timings[i];
    out << m.group << ',' << m.name << ',' << c.name << ',' << threads << ',' << unit.name << ','
        << t.median * unit.per_second << ',' << t.fastest * unit.per_second << ',' << t.rounds << ','
        << c.flops / t.median * 1e-9 << ',' << share(m, i, peak) << ',' << m.timings[best(m)].median / t.median << ','
        << m.row.difference << '\n';
  }
  out.flush();
}

}  // namespace benchmark
