// Threads: the only OpenMP.
//
// A crew is one parallel region. One thread leads it and runs the program; the others help. Work comes in phases, and
// a phase in chunks. The leader publishes a phase, everybody claims chunks from one counter, and the phase ends when
// its chunks are done: nobody waits for a thread that holds no chunk, so a thread that the system has put to sleep
// delays nothing but what it had begun. Chunks' borders never depend on the number of threads, so neither do results.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

#include <omp.h>
#include <sched.h>

#include "engine/subnormals.hpp"

namespace gs {

/// Threads that a crew may have: set_num_threads, else what OpenMP says (OMP_NUM_THREADS, affinity, threadpoolctl).
int get_num_threads();
/// 0 goes back to what OpenMP says.
void set_num_threads(int threads);

class Crew {
 public:
  /// Calls lead(crew) on one of `threads` threads; returns when it has. What lead throws is thrown on. Inside,
  /// subnormals count as 0.
  template <class Lead> static void gather(int threads, Lead&& lead) {
    Crew crew(threads);
    std::exception_ptr failure;
    // A region of one thread does not touch OpenMP's pool, which does not survive fork().
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      const FlushSubnormals flush;
      if (omp_get_thread_num() == 0) {
        try {
          lead(crew);
        } catch (...) {
          failure = std::current_exception();
        }
        crew.dismiss();
      } else {
        crew.help(omp_get_thread_num());
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

  /// Calls work(chunk, thread) once for each chunk in [0, chunks), on any thread in any order; returns when all are
  /// done. For the leader only. work must not throw. At most 2^24 - 2 chunks.
  template <class Work> void phase(std::size_t chunks, const Work& work) {
    if (threads_ == 1 || chunks <= 1) {
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) work(chunk, 0);
      return;
    }
    publish(chunks, &work, [](const void* context, std::size_t chunk, int thread) {
      (*static_cast<const Work*>(context))(chunk, thread);
    });
  }

  int threads() const { return threads_; }

 private:
  using Call = void (*)(const void* context, std::size_t chunk, int thread);

  static constexpr std::uint64_t over = ~std::uint64_t(0);

  explicit Crew(int threads) : threads_(threads) {}

  void publish(std::size_t chunks, const void* context, Call call) {
    context_.store(context, std::memory_order_relaxed);
    call_.store(call, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    claim_.store(++phase_ << 48 | std::uint64_t(chunks) << 24, std::memory_order_release);
    work(0);
    for (int spins = 0; done_.load(std::memory_order_acquire) != chunks; ++spins) wait(spins);
  }

  void dismiss() { claim_.store(over, std::memory_order_release); }

  void help(int thread) {
    std::uint64_t seen = 0;
    for (int spins = 0;; ++spins) {
      const std::uint64_t claim = claim_.load(std::memory_order_acquire);
      if (claim == over) return;
      if (claim >> 48 != seen) {
        seen = work(thread);
        spins = 0;
      } else {
        wait(spins);
      }
    }
  }

  // Claims and does chunks of the phase now open until none is left; returns its number. Every other thread begins at
  // the far end: from phase to phase, and step to step, two threads then find in their caches what they had before.
  std::uint64_t work(int thread) {
    constexpr std::uint64_t mask = (1 << 24) - 1, one = 1;
    std::uint64_t claim = claim_.load(std::memory_order_acquire);
    for (;;) {
      const std::uint64_t low = claim & mask, high = claim >> 24 & mask;
      if (claim == over) return 0;
      if (low == high) return claim >> 48;
      const bool far = thread % 2;
      const std::uint64_t next = far ? claim - (one << 24) : claim + 1;
      if (claim_.compare_exchange_weak(claim, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        // We hold a chunk, so this phase stays open and these are its own.
        call_.load(std::memory_order_relaxed)(context_.load(std::memory_order_relaxed), far ? high - 1 : low, thread);
        done_.fetch_add(1, std::memory_order_acq_rel);
        claim = claim_.load(std::memory_order_acquire);
      }
    }
  }

  // A phase is a few microseconds away: spin; but give the core up to whoever needs it if it takes longer.
  static void wait(int spins) {
    if (spins < 2000) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    } else {
      sched_yield();
    }
  }

  const int threads_;
  std::uint64_t phase_ = 0;
  // The phase's number in the upper 16 bits, then where the chunks not yet claimed end and begin, 24 bits each: one
  // word, so that a late thread can claim from the phase that is open or from none.
  alignas(64) std::atomic<std::uint64_t> claim_{0};
  alignas(64) std::atomic<std::size_t> done_{0};
  alignas(64) std::atomic<const void*> context_{nullptr};
  std::atomic<Call> call_{nullptr};
};

}  // namespace gs
