#include "train/outputs/head.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/random.hpp"

namespace gs {
namespace {

bool is_scored(const Scoring& scoring) { return scoring.loss.info || !scoring.metrics.empty(); }

}  // namespace

template <class Real>
Head<Real>::Head(const Scoring& scoring, std::size_t batch, std::size_t parts, std::size_t n)
    : parts(parts),
      rows(batch * parts),
      n(n),
      targets(is_scored(scoring) ? rows : 0),
      values(1 + scoring.metrics.size(), std::vector<double>(targets.size())),
      loss_(scoring.loss),
      metrics_(scoring.metrics),
      wanted_(scoring.outputs || !scoring.metrics.empty()),
      scales_(targets.size()),
      counts_(loss_.info && loss_.info->only_positive ? rows : 0) {
  if (!targets.empty()) set_sample_weights(nullptr, nullptr);
}

template <class Real>
void Head<Real>::schedule(Schedule<Real>& schedule, Matrix<Real> y, bool of_logits, Matrix<Real> to, Matrix<Real> by,
                          Matrix<Real> mask, Slopes slopes, Matrix<Real> direction) {
  constexpr Dtype dtype = Dtype(dtype_of<Real>());
  outputs = to.at;
  dy = by.at;
  y_ = y.at;
  if (mask) {
    mask_.assign(rows, 1);
    both_.assign(rows, 1);
    if (!targets.empty()) set_sample_weights(nullptr, nullptr);
    schedule.once({{mask.at}, {both_.data()}}, [this, mask] {
      const std::size_t each = rows / mask.size();
      for (std::size_t i = 0; i < rows; ++i) {
        mask_[i] = mask.at[i / each] != 0;
        both_[i] = mask_[i] && (!given_mask_ || given_mask_[i]);
      }
      if (!targets.empty()) reduction_.gradient_scales(scales_.data());
    });
  }
  if (!loss_.info && metrics_.empty()) return;
  // The last activation is in the loss; its outputs are made only if a metric or the caller reads them.
  const bool needed = to.at != y.at && wanted_;
  const MapForward activate = needed ? kernels().map.of[loss_.info->absorbs].forward[dtype_of<Real>()] : nullptr;
  loss_.of_logits = of_logits;
  const LossRows loss = loss_.info ? loss_.loop(dtype) : nullptr;
  const bool curves = slopes != Slopes::loss && loss, root = slopes == Slopes::roots;
  const CurvatureRows<Real> curvature = curves ? curvature_of<Real>(loss_) : nullptr;
  if (root) direction = {schedule.workspace(rows * n), rows, n};
  if (curves && !curvature)
    throw std::invalid_argument("loss " + std::string(loss_.info->name) +
                                " has no Gauss-Newton product: its Hessian by the outputs is not positive "
                                "semi-definite, and no part of it that is is known.");
  const auto whole = [](const ScoreInfo* score) { return score->whole_batch; };
  const bool at_once = (loss_.info && whole(loss_.info)) || std::any_of(metrics_.begin(), metrics_.end(), whole);
  schedule.each_row(
      rows, n,
      {{y.at, both_.empty() ? nullptr : both_.data(), root ? nullptr : direction.at},
       {to.at == y.at ? nullptr : to.at, by.at, root ? direction.at : nullptr}},
      [this, &schedule, activate, loss, curvature, root, y, direction](std::size_t first, std::size_t count) {
        if (activate) activate(nullptr, y.at + first * n, outputs + first * n, MatrixLayout(count, n, n));
        const void* const* t = targets.data() + first;
        Real* const to = dy ? dy + first * n : nullptr;
        Real* const gradient = curvature ? nullptr : to;
        if (root) draw_signs(schedule, parts, first, count, n, direction.at + first * n);
        if (curvature && to && direction)
          curvature(loss_.settings.data(), t, y.at + first * n, direction.at + first * n, count, n,
                    scales_.data() + first, root, to);
        else if (curvature && to)
          std::fill_n(to, count * n, Real(0));
        if (loss && loss_.info->only_positive)
          reduction_ =
              loss_.score(dtype, t, y.at, n, given_, scales_.data(), counts_.data(), values[0].data(), gradient);
        else if (loss)
          loss(loss_.settings.data(), t, y.at + first * n, count, n, scales_.data() + first, values[0].data() + first,
               gradient);
        for (std::size_t m = 0; m < metrics_.size(); ++m)
          score_rows(*metrics_[m], dtype, t, outputs + first * n, count, n, values[m + 1].data() + first);
      },
      at_once);
}

template <class Real>
void Head<Real>::draw_signs(const Schedule<Real>& schedule, std::size_t parts, std::size_t first, std::size_t count,
                            std::size_t n, Real* to) {
  constexpr std::uint64_t key = 0x5165e2a4c1b7d3f9;
  for (std::size_t i = first; i < first + count; ++i) {
    const auto id = std::uint64_t(schedule.ids[i / parts]);
    for (std::size_t k = 0; k < n; ++k, ++to) {
      const std::size_t at = i % parts * n + k;
      const auto bits = philox({std::uint32_t(at), std::uint32_t(id), std::uint32_t(id >> 32), schedule.number}, key);
      *to = bits[0] & 1 ? Real(1) : Real(-1);
    }
  }
}

template <class Real> void Head<Real>::set_sample_weights(const double* weights, const std::uint8_t* mask) {
  given_mask_ = mask;
  given_ = reduction_ = loss_.reduction_over(rows, weights, both_.empty() ? mask : both_.data());
  reduction_.gradient_scales(scales_.data());
}

template <class Real> double Head<Real>::counted() const {
  const auto counted = mask_.empty() ? rows : std::size_t(std::count(mask_.begin(), mask_.end(), 1));
  return double(counted) / double(parts);
}

template class Head<float>;
template class Head<double>;

}  // namespace gs
