// Stages, each of jobs that do not depend on one another. Where a job goes follows from the memory that it reads and
// writes: it comes after whoever writes what it reads, or reads or writes what it writes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/buffer.hpp"
#include "runtime/job.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// Memory that a job reads and writes, each by where it begins; null stands for none.
struct Access {
  std::vector<const void*> reads, writes;
};

template <class Real> class Stages {
 public:
  /// Adds a job to the first stage that it can be in. beside: where it is to stand in a stage after those that the next
  /// stage waits for, as an update of a weight.
  std::size_t add(std::unique_ptr<Job<Real>> job, const Access& access, bool beside = false) {
    const std::size_t stage = earliest(access);
    if (stage >= stages_.size()) stages_.resize(stage + 1);
    note(access, stage);
    scratch_ = std::max(scratch_, job->scratch);
    Stage& to = stages_[stage];
    to.chunks += job->chunks;
    to.arranged_for = 0;
    to.jobs.insert(beside ? to.jobs.end() : to.jobs.begin() + std::ptrdiff_t(to.first), std::move(job));
    if (!beside) ++to.first;
    return stage;
  }

  /// Lets a job of a stage do more, if that may be done so early; scratch: what it needs then, in elements.
  bool extend(std::size_t stage, const Access& access, std::size_t scratch = 0) {
    if (earliest(access) > stage) return false;
    note(access, stage);
    scratch_ = std::max(scratch_, scratch);
    return true;
  }

  /// What is added from here on comes after all that is there.
  void begin_anew() { floor_ = stages_.size(); }

  std::size_t count() const { return stages_.size(); }
  /// Elements of scratch that each thread needs.
  std::size_t scratch() const { return scratch_; }

  /// Those from `first` to before `last`; scratch: a buffer a thread.
  void run(ThreadTeam& team, const std::vector<Buffer<Real>>& scratch, std::size_t first, std::size_t last) const {
    for (std::size_t k = first; k < last; ++k) run_stage(k, team, scratch);
  }

  void run_stage(std::size_t k, ThreadTeam& team, const std::vector<Buffer<Real>>& scratch) const {
    const Stage& stage = stages_[k];
    for (const auto& job : stage.jobs) job->begin(team.threads());
    const std::size_t* const order = stage.arranged(std::size_t(team.threads()), k % 2 == 1);
    team.stage(stage.chunks, [&](std::size_t place, int thread) {
      std::size_t chunk = order[place];
      for (const auto& job : stage.jobs) {
        if (chunk < job->chunks) return job->run(chunk, scratch[std::size_t(thread)].data());
        chunk -= job->chunks;
      }
    });
  }

  /// What a stage does: "forward 32x784x256 + learn 784x256".
  std::string name(std::size_t k) const {
    std::string name;
    for (const auto& job : stages_[k].jobs) name += (name.empty() ? "" : " + ") + job->name();
    return name;
  }

 private:
  struct Stage {
    std::vector<std::unique_ptr<Job<Real>>> jobs;
    std::size_t chunks = 0, first = 0;  // how many of the jobs are waited for

    /// (place): which chunk is done there by so many threads. Each has the same part of each job in every step, and
    /// with it of what the job reads and writes; parts of the first jobs come first. Every other stage of one job goes
    /// through each part from its end: what the stage before wrote last is still near. For the leader.
    const std::size_t* arranged(std::size_t threads, bool from_end) const {
      if (arranged_for == threads) return order.data();
      std::vector<std::vector<std::size_t>> shares(threads);
      std::size_t begin = 0;
      for (const auto& job : jobs) {
        for (std::size_t t = 0; t < threads; ++t)
          for (std::size_t k = job->chunks * t / threads; k < job->chunks * (t + 1) / threads; ++k)
            shares[t].push_back(begin + k);
        begin += job->chunks;
      }
      // As many places as a team gives each thread: what one has too many goes to those that have too few.
      const auto places = [&](std::size_t t) { return chunks * (t + 1) / threads - chunks * t / threads; };
      std::vector<std::size_t> over;
      for (std::size_t t = 0; t < threads; ++t)
        for (; shares[t].size() > places(t); shares[t].pop_back()) over.push_back(shares[t].back());
      order.clear();
      for (std::size_t t = 0; t < threads; ++t) {
        for (; shares[t].size() < places(t); over.pop_back()) shares[t].push_back(over.back());
        if (from_end && jobs.size() == 1 && !jobs[0]->in_order)
          order.insert(order.end(), shares[t].rbegin(), shares[t].rend());
        else
          order.insert(order.end(), shares[t].begin(), shares[t].end());
      }
      arranged_for = threads;
      return order.data();
    }

    mutable std::vector<std::size_t> order;
    mutable std::size_t arranged_for = 0;  // threads
  };
  /// The first stage after whoever wrote, or read, some memory so far.
  struct Use {
    std::size_t after_write = 0, after_read = 0;
  };

  std::size_t earliest(const Access& access) const {
    std::size_t stage = floor_;
    for (const void* memory : access.reads)
      if (const auto use = uses_.find(memory); use != uses_.end()) stage = std::max(stage, use->second.after_write);
    for (const void* memory : access.writes)
      if (const auto use = uses_.find(memory); use != uses_.end())
        stage = std::max({stage, use->second.after_write, use->second.after_read});
    return stage;
  }

  void note(const Access& access, std::size_t stage) {
    for (const void* memory : access.reads)
      if (memory) uses_[memory].after_read = std::max(uses_[memory].after_read, stage + 1);
    for (const void* memory : access.writes)
      if (memory) uses_[memory].after_write = std::max(uses_[memory].after_write, stage + 1);
  }

  std::vector<Stage> stages_;
  std::unordered_map<const void*, Use> uses_;
  std::size_t floor_ = 0, scratch_ = 0;
};

}  // namespace gs
