#include "runtime/threads.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(_OPENMP)
#include <omp.h>
#endif
#include <pthread.h>
#include <signal.h>

namespace gs {
namespace {

std::atomic<int> asked{0};

/// Lets no signal reach the threads that are begun meanwhile: they are for the interpreter's own.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

using Clock = std::chrono::steady_clock;

/// How long a helper spins before it sleeps: to be woken costs more than a short wait, but a thread that spins takes a
/// core from other libraries' pools. So it spins for long only where several teams in a row have come soon.
class Patience {
 public:
  static constexpr int shortest = 300;  // spins
  static constexpr std::chrono::microseconds longest{60};

  bool is_long() const { return soon_ >= 4; }
  /// The next team came after so long.
  void learn(Clock::duration pause) { soon_ = pause < longest ? std::min(soon_ + 1, 4) : 0; }

 private:
  int soon_ = 0;  // teams in a row
};

/// Threads that help one team after another, and sleep in between.
class HelperPool {
 public:
  static HelperPool& get() { return *current.load(std::memory_order_acquire); }

  void lend(const std::shared_ptr<ThreadTeam>& team) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (team_) return;
      team_ = team;
      for (; helpers_ + 1 < team->threads(); ++helpers_) {
        const NoSignals blocked;
        try {
          std::thread(&HelperPool::live, this, helpers_ + 1).detach();
        } catch (const std::system_error&) {
          break;  // the system gives no more: those there are do the work
        }
      }
      lent_ = Clock::now();
      tickets_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }

  void take_back(const ThreadTeam& team) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (team_.get() == &team) team_.reset();
  }

 private:
  // A child of fork() has none of its parent's threads, and may have a copy of a locked mutex: it gets a new pool.
  // Pools are never destroyed, since their threads end with the process.
  static HelperPool* fresh() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { current.store(new HelperPool); });
    (void)registered;
    return new HelperPool;
  }
  static std::atomic<HelperPool*> current;

  void live(int thread) {
    Patience patience;
    for (std::uint64_t seen = 0;;) {
      if (const std::shared_ptr<ThreadTeam> team = next(seen, patience); team && thread < team->threads()) {
        const FlushSubnormals flush;
        team->help(thread);
      }
    }
  }

  // Whom to help: waits for a team that this thread has not seen yet.
  std::shared_ptr<ThreadTeam> next(std::uint64_t& seen, Patience& patience) {
    const Clock::time_point begin = Clock::now();
    const auto waits_on = [&](int spins) {
      return spins < Patience::shortest || (patience.is_long() && Clock::now() - begin < Patience::longest);
    };
    for (int spins = 0; tickets_.load(std::memory_order_acquire) == seen && waits_on(spins); ++spins)
      ThreadTeam::wait(spins);
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait(lock, [&] { return tickets_.load(std::memory_order_relaxed) != seen; });
    seen = tickets_.load(std::memory_order_relaxed);
    patience.learn(lent_ - begin);
    return team_;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<ThreadTeam> team_;
  std::atomic<std::uint64_t> tickets_{0};  // teams so far
  Clock::time_point lent_{};               // when the last one came
  int helpers_ = 0;
};

std::atomic<HelperPool*> HelperPool::current{HelperPool::fresh()};

void ThreadTeam::run_stage(std::size_t chunks, const void* context, Call call) {
  if (!cancellable_) return run_chunks(chunks, context, call);
  const auto polled = [&](std::size_t chunk, int thread) {
    const AtWork here(this, thread == 0);
    if (!is_cancelled(thread == 0)) call(context, chunk, thread);
  };
  run_chunks(chunks, &polled, [](const void* held, std::size_t chunk, int thread) {
    (*static_cast<decltype(&polled)>(held))(chunk, thread);
  });
  if (cancelled_.load(std::memory_order_relaxed)) throw Cancelled();
}

void ThreadTeam::run_chunks(std::size_t chunks, const void* context, Call call) {
  if (threads_ == 1 || chunks <= 1)
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) call(context, chunk, 0);
  else
    publish(chunks, context, call);
}

ThreadTeam::Lent::Lent(const std::shared_ptr<ThreadTeam>& team) : team_(*team) { HelperPool::get().lend(team); }

ThreadTeam::Lent::~Lent() {
  team_.dismiss();
  HelperPool::get().take_back(team_);
}

namespace {

/// What the user's environment allows. Without OpenMP: OMP_NUM_THREADS, else the processors of this process.
int threads_of_environment() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  static const int allowed = [] {
    const char* const asked = std::getenv("OMP_NUM_THREADS");
    if (const long threads = asked ? std::strtol(asked, nullptr, 10) : 0; threads > 0)
      return int(std::min(threads, long(std::numeric_limits<int>::max())));
#if defined(__linux__)
    cpu_set_t own;
    if (sched_getaffinity(0, sizeof own, &own) == 0) return std::max(1, CPU_COUNT(&own));
#endif
    return std::max(1, int(std::thread::hardware_concurrency()));
  }();
  return allowed;
#endif
}

}  // namespace

int admitted_threads(int threads) {
  // More than the processors gain nothing, but show what depends on their number; thousands use up the machine.
  static const int most = std::max(16, 4 * int(std::thread::hardware_concurrency()));
  return std::min(threads, most);
}

int get_num_threads() {
  const int threads = asked.load();
  return admitted_threads(threads > 0 ? threads : threads_of_environment());
}

int threads_for(std::size_t chunks) {
  const int most = std::min(get_num_threads(), ThreadLimit::most());
  return int(std::clamp<std::size_t>(chunks, 1, std::size_t(most)));
}

void set_num_threads(int threads) { asked.store(threads); }

}  // namespace gs
