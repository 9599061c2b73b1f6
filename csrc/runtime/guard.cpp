#include "runtime/guard.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include <pthread.h>

namespace gs {

/// Every guard there is, for fork(): other threads do not exist in the child, so what they held would stay locked.
class Guards {
 public:
  static Guards& get() {
    static Guards* const all = new Guards;  // never destroyed: guards may live until the process ends
    return *all;
  }
  void add(Guard* guard) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.insert(guard);
  }
  void remove(Guard* guard) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.erase(guard);
  }

 private:
  Guards() {
    pthread_atfork([] { get().mutex_.lock(); }, [] { get().mutex_.unlock(); },
                   [] {
                     for (Guard* guard : get().all_) guard->forked();
                     get().mutex_.unlock();
                   });
  }
  std::mutex mutex_;
  std::set<Guard*> all_;
};

Guard::Guard() : state_(new State) { Guards::get().add(this); }

Guard::~Guard() {
  Guards::get().remove(this);
  delete state_;
}

bool Guard::enter_locked(Use use, std::thread::id thread) {
  State& s = *state_;
  if (s.owner == thread) {
    ++s.depth;
    return true;
  }
  if (s.owner != std::thread::id()) return false;
  if (use == Use::read) {
    s.readers.push_back(thread);
    return true;
  }
  if (!s.readers.empty()) return false;
  s.owner = thread;
  s.depth = 1;
  return true;
}

bool Guard::enter(Use use) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const std::thread::id me = std::this_thread::get_id();
  const auto& readers = state_->readers;
  const bool reads = std::find(readers.begin(), readers.end(), me) != readers.end();
  if (reads && use == Use::change)
    throw std::runtime_error("weights must not be changed while a prediction with them goes on in the same thread.");
  if (state_->owner != me && !reads && !state_->queue.empty()) return false;
  return enter_locked(use, me);
}

void Guard::queue(Waiter& waiter) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->queue.push_back(&waiter);
  waiting_.store(state_->queue.size(), std::memory_order_relaxed);
  grant();
}

bool Guard::wait(Waiter& waiter, std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  return waiter.wake.wait_for(lock, time, [&] { return waiter.granted; });
}

void Guard::give_up(Waiter& waiter) {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    auto& queue = state_->queue;
    if (!waiter.granted) {
      queue.erase(std::find(queue.begin(), queue.end(), &waiter));
      waiting_.store(queue.size(), std::memory_order_relaxed);
      grant();  // those behind it may only have waited for it
      return;
    }
  }
  leave();
}

void Guard::leave() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  State& s = *state_;
  if (s.owner == std::this_thread::get_id()) {
    if (--s.depth > 0) return;
    s.owner = {};
  } else {
    s.readers.erase(std::find(s.readers.begin(), s.readers.end(), std::this_thread::get_id()));
  }
  grant();
}

void Guard::grant() {
  auto& queue = state_->queue;
  while (!queue.empty() && enter_locked(queue.front()->use, queue.front()->thread)) {
    queue.front()->granted = true;
    queue.front()->wake.notify_one();
    queue.pop_front();
  }
  waiting_.store(queue.size(), std::memory_order_relaxed);
}

// Other threads may have been anywhere, inside the mutex too: theirs is left as it lies.
void Guard::forked() {
  State* const fresh = new State;
  if (state_->owner == std::this_thread::get_id()) {
    fresh->owner = state_->owner;
    fresh->depth = state_->depth;
  }
  state_ = fresh;
  waiting_.store(0, std::memory_order_relaxed);
}

std::shared_ptr<Guard> Guard::root(std::shared_ptr<Guard> guard) {
  while (guard->joined_) guard = guard->joined_;
  return guard;
}

void Guard::join(const std::shared_ptr<Guard>& a, const std::shared_ptr<Guard>& b) {
  const std::shared_ptr<Guard> to = root(a), from = root(b);
  if (to != from) from->joined_ = to;
}

}  // namespace gs
