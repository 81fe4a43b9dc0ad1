#pragma once
// Teacher forcing (Goodfellow et al., section 10.2.1): what a model of sequences reads before each step is what came before it in
// the data, whatever it would have said itself.
//
//   previous   begin, y_1, .., y_T
//   target     y_1, .., y_T, end

#include <reprise/core/sequence.hpp>

namespace reprise {

struct TeacherForcing {
  Sequence<int> previous, target;
};

inline TeacherForcing teacher_forcing(const std::vector<std::vector<int>>& records, int begin, int end) {
  std::vector<std::vector<int>> previous = records, target = records;
  for (auto& record : previous) record.insert(record.begin(), begin);
  for (auto& record : target) record.push_back(end);
  return {Sequence<int>(previous), Sequence<int>(target)};
}

}  // namespace reprise
