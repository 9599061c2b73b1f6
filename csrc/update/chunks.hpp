// The parameters of a step in chunks, which may run in any order on any thread.
#pragma once

#include <algorithm>
#include <vector>

#include "update/optimizer.hpp"
#include "update/visit.hpp"

namespace gs {

// Elements a chunk: its 4 to 7 streams of floats fill half an L2 cache. Whole blocks of int8 state.
inline constexpr std::size_t chunk_size = 1 << 15;

// Below this many elements a second thread would save less than it can cost the loop around us, whose BLAS has threads
// of its own on the same cores: by itself a step of 400,000 takes half the time on two, but between NumPy's products
// steps of 500,000 took a third longer.
inline constexpr std::size_t parallel_size = 1'000'000;
inline int threads_worth(std::size_t elements) {
  return elements < parallel_size ? 1 : threads_for(elements / chunk_size);
}

// Elements a chunk.
inline std::size_t chunk_of(const ParamGrad& m) { return m.rows ? row_chunk(m.rows->columns) : chunk_size; }

/// The parameters of a step in chunks, each of one parameter.
class Optimizer::Chunks {
 public:
  Chunks(const std::vector<Task>& tasks, ThreadTeam* team) : tasks_(tasks), team_(team) {
    for (const Task& task : tasks) count += chunks(task);
    if (!team) return;
    list_.reserve(count);
    visit([&](std::size_t, std::size_t task, std::size_t begin, std::size_t end) {
      list_.push_back({task, begin, end});
    });
  }

  /// work(chunk, task, begin, end) for all chunks, in any order.
  template <class Work> void run(Work work) const {
    if (!team_) return visit(work);
    team_->stage(list_.size(), [&](std::size_t i, int) { work(i, list_[i].task, list_[i].begin, list_[i].end); });
  }

  /// work(i) for i in [0, n), in any order.
  template <class Work> void over(std::size_t n, Work work) const {
    if (team_) return team_->stage(n, [&](std::size_t i, int) { work(i); });
    for (std::size_t i = 0; i < n; ++i) work(i);
  }

  static std::size_t chunks(const Task& task) {
    const std::size_t n = task.grad->size();
    if (!task.grad->rows) return (n + chunk_size - 1) / chunk_size;  // no division
    return (n + chunk_of(*task.grad) - 1) / chunk_of(*task.grad);
  }
  std::size_t count = 0;

 private:
  template <class Visit> void visit(Visit visit) const {
    std::size_t chunk = 0;
    for (std::size_t task = 0; task < tasks_.size(); ++task) {
      const std::size_t n = tasks_[task].grad->size(), most = chunk_of(*tasks_[task].grad);
      for (std::size_t begin = 0; begin < n; begin += most) visit(chunk++, task, begin, std::min(begin + most, n));
    }
  }

  struct Chunk {
    std::size_t task, begin, end;
  };
  const std::vector<Task>& tasks_;
  ThreadTeam* const team_;
  std::vector<Chunk> list_;
};

}  // namespace gs
