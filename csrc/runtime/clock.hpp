// When the time for a slice of work is over.
#pragma once

#include <chrono>

namespace gs {

class Clock {
 public:
  explicit Clock(double seconds)
      : end_(Now::now() + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(seconds))) {}
  bool is_over() const { return Now::now() >= end_; }

 private:
  using Now = std::chrono::steady_clock;
  const Now::time_point end_;
};

}  // namespace gs
