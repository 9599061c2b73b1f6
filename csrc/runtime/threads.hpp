// Threads: the only ones, and the only place that asks OpenMP how many.
//
// A team is one thread that leads, and runs the program, and others that help. Work comes in stages, and a stage in
// chunks. The leader publishes a stage with a share of its chunks for everybody. A thread claims the chunks of its own
// share, the same ones in each step, whose data it then has in its cache; when there are none left, those at the far
// end of others' shares. The stage ends when its chunks are done: nobody waits for a thread that holds no chunk, so a
// thread that the system has put to sleep delays nothing but what it had begun. How work is cut never depends on the
// number of threads, so neither do results.
//
// A stage that takes long may be cancelled, where the leader says that this leaves nothing half done: chunks that
// nobody has begun are then passed over, and those at work may end early.
//
// Helpers are threads of our own, which sleep between runs of a team (runtime/threads.cpp). A team begins without
// waiting for them to wake and ends without waiting for them to leave; no other library's pool is in its way, and a
// child of fork() makes new ones.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <sched.h>

#include "runtime/cancel.hpp"
#include "runtime/subnormals.hpp"

namespace gs {

/// Threads that a team may have: set_num_threads, else what OpenMP says (OMP_NUM_THREADS, affinity, threadpoolctl); but
/// no more than four for each processor, or 16.
int get_num_threads();
/// The same for work of so many chunks, and within a ThreadLimit.
int threads_for(std::size_t chunks);
/// 0 goes back to what OpenMP says.
void set_num_threads(int threads);
/// So many, but no more than a team may have at all.
int admitted_threads(int threads);

/// While one lives, `threads_for` gives this thread no more: what it does is a part of other work.
class ThreadLimit {
 public:
  explicit ThreadLimit(int most) : before_(std::exchange(most_, most)) {}
  ~ThreadLimit() { most_ = before_; }
  ThreadLimit(const ThreadLimit&) = delete;

  static int most() { return most_; }

 private:
  inline static thread_local int most_ = std::numeric_limits<int>::max();
  const int before_;
};

class ThreadTeam {
 public:
  /// Calls lead(team), on this thread; what it throws is thrown on. Inside, subnormals count as 0. One team at a time
  /// has helpers: a second one, of another thread that calls this meanwhile, works alone.
  template <class Lead> static void run(int threads, Lead&& lead) {
    const FlushSubnormals flush;
    if (threads == 1) {
      ThreadTeam alone(1);
      lead(alone);
      return;
    }
    // Shared, for a helper may still look at it when the leader is long gone.
    const std::shared_ptr<ThreadTeam> team(new ThreadTeam(threads));
    const Lent lent(team);
    lead(*team);
  }

  /// Calls work(chunk, thread) once for each chunk in [0, chunks), on any thread in any order; returns when all are
  /// done. For the leader only. work must not throw. At most 2^24 - 2 chunks. While there is a Cancellable, throws
  /// Cancelled if not all chunks were done.
  template <class Work> void stage(std::size_t chunks, const Work& work) {
    run_stage(chunks, &work, [](const void* context, std::size_t chunk, int thread) {
      (*static_cast<const Work*>(context))(chunk, thread);
    });
  }

  /// While one lives, the team's stages may be cancelled by this thread's CancelPoll.
  class Cancellable {
   public:
    explicit Cancellable(ThreadTeam& team) : team_(team), before_(team.cancellable_) { team.cancellable_ = team.poll_; }
    ~Cancellable() { team_.cancellable_ = before_; }
    Cancellable(const Cancellable&) = delete;

   private:
    ThreadTeam& team_;
    const bool before_;
  };

  /// While one lives, nothing is cancelled: some of what belongs together has been done.
  class Whole {
   public:
    explicit Whole(ThreadTeam& team) : team_(team), poll_(std::exchange(team.poll_, nullptr)) {}
    ~Whole() { team_.poll_ = poll_; }
    Whole(const Whole&) = delete;

   private:
    ThreadTeam& team_;
    CancelPoll* const poll_;
  };

  /// Throws Cancelled if all is to end now; to be called between pieces of work that are whole.
  void poll() {
    if (poll_ && is_cancelled(true)) throw Cancelled();
  }

  /// Whether what this thread does for a team is cancelled, so that it may be left undone. For chunks that take long.
  static bool is_cancelled() { return at_work_ && at_work_->team && at_work_->team->is_cancelled(at_work_->leads); }

  int threads() const { return threads_; }

 private:
  using Call = void (*)(const void* context, std::size_t chunk, int thread);
  void run_stage(std::size_t chunks, const void* context, Call call);
  void run_chunks(std::size_t chunks, const void* context, Call call);

  // The chunks of a share not yet claimed are [begin, end). The stage's number in the upper 16 bits, then end and
  // begin, 24 bits each, in one word, so that a late thread can claim from the stage that is open or from none.
  static constexpr std::uint64_t over = ~std::uint64_t(0), one = 1, mask = (one << 24) - 1;
  struct Share {
    alignas(64) std::atomic<std::uint64_t> claim{0};
    alignas(64) std::atomic<std::size_t> done{0};  // chunks, of any share, that this thread has done
  };

  explicit ThreadTeam(int threads) : threads_(threads), shares_(std::size_t(threads)), poll_(CancelPoll::current()) {}

  /// Whose chunk this thread is at, if that may be cancelled.
  struct AtWork {
    AtWork(ThreadTeam* team, bool leads) : team(team), leads(leads), before(at_work_) { at_work_ = this; }
    ~AtWork() { at_work_ = before; }
    AtWork(const AtWork&) = delete;
    ThreadTeam* const team;
    const bool leads;
    AtWork* const before;
  };
  inline static thread_local AtWork* at_work_ = nullptr;

  // The leader asks; what that runs is no part of the work.
  bool is_cancelled(bool leads) {
    if (!leads || cancelled_.load(std::memory_order_relaxed)) return cancelled_.load(std::memory_order_relaxed);
    const AtWork elsewhere(nullptr, false);
    if (!(*poll_)()) return false;
    cancelled_.store(true, std::memory_order_relaxed);
    return true;
  }

  /// The pool's helpers, for as long as this lives.
  class Lent {
   public:
    explicit Lent(const std::shared_ptr<ThreadTeam>& team);
    ~Lent();
    Lent(const Lent&) = delete;

   private:
    ThreadTeam& team_;
  };
  friend class HelperPool;

  void publish(std::size_t chunks, const void* context, Call call) {
    context_.store(context, std::memory_order_relaxed);
    call_.store(call, std::memory_order_relaxed);
    for (Share& share : shares_) share.done.store(0, std::memory_order_relaxed);
    ++stage_;
    for (std::size_t t = shares_.size(); t-- > 0;) {
      const std::uint64_t begin = chunks * t / shares_.size(), end = chunks * (t + 1) / shares_.size();
      shares_[t].claim.store(stage_ << 48 | end << 24 | begin, std::memory_order_release);
    }
    work(0);
    for (int spins = 0; done() != chunks; ++spins) {
      wait(spins);
      if (cancellable_ && spins % 256 == 255) is_cancelled(true);
    }
  }

  std::size_t done() const {
    std::size_t sum = 0;
    for (const Share& share : shares_) sum += share.done.load(std::memory_order_acquire);
    return sum;
  }

  void dismiss() {
    for (Share& share : shares_) share.claim.store(over, std::memory_order_release);
  }

  void help(int thread) {
    std::uint64_t seen = 0;
    for (int spins = 0;; ++spins) {
      const std::uint64_t claim = shares_[std::size_t(thread)].claim.load(std::memory_order_acquire);
      if (claim == over) return;
      if (claim >> 48 != seen) {
        seen = claim >> 48;
        work(thread);
        spins = 0;
      } else {
        wait(spins);
      }
    }
  }

  // Does what is left of its own share, then of the others'.
  void work(int thread) {
    const std::size_t own = std::size_t(thread), all = shares_.size();
    for (std::size_t i = 0; i < all; ++i) {
      std::atomic<std::uint64_t>& word = shares_[(own + i) % all].claim;
      std::uint64_t claim = word.load(std::memory_order_acquire);
      for (;;) {
        const std::uint64_t begin = claim & mask, end = claim >> 24 & mask;
        if (begin == end) break;  // `over` too
        const std::uint64_t next = i == 0 ? claim + 1 : claim - (one << 24);
        if (word.compare_exchange_weak(claim, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
          // We hold a chunk, so this stage stays open and these are its own.
          const Call call = call_.load(std::memory_order_relaxed);
          call(context_.load(std::memory_order_relaxed), i == 0 ? begin : end - 1, thread);
          shares_[own].done.fetch_add(1, std::memory_order_acq_rel);
          claim = word.load(std::memory_order_acquire);
        }
      }
    }
  }

  // A stage is a few microseconds away: spin; but give the core up to whoever needs it if it takes longer.
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
  std::uint64_t stage_ = 0;
  std::vector<Share> shares_;  // (thread)
  alignas(64) std::atomic<const void*> context_{nullptr};
  std::atomic<Call> call_{nullptr};
  CancelPoll* poll_;  // of the leader
  bool cancellable_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace gs
