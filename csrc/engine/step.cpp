#include "engine/step.hpp"

#include <algorithm>
#include <cmath>

#include "engine/dispatch.hpp"
#include "engine/factored.hpp"
#include "engine/orthogonal.hpp"
#include "engine/visit.hpp"

namespace gs {
namespace {

// Elements a chunk: its 4 to 7 streams of floats fill half an L2 cache. Whole blocks of int8 state.
constexpr std::size_t chunk_size = 1 << 15;
// Below this many elements a second thread would save less than it can cost the loop around us, whose BLAS has threads
// of its own on the same cores.
constexpr std::size_t parallel_size = 1 << 20;
// What an element of a row that lies far from the others costs, in elements side by side.
constexpr std::size_t row_cost = 16;
// The same where matrices are multiplied.
constexpr std::size_t parallel_products = 1 << 14;

// Elements a chunk.
std::size_t chunk_of(const Move& m) { return m.rows ? row_chunk(m.rows->columns) : chunk_size; }

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

/// The parameters of a step in chunks, each of one parameter.
class Optimizer::Chunks {
 public:
  Chunks(const std::vector<Task>& tasks, Crew* crew) : tasks_(tasks), crew_(crew) {
    for (const Task& task : tasks) count += chunks(task);
    if (!crew) return;
    list_.reserve(count);
    visit([&](std::size_t, std::size_t task, std::size_t begin, std::size_t end) {
      list_.push_back({task, begin, end});
    });
  }

  /// work(chunk, task, begin, end) for all chunks, in any order.
  template <class Work> void run(Work work) const {
    if (!crew_) return visit(work);
    crew_->phase(list_.size(), [&](std::size_t i, int) { work(i, list_[i].task, list_[i].begin, list_[i].end); });
  }

  static std::size_t chunks(const Task& task) {
    return (task.move->size() + chunk_of(*task.move) - 1) / chunk_of(*task.move);
  }
  std::size_t count = 0;

 private:
  template <class Visit> void visit(Visit visit) const {
    std::size_t chunk = 0;
    for (std::size_t task = 0; task < tasks_.size(); ++task) {
      const std::size_t n = tasks_[task].move->size(), most = chunk_of(*tasks_[task].move);
      for (std::size_t begin = 0; begin < n; begin += most) visit(chunk++, task, begin, std::min(begin + most, n));
    }
  }

  struct Chunk {
    std::size_t task, begin, end;
  };
  const std::vector<Task>& tasks_;
  Crew* const crew_;
  std::vector<Chunk> list_;
};

Optimizer::Optimizer(const Rule& rule, std::vector<double> values, const Options& options)
    : rule(rule), options(options) {
  const std::size_t n = values.size();
  groups.push_back({std::move(values), std::vector<bool>(n, true)});
  if (rule.measuring.global) scalars.resize(rule.measuring.scalars.size());
}

std::vector<const char*> Optimizer::extra_slots() const {
  std::vector<const char*> names;
  if (options.accumulate > 1) names.push_back("accumulated");
  if (options.average) names.push_back("average");
  return names;
}

std::vector<const char*> Optimizer::own_scalars() const {
  return rule.measuring.global ? std::vector<const char*>{} : rule.measuring.scalars;
}

void Optimizer::follow() {
  for (const Track& track : tracks)
    groups[track.group].values[track.field] = track.values[std::size_t(t - track.first)];
  for (std::size_t k = 1; k < groups.size(); ++k)
    for (std::size_t i = 0; i < groups[k].values.size(); ++i)
      if (!groups[k].own[i]) groups[k].values[i] = groups[0].values[i];
  manners_.resize(groups.size() * 8);
  made_.assign(groups.size() * 8, false);
}

std::vector<double> Optimizer::values_of(const Parameter& parameter) const {
  std::vector<double> values = groups[parameter.group].values;
  if (rule.aside.at && !parameter.is_matrix) values[rule.weight_decay] = rule.aside.decay(values.data());
  if (!parameter.decays) values[rule.weight_decay] = 0;
  return values;
}

const Manner& Optimizer::manner(const Parameter& parameter) {
  const Dtype real = real_of(parameter.dtype);
  const std::size_t at =
      parameter.group * 8 + std::size_t(int(real)) * 4 + std::size_t(parameter.decays) * 2 + parameter.is_matrix;
  Manner& how = manners_[at];
  if (made_[at]) return how;
  made_[at] = true;
  const std::vector<double> values = values_of(parameter);
  const Common common = rule.common(values.data());
  how = {};
  const auto stored = [&](const auto& table, int index) {
    return options.storage == Storage::int8   ? table.packed[index]
           : options.storage == Storage::bf16 ? table.halved[index]
                                              : table.sweep[index][int(real)];
  };
  const bool aside = rule.aside.at && !parameter.is_matrix;
  const int index = aside ? rule.aside.index : rule.index;
  if (index >= 0) how.sweep = stored(kernels().sweep, index);
  if (rule.measuring.sums > 0)
    how.first = stored(kernels().measure, index);
  else if (aside)
    how.update = rule.aside.at(values.data(), t + 1, real);
  else if (rule.at)
    how.update = rule.at(values.data(), t + 1, real);
  how.real = real;
  how.slots = rule.slots.size();
  how.factors.keep = options.coupled_decay ? 1 : 1 - values[rule.learning_rate] * common.weight_decay;
  how.factors.scale = (options.maximize ? -1 : 1) / common.loss_scale_factor / double(options.accumulate);
  how.couple = options.coupled_decay ? common.weight_decay : 0;
  how.limit = common.clipvalue;
  int slot = int(rule.slots.size());
  if (options.accumulate > 1) {
    how.sum = slot++;
    how.only_sum = summed + 1 < options.accumulate;
  }
  if (options.average) {
    how.average = slot++;
    how.average_keep = t == 0 ? 0 : common.ema_momentum;
    how.overwrite = options.overwrite > 0 && (t + 1) % options.overwrite == 0;
  }
  how.storage = options.storage;
  if (how.storage != Storage::real) how.dither = std::make_shared<const Dither>(std::uint64_t(t));
  how.stochastic = options.stochastic && parameter.dtype == Dtype::bf16;
  how.seed = options.seed;
  how.t = std::uint64_t(t);
  how.plain = how.limit == inf && how.couple == 0 && how.sum < 0 && how.average < 0;
  return how;
}

bool Optimizer::measures() const {
  if (options.nonfinite != Options::Nonfinite::propagate) return true;
  for (const Group& group : groups)
    if (const Common common = rule.common(group.values.data()); common.clipnorm != inf || common.global_clipnorm != inf)
      return true;
  return false;
}

bool Optimizer::needs_whole() const {
  return rule.measures() || measures() || options.accumulate > 1 || options.storage == Storage::int8;
}

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
        rules.first(known.back().values.data(), t + 1, known.back().scalars.data(), task.how->real);
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
    measured_[i].update = rules.second(it.values.data(), t + 1, sums.data(), it.scalars.data(), measured_[i].real);
    if (rules.global) continue;
    rules.advance(it.values.data(), sums.data(), it.scalars.data());
    for (std::size_t k = 0; k < it.scalars.size(); ++k) *tasks_[i].move->parameter->scalars[k] = it.scalars[k];
  }
  if (rules.global) rules.advance(groups[0].values.data(), all.data(), scalars.data());
}

/// A step of a rule that sees matrices.
void Optimizer::factor(Crew* crew) const {
  std::vector<FactoredTask> tasks;
  for (const Task& task : tasks_) {
    const std::vector<double> values = values_of(*task.move->parameter);
    tasks.push_back({task.move, task.how, task.scale, rule.factored(values.data(), t + 1, task.how->real)});
  }
  factored_step(tasks, crew);
}

/// The matrices of a rule that makes them orthogonal.
void Optimizer::turn(Crew& crew) const {
  for (const Task& task : tasks_) {
    const Parameter& p = *task.move->parameter;
    if (!p.is_matrix) continue;
    const auto& shape = p.layout.shape;
    const std::vector<double> values = values_of(p);
    const Orthogonal constants = rule.orthogonal(values.data(), double(shape[0]), double(shape[1]));
    orthogonal_step({task.move, task.how, task.scale, constants}, crew);
  }
}

void Optimizer::plan(const std::vector<Move>& moves) {
  tasks_.clear();
  for (const Move& m : moves) tasks_.push_back({&m, &manner(*m.parameter), 1});
}

bool Optimizer::admits(const std::vector<Move>& moves) {
  if (options.nonfinite != Options::Nonfinite::raise) return true;
  follow();
  plan(moves);
  Chunks chunks(tasks_, nullptr);
  return look(chunks);
}

Optimizer::Outcome Optimizer::step(const std::vector<Move>& moves, Crew* crew) {
  follow();
  catch_up(moves);
  plan(moves);
  std::size_t total = 0;
  for (const Move& m : moves) total += m.rows ? m.size() * row_cost : m.size();
  bool allowed = true;
  const auto phases = [&](Crew* crew) {
    Chunks chunks(tasks_, crew);
    if (measures()) allowed = look(chunks);
    if (!allowed) return;
    const bool moves = summed + 1 == options.accumulate;
    if (rule.factored && moves) return factor(crew);
    if (rule.measuring.sums > 0 && moves) measure(chunks);
    const bool turns = rule.orthogonal && moves;
    chunks.run([&](std::size_t, std::size_t task, std::size_t begin, std::size_t end) {
      const Task& at = tasks_[task];
      if (turns && at.move->parameter->is_matrix) return;
      if (at.move->rows) return move_rows(*at.move->parameter, at.move->rows, at.how, at.scale, begin, end);
      visit(*at.move, true, begin, end, [&](const Place& place) { at.how->move(place, at.scale); });
    });
    if (!turns) return;
    if (crew)
      turn(*crew);
    else
      Crew::gather(1, [&](Crew& alone) { turn(alone); });
  };
  const int threads = total < (rule.orthogonal ? parallel_products : parallel_size) ? 1 : get_num_threads();
  if (crew) {
    phases(crew);
  } else if (threads == 1) {
    const FlushSubnormals flush;
    phases(nullptr);
  } else {
    Crew::gather(threads, [&](Crew& crew) { phases(&crew); });
  }
  if (!allowed) {
    if (options.nonfinite == Options::Nonfinite::skip) ++skipped;
    return Outcome::nonfinite;
  }
  if (summed + 1 < options.accumulate) {
    ++summed;
    return Outcome::summed;
  }
  for (const Task& task : tasks_)
    if (const auto& arrears = task.move->parameter->arrears; arrears && task.move->rows)
      arrears->add(*task.how, task.scale, task.move->rows->rows);
  count();
  return Outcome::moved;
}

/// What may throw for rows' sake, and what moves whole parameters needs them up to date.
void Optimizer::catch_up(const std::vector<Move>& moves) {
  for (const Move& m : moves) {
    const Parameter& p = *m.parameter;
    if (!p.arrears) continue;
    if (!m.rows || p.arrears->full()) flush(p);
    if (!m.rows) continue;
    std::vector<double> start;
    for (std::size_t s = 0; s < rule.slots.size(); ++s) start.push_back(rule.start(groups[p.group].values.data(), s));
    p.arrears->prepare(start);
  }
}

void Optimizer::count() {
  summed = 0;
  ++t;
}

}  // namespace gs
