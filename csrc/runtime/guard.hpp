// Who may use weights now: one thread that changes them, or several that read them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gs {

enum class Use { read, change };

/// A lock that threads get in the order in which they asked for it, so that nobody starves; neighbours in the queue
/// that only read get it together. A thread that has it may enter again, but not to change what it reads. A child of
/// fork() keeps what its own thread changes and nothing else.
///
/// Waiting is in pieces, since whoever waits may have to look after other things too (signals).
class Guard {
 public:
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;

  /// A thread in the queue.
  struct Waiter {
    Use use;
    std::thread::id thread = std::this_thread::get_id();
    bool granted = false;
    std::condition_variable wake{};
  };

  /// Takes the lock if nobody is in the way; else false.
  bool enter(Use use);
  /// Takes the lock, or puts the waiter, which must live until it is granted or gives up, into the queue.
  void queue(Waiter& waiter);
  /// Whether the waiter has got the lock, after at most this long.
  bool wait(Waiter& waiter, std::chrono::milliseconds time);
  /// Takes the waiter out of the queue, or gives back what it has got.
  void give_up(Waiter& waiter);
  void leave();

  /// Whether somebody waits: who holds the lock for long should let go of it when nothing is half done.
  bool contended() const { return waiting_.load(std::memory_order_relaxed) > 0; }

  /// The lock that stands for this one since `join`.
  static std::shared_ptr<Guard> root(std::shared_ptr<Guard> guard);
  /// From now on both are one lock: for weights of models that share some. One thread at a time joins, or asks for
  /// root.
  static void join(const std::shared_ptr<Guard>& a, const std::shared_ptr<Guard>& b);
  bool joined() const { return joined_ != nullptr; }

 private:
  friend class Guards;
  struct State {
    std::mutex mutex{};
    std::thread::id owner{};  // who changes, or nobody
    std::size_t depth = 0;    // how often it has entered
    std::vector<std::thread::id> readers{};
    std::deque<Waiter*> queue{};
  };
  bool enter_locked(Use use, std::thread::id thread);
  void grant();
  void forked();

  State* state_;  // replaced in a child of fork()
  std::atomic<std::size_t> waiting_{0};
  std::shared_ptr<Guard> joined_;
};

}  // namespace gs
