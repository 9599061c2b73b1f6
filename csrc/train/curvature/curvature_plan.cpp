#include "train/curvature/curvature_plan.hpp"

namespace gs {

template <class Real> CurvaturePlan<Real>::CurvaturePlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn) {
  for (const CurvatureTap<Real>& tap : taps) {
    const std::size_t rows = tap.dz.rows, outputs = tap.dz.columns, columns = tap.x.columns;
    const std::size_t inputs = columns + (tap.bias != nullptr), ldx = align<Real>(inputs);
    Real* const x = room(rows * ldx);
    const Real* const curved = drawn ? room(tap.dz.size()) : tap.dz.at;
    inputs_.add(each_row(rows, inputs,
                         [=, from = tap.x, has_bias = tap.bias != nullptr](std::size_t first, std::size_t count) {
                           IndirectionBuffer part = from.pointers;
                           part.at += first;
                           products<Real>().gather(part, count, columns, x + first * ldx, ldx);
                           for (std::size_t i = first; has_bias && i < first + count; ++i) x[i * ldx + columns] = 1;
                         }),
                {{}, {x}});
    layers_.push_back({tap, rows, inputs, outputs, ldx, x, tap.dz.at, curved, rows_of(x, rows, ldx),
                       rows_of(tap.dz.at, rows, outputs), rows_of(curved, rows, outputs)});
  }
}

template <class Real> void CurvaturePlan<Real>::keep_drawn() const {
  for (const Layer& layer : layers_) std::copy_n(layer.dz, layer.tap.dz.size(), const_cast<Real*>(layer.curved));
}

template <class Real> void CurvaturePlan<Real>::run(const Stages<Real>& stages, ThreadTeam& team) {
  if (stages.scratch() > scratch_size_) {
    scratch_.clear();
    scratch_size_ = stages.scratch();
  }
  while (scratch_.size() < std::size_t(team.threads())) scratch_.emplace_back(scratch_size_);
  stages.run(team, scratch_, 0, stages.count());
}

template <class Real> Real* CurvaturePlan<Real>::room(std::size_t n) {
  rooms_.emplace_back(n);
  return rooms_.back().data();
}

template <class Real>
const void* const* CurvaturePlan<Real>::rows_of(const Real* at, std::size_t rows, std::size_t ld) {
  std::vector<const void*>& all = pointers_.emplace_back(rows);
  for (std::size_t i = 0; i < rows; ++i) all[i] = at + i * ld;
  return all.data();
}

template class CurvaturePlan<float>;
template class CurvaturePlan<double>;

}  // namespace gs
