// Several long pieces of work that have nothing to do with each other: a thread for each, until it is done.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>

#include "runtime/threads.hpp"

namespace gs {

/// Calls work(i) for each i in [0, count), each on one thread of `threads`; a single one may use all of them. If one
/// throws, those that have not begun are left out, and the exception is thrown when the others have ended.
template <class Work> void side_by_side(std::size_t count, int threads, const Work& work) {
  if (count == 0) return;
  const ThreadLimit limit(count == 1 ? threads : 1);
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  ThreadTeam::run(count < std::size_t(threads) ? int(count) : threads, [&](ThreadTeam& team) {
    team.stage(count, [&](std::size_t i, int thread) {
      if (failed.load(std::memory_order_relaxed)) return;
      std::optional<ThreadLimit> alone;
      if (thread > 0) alone.emplace(1);
      try {
        work(i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    });
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace gs
