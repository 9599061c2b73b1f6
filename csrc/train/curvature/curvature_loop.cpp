#include "train/curvature/curvature_loop.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace gs {

template <class Real>
CurvatureLoop<Real>::CurvatureLoop(const Network<Real>& network, std::vector<Scoring> scorings, const Data& data,
                                   std::size_t chunk, std::vector<std::size_t> places)
    : network_(network),
      scorings_(std::move(scorings)),
      data_(data),
      chunk_(chunk),
      places_(std::move(places)),
      weights_(plain_weights(network)),
      at_(data.rows) {
  std::size_t size = 0;
  each_trained([&](const Weight<Real>& weight, std::size_t) { size += 2 * align<Real>(weight.attributes->size()); });
  memory_ = Buffer<Real>(size);
  Real* next = memory_.data();
  each_trained([&](Weight<Real>& weight, std::size_t) {
    const std::size_t n = align<Real>(weight.attributes->size());
    weight.gradient = next;
    weight.direction = next + n;
    next += 2 * n;
  });
}

template <class Real> template <class Visit> void CurvatureLoop<Real>::each_trained(Visit visit) {
  for (auto& layer : weights_)
    for (Weight<Real>& weight : layer)
      if (weight.trainable()) visit(weight, places_[weight.number]);
}

template <class Real>
void CurvatureLoop<Real>::start(const double* v, double* sum, std::vector<std::int64_t> ids, std::uint32_t number) {
  if (along_ != bool(v)) whole_.reset(), rest_.reset();
  along_ = v;
  sum_ = sum;
  ids_ = std::move(ids);
  number_ = number;
  at_ = 0;
  each_trained([&](Weight<Real>& weight, std::size_t at) {
    const std::size_t n = weight.attributes->size();
    const double twice = 2 * weight.attributes->penalty.l2;
    for (std::size_t k = 0; k < n; ++k) sum[at + k] = v ? twice * v[at + k] : twice;
    if (v) std::copy_n(v + at, n, weight.direction);
  });
}

template <class Real> Executor<Real>& CurvatureLoop<Real>::executor(std::size_t batch) {
  auto& slot = batch == chunk_ ? whole_ : rest_;
  if (!slot || slot->batch != batch) {
    std::vector<Source> sources;
    for (const InputRows& input : data_.x) sources.push_back(input.source);
    slot = std::make_unique<Executor<Real>>(network_, batch, along_ ? Mode::curvature : Mode::roots, scorings_,
                                            without_penalties(weights_), none_, sources);
  }
  return *slot;
}

template <class Real> void CurvatureLoop<Real>::set_rows(Executor<Real>& executor) {
  Data part{{}, {}, executor.batch};
  for (std::size_t k = 0; k < data_.x.size(); ++k) {
    const std::size_t row_size = network_.input_size(k) * item_size(data_.x[k].source);
    part.x.push_back({data_.x[k].at + at_ * row_size, data_.x[k].source});
  }
  for (std::size_t k = 0; k < data_.y.size(); ++k) {
    TargetRows rows = data_.y[k];
    if (rows.at) rows.at += at_ * rows.row_size;
    if (rows.weights) rows.weights += at_ * executor.heads[k].parts;
    if (rows.mask) rows.mask += at_ * executor.heads[k].parts;
    part.y.push_back(rows);
  }
  set_all_rows(executor, network_, part, number_);
  for (std::size_t i = 0; i < executor.batch; ++i)
    executor.set_id(i, ids_.empty() ? std::int64_t(at_ + i) : ids_[at_ + i]);
}

template <class Real> void CurvatureLoop<Real>::add(Executor<Real>& executor) {
  const double share = double(executor.batch) / double(data_.rows);
  constexpr std::size_t block = 1 << 14;
  ThreadTeam::run(executor.threads(), [&](ThreadTeam& team) {
    each_trained([&](const Weight<Real>& weight, std::size_t at) {
      const std::size_t n = weight.attributes->size();
      const Real* const g = weight.gradient;
      double* const sum = sum_ + at;
      team.stage((n + block - 1) / block, [=, squares = !along_](std::size_t i, int) {
        for (std::size_t k = i * block; k < std::min(n, (i + 1) * block); ++k)
          sum[k] += share * double(g[k]) * (squares ? double(g[k]) : 1.0);
      });
    });
  });
}

template <class Real> bool CurvatureLoop<Real>::advance(double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  while (!over()) {
    Executor<Real>& one = executor(std::min(chunk_, data_.rows - at_));
    set_rows(one);
    one.run();
    one.restore_statistics();
    add(one);
    at_ += one.batch;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) break;
  }
  return over();
}

template class CurvatureLoop<float>;
template class CurvatureLoop<double>;

}  // namespace gs
