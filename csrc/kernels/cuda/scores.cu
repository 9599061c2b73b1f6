#include "kernels/cuda/scores.hpp"

#include <array>

#include "kernels/cuda/launch.hpp"

namespace gs {
namespace {

template <bool labels, class Real> HD auto target_of(const DeviceRows& rows, std::size_t i) {
  const std::size_t row = std::size_t(rows.ids[i]);
  if constexpr (labels)
    return Label<Real>{static_cast<const std::int64_t*>(rows.targets)[row]};
  else
    return Values<Real>{static_cast<const Real*>(rows.targets) + row * rows.n};
}

/// A row a thread.
template <class Form, bool labels, class Real> struct Scored {
  Form form;
  DeviceRows rows;
  const double* scales;
  double* values;
  Real* dy;

  HD void each(std::size_t block, unsigned thread) const {
    const std::size_t i = block * block_threads + thread;
    if (i >= rows.rows) return;
    const Real* const y = static_cast<const Real*>(rows.y) + i * rows.n;
    values[i] = form.row(target_of<labels, Real>(rows, i), y, rows.n, scales ? Real(scales[i]) : Real(1),
                         dy ? dy + i * rows.n : nullptr);
  }
};

template <class Score, bool labels, class Real> struct Right {
  DeviceRows rows;
  double* values;
  HD void each(std::size_t block, unsigned thread) const {
    const std::size_t i = block * block_threads + thread;
    if (i >= rows.rows) return;
    values[i] = Score::row(target_of<labels, Real>(rows, i), static_cast<const Real*>(rows.y) + i * rows.n, rows.n);
  }
};

std::size_t blocks_of(const DeviceRows& rows) { return (rows.rows + block_threads - 1) / block_threads; }

template <class Form, bool labels, class Real>
DeviceError loss(const double* settings, const DeviceRows& rows, const double* scales, double* values, void* dy) {
  if constexpr (Form::whole_batch) {
    return product_failed;  // device_sees_batch: nobody asks
  } else {
    const Scored<Form, labels, Real> body{with_settings<Form>(settings), rows, scales, values, static_cast<Real*>(dy)};
    return for_each_thread(body, blocks_of(rows), DeviceStream(0));
  }
}

template <class Accuracy, class Real> DeviceError accuracy(const DeviceRows& rows, double* values) {
  const Right<typename Accuracy::Score, Accuracy::labels, Real> body{rows, values};
  return for_each_thread(body, blocks_of(rows), DeviceStream(0));
}

struct OfLoss {
  using Rows = DeviceError (*)(const double*, const DeviceRows&, const double*, double*, void*);
  bool sees_batch;
  Rows rows[2][2];  // [of logits][dtype]
};
template <class L> constexpr OfLoss of_loss() {
  constexpr bool labels = L::targets != TargetKind::numbers;
  using Outputs = typename L::OfOutputs;
  using Logits = typename L::OfLogits;
  return {L::whole_batch,
          {{loss<Outputs, labels, float>, loss<Outputs, labels, double>},
           {loss<Logits, labels, float>, loss<Logits, labels, double>}}};
}
template <class... All> constexpr auto losses_of(TypeList<All...>) {
  return std::array<OfLoss, sizeof...(All)>{of_loss<All>()...};
}
constexpr auto losses = losses_of(Losses{});

struct OfAccuracy {
  DeviceError (*rows[2])(const DeviceRows&, double*);
};
template <class... All> constexpr auto accuracies_of(TypeList<All...>) {
  return std::array<OfAccuracy, sizeof...(All)>{OfAccuracy{{accuracy<All, float>, accuracy<All, double>}}...};
}
constexpr auto accuracies = accuracies_of(Accuracies{});

struct Total {
  static constexpr std::size_t sums = 1;
  const double *scales, *values;
  std::size_t rows;
  double factor;
  double* total;

  HD void add(std::size_t, unsigned thread, double* to) const {
    for (std::size_t i = thread; i < rows; i += block_threads) *to += scales ? scales[i] * values[i] : values[i];
  }
  HD void put(std::size_t, const double* found) const { *total += factor * *found; }
};

}  // namespace

bool device_sees_batch(int loss) noexcept { return losses[std::size_t(loss)].sees_batch; }

DeviceError device_loss(Dtype real, int loss, bool of_logits, const double* settings, const DeviceRows& rows,
                        const double* scales, double* values, void* dy) noexcept {
  return losses[std::size_t(loss)].rows[of_logits][int(real)](settings, rows, scales, values, dy);
}

DeviceError device_accuracy(Dtype real, int accuracy, const DeviceRows& rows, double* values) noexcept {
  return accuracies[std::size_t(accuracy)].rows[int(real)](rows, values);
}

DeviceError device_add(const double* scales, const double* values, std::size_t rows, double factor,
                       double* total) noexcept {
  return for_each_sum(Total{scales, values, rows, factor, total}, 1, DeviceStream(0));
}

}  // namespace gs
