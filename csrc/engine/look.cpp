// What a step knows of all gradients before anything moves: norms, whether they are finite, what a rule measures.
#include <algorithm>
#include <cmath>

#include "engine/chunks.hpp"
#include "engine/dispatch.hpp"

namespace gs {
namespace {

// Elements [begin, end) of a gradient: visit(address of the first, position, count) for runs side by side.
template <class Visit> void read(const Move& m, std::size_t begin, std::size_t end, Visit visit) {
  if (!m.rows) return straighten(*m.layout, m.gradient, item_size(m.dtype), begin, end, visit);
  alignas(64) std::byte copy[block * sizeof(double)];
  for (std::size_t stop; begin < end; begin = stop) {
    stop = std::min(begin + block, end);
    m.rows->read(begin, stop, copy);
    visit(copy, begin, stop - begin);
  }
}

// Sum of squares, or 0 or NaN: whether all are finite.
template <class Real>
double look_at(const Move& m, const Manner& how, bool squares, std::size_t begin, std::size_t end) {
  constexpr Dtype real = Dtype(dtype_of<Real>());
  const Dressing<Real>& dress = dressing<Real>();
  alignas(64) Real numbers[block];
  double total = 0;
  read(m, begin, end, [&](const std::byte* g, std::size_t at, std::size_t n) {
    const bool as_is = m.dtype == real && how.sum < 0;
    const std::size_t most = as_is ? n : block;
    for (std::size_t done = 0, count; done < n; done += count) {
      count = std::min(most, n - done);
      const std::byte* const here = g + done * item_size(m.dtype);
      const Real* x = reinterpret_cast<const Real*>(here);
      if (m.dtype != real) {
        decode(m.dtype, here, numbers, count);
        x = numbers;
      }
      if (how.sum >= 0) {
        if (x != numbers) std::copy_n(x, count, numbers);
        dress.add(numbers, static_cast<const Real*>(m.parameter->state[std::size_t(how.sum)]) + at + done, count);
        x = numbers;
      }
      total += squares ? dress.squares(x, count) : dress.finite(x, count) ? 0.0 : std::nan("");
    }
  });
  return total;
}

}  // namespace

/// What norms leave of the gradients; false if one is not finite and that forbids the step.
bool Optimizer::look(Chunks& chunks) {
  const Common base = rule.common(groups[0].values.data());
  const bool guarded = options.nonfinite != Options::Nonfinite::propagate;
  const bool last = summed + 1 == options.accumulate;
  const auto clipnorm = [&](const Task& task) {
    return rule.common(groups[task.move->parameter->group].values.data()).clipnorm;
  };
  bool squares = false;
  for (const Task& task : tasks_) squares |= last && (clipnorm(task) != inf || base.global_clipnorm != inf);

  std::vector<double> sums(chunks.count);
  const auto run = [&](bool squares) {
    chunks.run([&](std::size_t chunk, std::size_t task, std::size_t begin, std::size_t end) {
      const Task& at = tasks_[task];
      sums[chunk] = at.how->real == Dtype::f64 ? look_at<double>(*at.move, *at.how, squares, begin, end)
                                               : look_at<float>(*at.move, *at.how, squares, begin, end);
    });
    // In the order of the chunks, a parameter at a time: the same sums for any number of threads.
    std::vector<double> totals;
    std::size_t chunk = 0;
    for (const Task& task : tasks_) {
      double total = 0;
      for (std::size_t i = 0; i < Chunks::chunks(task); ++i) total += sums[chunk++];
      totals.push_back(total);
    }
    return totals;
  };
  const auto first_bad = [&](const std::vector<double>& totals) {
    return std::size_t(std::find_if(totals.begin(), totals.end(), [](double x) { return !std::isfinite(x); }) -
                       totals.begin());
  };

  std::vector<double> totals = run(squares);
  if (guarded) {
    culprit = first_bad(totals);
    // Squares may be too large where the numbers are not.
    if (squares && culprit < tasks_.size()) culprit = first_bad(run(false));
    if (culprit < tasks_.size()) return false;
  }
  if (!squares) return true;
  double all = 0;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const double size = std::abs(tasks_[i].how->factors.scale), norm = size * std::sqrt(totals[i]);
    const double most = clipnorm(tasks_[i]);
    if (most != inf) tasks_[i].scale = most / std::max(norm, most);
    all += size * size * totals[i];
  }
  // A norm that is no number makes none of everything, as in Keras: nothing hides a divergence.
  const double norm = std::sqrt(all), most = base.global_clipnorm;
  if (most != inf && !(norm <= most))
    for (Task& task : tasks_) task.scale *= std::isfinite(norm) ? most / norm : std::nan("");
  return true;
}

/// The first pass of a rule that measures, and what follows from its sums: constants of the second, scalars.
void Optimizer::measure(Chunks& chunks) {
  const Rule::Measuring& rules = rule.measuring;
  struct Known {
    std::vector<double> values, scalars, sums;
  };
  std::vector<Known> known;
  measured_.clear();
  measured_.reserve(tasks_.size());  // tasks point to them
  for (Task& task : tasks_) {
    const Parameter& p = *task.move->parameter;
    known.push_back({values_of(p), scalars, std::vector<double>(rules.sums)});
    for (const double* scalar : p.scalars) known.back().scalars.push_back(*scalar);
    measured_.push_back(*task.how);
    measured_.back().first_update =
        rules.first(known.back().values.data(), steps(p) + 1, known.back().scalars.data(), task.how->real);
    task.how = &measured_.back();
  }

  std::vector<double> found(chunks.count * rules.sums);
  chunks.run([&](std::size_t chunk, std::size_t task, std::size_t begin, std::size_t end) {
    alignas(64) double lanes[max_sums * sum_lanes] = {};
    const Task& at = tasks_[task];
    visit(*at.move, false, begin, end, [&](const Place& place) { at.how->measure(place, at.scale, lanes); });
    for (std::size_t k = 0; k < rules.sums; ++k) {
      double* const lane = lanes + k * sum_lanes;
      for (std::size_t width = sum_lanes / 2; width > 0; width /= 2)
        for (std::size_t i = 0; i < width; ++i) lane[i] += lane[i + width];
      found[chunk * rules.sums + k] = lane[0];
    }
  });
  // In the order of the chunks: the same sums for any number of threads.
  std::vector<double> all(rules.sums);
  const double* next = found.data();
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    std::vector<double>& sums = rules.global ? all : known[i].sums;
    for (std::size_t chunk = 0; chunk < Chunks::chunks(tasks_[i]); ++chunk)
      for (double& sum : sums) sum += *next++;
  }

  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    Known& it = known[i];
    const std::vector<double>& sums = rules.global ? all : it.sums;
    measured_[i].update = rules.second(it.values.data(), steps(*tasks_[i].move->parameter) + 1, sums.data(),
                                       it.scalars.data(), measured_[i].real);
    if (rules.global) continue;
    rules.advance(it.values.data(), sums.data(), it.scalars.data());
    for (std::size_t k = 0; k < it.scalars.size(); ++k) *tasks_[i].move->parameter->scalars[k] = it.scalars[k];
  }
  if (rules.global) rules.advance(groups[0].values.data(), all.data(), scalars.data());
}

}  // namespace gs
