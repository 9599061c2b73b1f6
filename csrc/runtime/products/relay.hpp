// Pieces of work, each with a first and a second half: one thread does first halves, another follows it with the
// second.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include <sched.h>

namespace gs {

class Relay {
 public:
  explicit Relay(std::size_t pieces) : pieces_(pieces) {}

  /// Before a run: nothing is done. For the leader.
  void begin() const {
    for (const Piece& piece : pieces_) piece.state.store(open, std::memory_order_relaxed);
  }

  /// Does the first half of a piece, by work(), if nobody has begun it; whether it did.
  template <class Work> bool first(std::size_t piece, const Work& work) const {
    std::atomic<int>& state = pieces_[piece].state;
    int expected = open;
    if (!state.compare_exchange_strong(expected, begun, std::memory_order_acq_rel)) return false;
    work();
    state.store(done, std::memory_order_release);
    return true;
  }

  /// Returns when it is done: does it here if nobody has begun it, so that nobody waits for a thread that sleeps.
  template <class Work> void after_first(std::size_t piece, const Work& work) const {
    if (first(piece, work)) return;
    for (int spins = 0; pieces_[piece].state.load(std::memory_order_acquire) != done; ++spins) {
      if (spins > 2000) sched_yield();
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
  }

 private:
  enum { open, begun, done };
  struct Piece {
    alignas(64) mutable std::atomic<int> state{open};
  };
  const std::vector<Piece> pieces_;
};

}  // namespace gs
