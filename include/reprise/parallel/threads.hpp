#pragma once
// A loop over parts of a work, on several threads.

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace reprise {

/// work(parts[i], i) for every i, thread t of `threads` doing i = t, t + threads, ...; the caller is thread 0. All have
/// ended when it returns; it rethrows what was thrown for the smallest i.
template <class Parts, class Work>
void for_each_part(int threads, Parts& parts, const Work& work) {
  const int count = static_cast<int>(parts.size());
  threads = std::clamp(threads, 1, std::max(count, 1));
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(count));
  const auto run = [&](int thread) {
    for (int i = thread; i < count; i += threads) try {
        work(parts[static_cast<std::size_t>(i)], i);
      } catch (...) {
        thrown[static_cast<std::size_t>(i)] = std::current_exception();
      }
  };
  {
    struct Joined {
      std::vector<std::thread> threads;
      ~Joined() {
        for (auto& thread : threads) thread.join();
      }
    } others;
    for (int thread = 1; thread < threads; ++thread) others.threads.emplace_back(run, thread);
    run(0);
  }
  for (const auto& exception : thrown)
    if (exception) std::rethrow_exception(exception);
}

}  // namespace reprise
