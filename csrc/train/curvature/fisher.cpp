#include "train/curvature/fisher.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/normal.hpp"
#include "core/random.hpp"

namespace gs {
namespace {

enum class Distribution { categorical, bernoulli, normal, none };

Distribution distribution_of(const LossUse& loss) {
  if (!loss.info) return Distribution::none;
  const auto is = [&](const char* name) { return std::strcmp(loss.info->name, name) == 0; };
  if (is("categorical_crossentropy") || is("sparse_categorical_crossentropy")) return Distribution::categorical;
  if (is("binary_crossentropy")) return Distribution::bernoulli;
  return is("mean_squared_error") ? Distribution::normal : Distribution::none;
}

/// Uniform in (0, 1).
double uniform(std::uint32_t word) { return (double(word) + 0.5) * 0x1p-32; }

/// The class in which u falls, of probabilities y, or softmax(y).
template <class Real> std::size_t draw_class(const Real* y, std::size_t n, bool of_logits, double u) {
  const auto top = double(*std::max_element(y, y + n));
  const auto share = [&](std::size_t k) { return of_logits ? std::exp(double(y[k]) - top) : double(y[k]); };
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += share(k);
  double left = u * sum;
  for (std::size_t k = 0; k + 1 < n; ++k)
    if ((left -= share(k)) < 0) return k;
  return n - 1;
}

}  // namespace

bool has_distribution(const LossUse& loss) { return distribution_of(loss) != Distribution::none; }

template <class Real>
void draw_gradient(const LossUse& loss, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                   const TargetDraw& draw, Real* dy) {
  const Distribution distribution = distribution_of(loss);
  // The mean over a row's numbers is not the logarithm of a distribution of bits: their squares are too small by n.
  const double of_row = distribution == Distribution::bernoulli ? double(n) : 1;
  const Real deviation = Real(std::sqrt(double(n) / 2));
  const LossRows score = loss.loop(Dtype(sizeof(Real) == 4 ? Dtype::f32 : Dtype::f64));
  std::vector<Real> targets(n);
  for (std::size_t i = 0; i < rows; ++i) {
    const Real* const own = y + i * n;
    const auto row = std::uint64_t(draw.first + i);
    const auto words = [&](std::size_t k) {
      return philox({std::uint32_t(row), std::uint32_t(row >> 32) ^ (draw.output << 16), std::uint32_t(draw.step),
                     std::uint32_t(k / 4)},
                    draw.key ^ (draw.step >> 32));
    };
    std::int64_t label = 0;
    const void* target = targets.data();
    if (distribution == Distribution::categorical) {
      label = std::int64_t(draw_class(own, n, loss.of_logits, uniform(words(0)[0])));
      std::fill(targets.begin(), targets.end(), Real(0));
      targets[std::size_t(label)] = 1;
      if (loss.info->labels()) target = &label;
    } else {
      std::array<std::uint32_t, 4> four{};
      for (std::size_t k = 0; k < n; ++k) {
        if (k % 4 == 0) four = words(k);
        const Real p = loss.of_logits ? logistic(own[k]) : own[k];
        targets[k] = distribution == Distribution::normal ? own[k] + deviation * normal_number<Real>(four[k % 4])
                                                          : Real(uniform(four[k % 4]) < double(p));
      }
    }
    const double scale = std::sqrt(std::max(0.0, scales[i] * of_row));
    double value;
    // By the defaults: nothing is smoothed, no class ignored.
    score(nullptr, &target, own, 1, n, &scale, &value, dy + i * n);
  }
}

template void draw_gradient<float>(const LossUse&, const float*, std::size_t, std::size_t, const double*,
                                   const TargetDraw&, float*);
template void draw_gradient<double>(const LossUse&, const double*, std::size_t, std::size_t, const double*,
                                    const TargetDraw&, double*);

}  // namespace gs
