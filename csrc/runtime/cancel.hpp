// Work that takes long may be cancelled: the thread that leads it asks now and then whether it should be.
#pragma once

#include <chrono>
#include <exception>

#include "runtime/subnormals.hpp"

namespace gs {

/// Thrown where work was cancelled: what it was to write is in part not written.
struct Cancelled : std::exception {
  const char* what() const noexcept override { return "cancelled"; }
};

/// While one lives, work that this thread leads calls `ask` about every `interval`, where it can be left: from then on
/// where `ask` says so, it is cancelled. Without one nothing is.
class CancelPoll {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds interval{25};

  /// ask: null if there is nobody to ask.
  explicit CancelPoll(bool (*ask)()) : ask_(ask), before_(current_) { current_ = ask ? this : nullptr; }
  ~CancelPoll() { current_ = before_; }
  CancelPoll(const CancelPoll&) = delete;

  /// The newest of this thread; null if there is none.
  static CancelPoll* current() { return current_; }

  /// Whether to cancel. Asks if it was not asked for an interval; what it runs then begins work of its own.
  bool operator()() {
    const auto now = Clock::now();
    if (now - asked_ < interval) return false;
    const CancelPoll nothing(nullptr);
    const FlushSubnormals usual(false);
    const bool cancelled = ask_();
    asked_ = Clock::now();
    return cancelled;
  }

 private:
  inline static thread_local CancelPoll* current_ = nullptr;
  bool (*const ask_)();
  CancelPoll* const before_;
  Clock::time_point asked_ = Clock::now();
};

}  // namespace gs
