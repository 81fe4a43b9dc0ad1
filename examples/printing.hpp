#pragma once
// Times and numbers as the programs show them.

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>
#include <string>

namespace printing {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline std::string fixed(double value, int digits) {
  return (std::ostringstream() << std::fixed << std::setprecision(digits) << value).str();
}

inline std::string minutes_and_seconds(double seconds) {
  const int whole = std::max(0, static_cast<int>(seconds + 0.5));
  return std::to_string(whole / 60) + ":" + (whole % 60 < 10 ? "0" : "") + std::to_string(whole % 60);
}

}  // namespace printing
