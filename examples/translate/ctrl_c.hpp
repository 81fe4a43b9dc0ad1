#pragma once
// Ctrl-C as a question to ask, not the end of the program.

#include <atomic>
#include <csignal>

namespace translate {

/// While it lives, Ctrl-C is only remembered; then it does again what it did before. One at a time.
class CtrlC {
 public:
  CtrlC() {
    pressed_ = false;
    before_ = std::signal(SIGINT, [](int) { pressed_ = true; });
  }
  ~CtrlC() { std::signal(SIGINT, before_); }
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;

  bool pressed() const { return pressed_; }

 private:
  static inline std::atomic<bool> pressed_ = false;
  void (*before_)(int);
};

}  // namespace translate
