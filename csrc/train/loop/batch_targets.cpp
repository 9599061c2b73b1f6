// Of a run over data: where a batch finds its targets, and what its rows count for.
#include <algorithm>
#include <cstring>

#include "train/loop/train_loop.hpp"

namespace gs {
namespace {

/// each(i, row, part) for all rows i of a head: part `part` of what is row `row` of the data. order: those of the
/// batch.
template <class Real, class Each>
void each_target(const Head<Real>& head, const std::int64_t* order, const Each& each) {
  const std::size_t count = head.rows, parts = head.parts;
  for (std::size_t i = 0; i < count; ++order)
    for (std::size_t part = 0; part < parts; ++part, ++i) each(i, std::size_t(*order), part);
}

}  // namespace

template <class Real> bool TrainLoop<Real>::set_labels(std::size_t output, Head<Real>& head) {
  std::vector<std::int64_t>& labels = selected_[output].labels;
  const TargetRows& from = data_.y[output];
  labels.resize(head.rows);
  each_target(head, order_.data() + rows, [&](std::size_t i, std::size_t row, std::size_t part) {
    std::int64_t& label = labels[i];
    std::memcpy(&label, from.at + row * from.row_size + part * sizeof label, sizeof label);
    head.targets[i] = &label;
  });
  const Scoring& scoring = scorings_[output];
  const auto bad =
      std::find_if_not(labels.begin(), labels.end(), [&](std::int64_t label) { return scoring.admits(label, head.n); });
  if (bad == labels.end()) return true;
  bad_label_ = {output, order_[rows + std::size_t(bad - labels.begin()) / head.parts], *bad};
  return false;
}

template <class Real> void TrainLoop<Real>::set_targets(std::size_t output, Head<Real>& head) {
  const TargetRows& from = data_.y[output];
  const std::int64_t* const order = order_.data() + rows;
  if (!scorings_[output].labels()) {
    const std::byte* const y = from.at;
    const void** const targets = head.targets.data();
    const std::size_t row_size = from.row_size, part_size = row_size / head.parts;
    each_target(head, order, [=](std::size_t i, std::size_t row, std::size_t part) {
      targets[i] = y + row * row_size + part * part_size;
    });
  }
  if (!from.weights && !from.mask) return;
  const auto select = [&](const auto* all, auto& to) {
    to.resize(all ? head.rows : 0);
    if (all)
      each_target(head, order,
                  [&](std::size_t i, std::size_t row, std::size_t part) { to[i] = all[row * head.parts + part]; });
    return all ? to.data() : nullptr;
  };
  const double* const weights = select(from.weights, selected_[output].weights);
  head.set_sample_weights(weights, select(from.mask, selected_[output].mask));
}

template bool TrainLoop<float>::set_labels(std::size_t, Head<float>&);
template bool TrainLoop<double>::set_labels(std::size_t, Head<double>&);
template void TrainLoop<float>::set_targets(std::size_t, Head<float>&);
template void TrainLoop<double>::set_targets(std::size_t, Head<double>&);

}  // namespace gs
