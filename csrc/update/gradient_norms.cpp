// What a step needs to know of all gradients before it changes anything: norms, whether they are finite, and what a
// rule measures.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/math.hpp"
#include "runtime/dispatch.hpp"
#include "update/chunks.hpp"

namespace gs {
namespace {

/// Elements of a gradient whose squares are summed together: of a dense one a chunk; of a row-sparse one what lies in
/// the same chunk of the dense array, so that the sums have the same bits.
struct Portion {
  std::size_t task, begin, end;  // begin, end: of a row-sparse gradient as its rows lie side by side
};

void add_portions(std::size_t task, const ParamGrad& m, std::vector<Portion>& portions) {
  if (!m.rows) {
    for (std::size_t begin = 0; begin < m.size(); begin += chunk_size)
      portions.push_back({task, begin, std::min(begin + chunk_size, m.size())});
    return;
  }
  const std::size_t columns = m.rows->columns;
  std::size_t last = std::size_t(-1);  // chunk of the dense array
  for (std::size_t begin = 0, n; begin < m.size(); begin += n) {
    const std::size_t at = std::size_t(m.rows->rows[begin / columns]) * columns + begin % columns;
    n = std::min(columns - begin % columns, chunk_size - at % chunk_size);
    if (at / chunk_size == last)
      portions.back().end = begin + n;
    else
      portions.push_back({task, begin, begin + n});
    last = at / chunk_size;
  }
}

// The elements of a portion: visit(address of the first, position in the dense array, count) for runs side by side.
template <class Visit> void read(const ParamGrad& m, const Portion& portion, Visit visit) {
  if (!m.rows) return straighten(*m.layout, m.gradient, item_size(m.dtype), portion.begin, portion.end, visit);
  alignas(64) std::byte copy[block * sizeof(double)];
  const std::size_t columns = m.rows->columns;
  for (std::size_t begin = portion.begin, n; begin < portion.end; begin += n) {
    n = std::min({block, columns - begin % columns, portion.end - begin});
    m.rows->read(begin, begin + n, copy);
    visit(copy, std::size_t(m.rows->rows[begin / columns]) * columns + begin % columns, n);
  }
}

/// What is computed of gradients: the sum of the squares of their numbers times `by`; or 0, NaN if one times `by` is
/// not finite.
struct Question {
  bool squares;
  double by;
};

template <class Real>
double answer(const Question& question, const ParamGrad& m, const UpdateKernel& kernel, const Portion& portion) {
  constexpr Dtype real = Dtype(dtype_of<Real>());
  const GradientTransforms<Real>& transforms = gradient_transforms<Real>();
  alignas(64) Real numbers[block];
  double sums[square_lanes] = {};
  bool finite = true;
  const bool scales = question.squares && question.by != 1;
  read(m, portion, [&](const std::byte* g, std::size_t at, std::size_t n) {
    const bool as_is = m.dtype == real && kernel.sum < 0 && !scales;
    const std::size_t most = as_is ? n : block;
    for (std::size_t done = 0, count; done < n; done += count) {
      count = std::min(most, n - done);
      const std::byte* const here = g + done * item_size(m.dtype);
      const Real* x = reinterpret_cast<const Real*>(here);
      if (m.dtype != real) {
        decode(m.dtype, here, numbers, count);
        x = numbers;
      }
      if (kernel.sum >= 0) {
        if (x != numbers) std::copy_n(x, count, numbers);
        transforms.add(numbers, static_cast<const Real*>(m.parameter->state[std::size_t(kernel.sum)]) + at + done,
                       count);
        x = numbers;
      }
      if (scales) {
        transforms.prepare(x, x, numbers, count, question.by, inf, 0);
        x = numbers;
      }
      if (question.squares)
        transforms.squares(x, count, (at + done) % square_lanes, sums);
      else
        finite &= transforms.finite(x, count, question.by);
    }
  });
  return question.squares ? fold(sums) : finite ? 0.0 : std::nan("");
}

/// A norm, of numbers times `by`.
struct Norm {
  double squares, by;
};

/// What is left of a gradient by clipping it to a norm.
double clip_factor(double most, const Norm& norm, double size) {
  const double root = size * std::sqrt(norm.squares);
  return norm.by == 1 ? most / std::max(root, most) : std::min(1.0, most * norm.by / root);
}

/// Whether a weight of float16 is so large that a step may take it out of its range.
bool is_near_the_end(const Parameter& p) {
  bool near = false;
  if (p.dtype != Dtype::f16) return near;
  alignas(64) float numbers[block];
  straighten(
      p.layout, p.data, sizeof(std::uint16_t), 0, p.layout.size, [&](const std::byte* w, std::size_t, std::size_t n) {
        for (std::size_t done = 0, count; done < n; done += count) {
          count = std::min(block, n - done);
          decode(p.dtype, w + done * sizeof(std::uint16_t), numbers, count);
          near |= !gradient_transforms<float>().finite(numbers, count, std::numeric_limits<float>::max() / 0x1p14);
        }
      });
  return near;
}

}  // namespace

/// Gradients up to this size make no step that overflows from weights and state that are far from it.
double Optimizer::safe(const Task& task) const {
  const Dtype dtype = task.grad->parameter->dtype;
  const double far = dtype == Dtype::f64 ? 0x1p400 : dtype == Dtype::f16 ? 0x1p10 : 0x1p40;
  return far / std::max(1.0, learning_rate(*task.grad->parameter)) /
         std::max(std::abs(task.kernel->factors.scale), std::numeric_limits<double>::min());
}

/// Scales of gradients by their norms; false if one is not finite and that forbids the step. Whether a step that may be
/// made may overflow is in `risky_`.
bool Optimizer::check_gradients(Chunks& chunks) {
  const Common base = rule.common(groups[0].values.data());
  const bool guarded = options.nonfinite != Options::Nonfinite::propagate;
  const bool last = summed + 1 == options.accumulate;
  const auto clipnorm = [&](const Task& task) {
    return rule.common(groups[task.grad->parameter->group].values.data()).clipnorm;
  };
  bool squares = false;
  for (const Task& task : tasks_) squares |= last && (clipnorm(task) != inf || base.global_clipnorm != inf);

  std::vector<Portion> portions;
  for (std::size_t task = 0; task < tasks_.size(); ++task) add_portions(task, *tasks_[task].grad, portions);
  std::vector<double> sums(portions.size());
  const auto ask = [&](auto question_of) {
    chunks.over(portions.size(), [&](std::size_t i) {
      const Task& at = tasks_[portions[i].task];
      const Question question = question_of(portions[i].task);
      sums[i] = at.kernel->real == Dtype::f64 ? answer<double>(question, *at.grad, *at.kernel, portions[i])
                                              : answer<float>(question, *at.grad, *at.kernel, portions[i]);
    });
    // In the order of the portions, a parameter at a time: the same sums for any number of threads.
    std::vector<double> totals(tasks_.size());
    for (std::size_t i = 0; i < portions.size(); ++i) totals[portions[i].task] += sums[i];
    return totals;
  };
  // What makes infinity of a number beyond the safe ones.
  const auto beyond = [&](std::size_t task) {
    const double most = tasks_[task].kernel->real == Dtype::f64 ? std::numeric_limits<double>::max()
                                                                : double(std::numeric_limits<float>::max());
    return Question{false, guarded ? std::min(most, most / safe(tasks_[task])) : 1};
  };

  std::vector<double> totals = squares   ? ask([](std::size_t) { return Question{true, 1}; })
                               : guarded ? ask(beyond)
                                         : std::vector<double>();
  if (guarded) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const double most = squares ? safe(tasks_[i]) * safe(tasks_[i]) : 0;
      risky_ |= !(totals[i] <= most) || !std::isfinite(totals[i]) || is_near_the_end(*tasks_[i].grad->parameter);
    }
    if (risky_) {
      const std::vector<double> finite = ask([](std::size_t) { return Question{false, 1}; });
      culprit = std::size_t(std::find_if(finite.begin(), finite.end(), [](double x) { return !std::isfinite(x); }) -
                            finite.begin());
      if (culprit < tasks_.size()) return false;
    }
  }
  if (!squares) return true;

  // Squares of doubles may overflow or vanish where norms do neither: then they are summed again of other numbers.
  // Those of floats do not, in double.
  const auto of_doubles = [&](std::size_t i) { return tasks_[i].kernel->real == Dtype::f64; };
  const auto again = [&](auto by_of) { return ask([&](std::size_t i) { return Question{true, by_of(i)}; }); };
  double all = 0;
  bool others = false, doubles = false;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const double size = std::abs(tasks_[i].kernel->factors.scale);
    all += size * size * totals[i];
    doubles |= of_doubles(i);
    others |= clipnorm(tasks_[i]) != inf && of_doubles(i) && rescaling(totals[i]) != 1;
  }
  const auto by = [&](std::size_t i) { return of_doubles(i) ? rescaling(totals[i]) : 1; };
  const std::vector<double> rescaled = others ? again(by) : totals;
  for (std::size_t i = 0; i < tasks_.size(); ++i)
    if (const double most = clipnorm(tasks_[i]); most != inf)
      tasks_[i].scale = clip_factor(most, {rescaled[i], others ? by(i) : 1}, std::abs(tasks_[i].kernel->factors.scale));
  const double most = base.global_clipnorm;
  if (most == inf) return true;
  Norm global{all, doubles ? rescaling(all) : 1};
  if (global.by != 1) {
    const std::vector<double> parts = again([&](std::size_t i) { return of_doubles(i) ? global.by : 1; });
    global.squares = 0;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const double size = std::abs(tasks_[i].kernel->factors.scale) * (of_doubles(i) ? 1 : global.by);
      const double root = size * std::sqrt(parts[i]);
      global.squares += root * root;
    }
  }
  // A norm that is no number makes none of everything, as in Keras: nothing hides a divergence.
  const double norm = std::sqrt(global.squares);
  if (norm <= most * global.by) return true;
  for (Task& task : tasks_) task.scale *= std::isfinite(norm) ? most * global.by / norm : std::nan("");
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
    const Parameter& p = *task.grad->parameter;
    known.push_back({values_of(p), scalars, std::vector<double>(rules.sums)});
    for (const double* scalar : p.scalars) known.back().scalars.push_back(*scalar);
    measured_.push_back(*task.kernel);
    measured_.back().first_update =
        rules.first(known.back().values.data(), steps(p) + 1, known.back().scalars.data(), task.kernel->real);
    task.kernel = &measured_.back();
  }

  std::vector<double> found(chunks.count * rules.sums);
  chunks.run([&](std::size_t chunk, std::size_t task, std::size_t begin, std::size_t end) {
    alignas(64) double lanes[max_sums * sum_lanes] = {};
    const Task& at = tasks_[task];
    visit(*at.grad, false, begin, end, [&](const ParamSlice& slice) { at.kernel->measure(slice, at.scale, lanes); });
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
    measured_[i].update = rules.second(it.values.data(), steps(*tasks_[i].grad->parameter) + 1, sums.data(),
                                       it.scalars.data(), measured_[i].real);
    if (rules.global) continue;
    rules.advance(it.values.data(), sums.data(), it.scalars.data());
    for (std::size_t k = 0; k < it.scalars.size(); ++k) *tasks_[i].grad->parameter->scalars[k] = it.scalars[k];
  }
  if (rules.global) rules.advance(groups[0].values.data(), all.data(), scalars.data());
}

}  // namespace gs
