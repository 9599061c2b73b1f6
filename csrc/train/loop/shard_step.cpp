// Of a run over data: a batch that is a shard of a larger one, from one exchange with the other shards to the next.
#include <algorithm>

#include "train/loop/train_loop.hpp"

namespace gs {

template <class Real> bool TrainLoop<Real>::advance_shard() {
  if (!is_within_) {
    bad_label_ = {};
    Executor<Real>& next = executor(std::min(batch_size_, order_.size() - rows));
    if (!set_rows(next)) return false;
    next.begin_run(by_buckets_);
    by_caller_ = 0;
    own_.clear();
    is_within_ = true;
    has_asked_ = !next.has_halves();
  }
  Executor<Real>& now = *last_;
  try {
    if (!has_asked_) {
      if (!now.run_on(false)) return false;
      ask_losses(now);
      has_asked_ = true;
    }
    if (!now.run_on(true)) return false;
  } catch (...) {
    is_within_ = false;
    now.restore_statistics();
    throw;
  }
  is_within_ = false;
  count(now);
  return rows == order_.size();
}

template <class Real> void TrainLoop<Real>::take_sum(std::size_t number, const double* total, bool moves) {
  Executor<Real>& now = is_within_ ? *last_ : executor(batch_size_);
  now.exchanges()[number]->take(total, moves);
}

template bool TrainLoop<float>::advance_shard();
template bool TrainLoop<double>::advance_shard();
template void TrainLoop<float>::take_sum(std::size_t, const double*, bool);
template void TrainLoop<double>::take_sum(std::size_t, const double*, bool);

}  // namespace gs
