// Things that are made anew only where none of their kind is left over.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace gs {

/// Things that nobody uses now, for whoever needs one of their kind next. Any number of threads may take and give at
/// once: none waits for another, which at worst costs a thing that is made anew.
template <class Kind, class T> class Spares {
 public:
  /// Holds at most so many, of at most this size together.
  Spares(std::size_t most, std::size_t most_size) : most_(most), most_size_(most_size) {}

  /// A thing of that kind, or null.
  std::unique_ptr<T> take(const Kind& kind) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return nullptr;
    const auto found = std::find_if(spares_.begin(), spares_.end(), [&](const Spare& one) { return one.kind == kind; });
    if (found == spares_.end()) return nullptr;
    std::unique_ptr<T> thing = std::move(found->thing);
    spares_.erase(found);
    return thing;
  }

  /// Those that were given first go.
  void give(Kind kind, std::unique_ptr<T> thing, std::size_t size) {
    if (size > most_size_) return;
    std::vector<Spare> others;  // those that go do so without the lock
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    others.swap(spares_);
    spares_.push_back({std::move(kind), std::move(thing), size});
    for (Spare& other : others)
      if (spares_.size() < most_ && (size += other.size) <= most_size_) spares_.push_back(std::move(other));
  }

 private:
  struct Spare {
    Kind kind;
    std::unique_ptr<T> thing;
    std::size_t size;
  };

  const std::size_t most_, most_size_;
  std::mutex mutex_;           // of what follows
  std::vector<Spare> spares_;  // given last, first
};

}  // namespace gs
