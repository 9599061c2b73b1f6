#include "update/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>

#include "runtime/dispatch.hpp"
#include "update/backup.hpp"
#include "update/chunks.hpp"
#include "update/factored.hpp"
#include "update/orthogonal.hpp"
#include "update/visit.hpp"

namespace gs {
namespace {

// What an element of a row that lies far from the others costs, in elements side by side.
constexpr std::size_t row_cost = 16;
// Elements of matrices that are multiplied from which on a second thread is worth it.
constexpr std::size_t parallel_products = 1 << 14;

}  // namespace

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

void Optimizer::load_hyperparameters() {
  for (const HyperparameterTable& table : hyperparameter_tables)
    groups[table.group].values[table.field] = table.values[std::size_t(t - table.first)];
  for (std::size_t k = 1; k < groups.size(); ++k)
    for (std::size_t i = 0; i < groups[k].values.size(); ++i)
      if (!groups[k].own[i]) groups[k].values[i] = groups[0].values[i];
  kernels_.resize(groups.size() * 8);
  made_of_.resize(groups.size() * 8);
  made_.assign(groups.size() * 8, -1);
  others_.clear();
}

std::vector<double> Optimizer::values_of(const Parameter& parameter) const {
  std::vector<double> values = groups[parameter.group].values;
  if (rule.fallback.decay && !parameter.is_matrix) values[rule.weight_decay] = rule.fallback.decay(values.data());
  if (!parameter.decays) values[rule.weight_decay] = 0;
  return values;
}

double Optimizer::learning_rate(const Parameter& parameter) const {
  return rule.learning_rate < rule.fields.size() ? groups[parameter.group].values[rule.learning_rate] : 1;
}

const UpdateKernel& Optimizer::make_kernel(const Parameter& parameter, std::size_t at) {
  const Dtype real = real_of(parameter.dtype);
  const std::int64_t steps = this->steps(parameter);
  const bool is_first = made_[at] < 0;
  if (is_first) made_[at] = steps;
  if (const auto known = others_.find({at, steps}); !is_first && known != others_.end()) return known->second;
  UpdateKernel& kernel = is_first ? kernels_[at] : others_[{at, steps}];
  const bool has_own_values = !parameter.decays || (rule.fallback.decay && !parameter.is_matrix);
  const std::vector<double> own_values = has_own_values ? values_of(parameter) : std::vector<double>{};
  const double* const values = has_own_values ? own_values.data() : groups[parameter.group].values.data();
  const auto stored = [&](const auto& table, int index) {
    return options.storage == Storage::int8   ? table.packed[index]
           : options.storage == Storage::bf16 ? table.halved[index]
                                              : table.sweep[index][int(real)];
  };
  const bool fallback = rule.fallback.at && !parameter.is_matrix;
  const int index = fallback ? rule.fallback.index : rule.index;
  const bool is_plain = is_first && !has_own_values && !fallback && rule.at && index >= 0 && !options.average &&
                        options.accumulate == 1 && options.storage == Storage::real;
  std::vector<double>& made_of = made_of_[at];
  if (is_plain && std::equal(made_of.begin(), made_of.end(), values, values + rule.fields.size())) {
    kernel.sweep = stored(kernels().sweep, index);
    // In their place, here and below: to copy what has just been written in parts would wait for it.
    new (&kernel.update) AnyUpdate(rule.at(values, steps + 1, real));
    kernel.seed = options.seed;
    kernel.t = std::uint64_t(t);
    return kernel;
  }
  if (is_first) is_plain ? made_of.assign(values, values + rule.fields.size()) : made_of.clear();
  const Common common = rule.common(values);
  kernel = {};
  if (index >= 0) kernel.sweep = stored(kernels().sweep, index);
  if (rule.measuring.sums > 0)
    kernel.first = stored(kernels().measure, index);
  else if (fallback)
    new (&kernel.update) AnyUpdate(rule.fallback.at(values, steps + 1, real));
  else if (rule.at)
    new (&kernel.update) AnyUpdate(rule.at(values, steps + 1, real));
  kernel.real = real;
  kernel.slots = rule.slots.size();
  kernel.factors.decay = options.coupled_decay ? 1 : 1 - values[rule.learning_rate] * common.weight_decay;
  kernel.factors.scale = (options.maximize ? -1 : 1) / common.loss_scale_factor / double(options.accumulate);
  kernel.couple = options.coupled_decay ? common.weight_decay : 0;
  kernel.limit = common.clipvalue;
  int slot = int(rule.slots.size());
  if (options.accumulate > 1) {
    kernel.sum = slot++;
    kernel.only_sum = summed + 1 < options.accumulate;
  }
  if (options.average) {
    kernel.average = slot++;
    kernel.average_keep = t == 0 ? 0 : common.ema_momentum;
    kernel.overwrite = options.overwrite > 0 && (t + 1) % options.overwrite == 0;
  }
  kernel.storage = options.storage;
  if (kernel.storage != Storage::real) kernel.dither = std::make_shared<const Dither>(std::uint64_t(t));
  kernel.stochastic = options.stochastic;
  kernel.seed = options.seed;
  kernel.t = std::uint64_t(t);
  kernel.plain = kernel.limit == inf && kernel.couple == 0 && kernel.sum < 0 && kernel.average < 0;
  return kernel;
}

bool Optimizer::measures() const {
  if (options.nonfinite != Options::Nonfinite::propagate) return true;
  for (const Group& group : groups)
    if (const Common common = rule.common(group.values.data()); common.clipnorm != inf || common.global_clipnorm != inf)
      return true;
  return false;
}

bool Optimizer::needs_whole() const {
  return rule.measures() || rule.curvature || measures() || options.accumulate > 1 || options.storage == Storage::int8;
}

/// A step of a rule that sees matrices.
void Optimizer::factored_update(ThreadTeam* team) const {
  std::vector<FactoredTask> tasks;
  for (const Task& task : tasks_) {
    const std::vector<double> values = values_of(*task.grad->parameter);
    tasks.push_back({task.grad, task.kernel, task.scale,
                     rule.factored(values.data(), steps(*task.grad->parameter) + 1, task.kernel->real)});
  }
  factored_step(tasks, team);
}

/// The steps of the matrices of a rule that makes them orthogonal, made ready.
std::vector<std::unique_ptr<OrthogonalStep>> Optimizer::orthogonalize(ThreadTeam& team) const {
  std::vector<std::unique_ptr<OrthogonalStep>> steps;
  for (const Task& task : tasks_) {
    const Parameter& p = *task.grad->parameter;
    if (!p.is_matrix || p.layout.size == 0) continue;
    const auto& shape = p.layout.shape;
    const std::vector<double> values = values_of(p);
    const Orthogonal constants = rule.orthogonal(values.data(), double(shape[0]), double(shape[1]));
    steps.push_back(orthogonal_step({task.grad, task.kernel, task.scale, constants}));
    steps.back()->prepare(team);
  }
  return steps;
}

void Optimizer::make_tasks(const std::vector<ParamGrad>& grads) {
  tasks_.clear();
  for (const ParamGrad& m : grads) tasks_.push_back({&m, &update_kernel(*m.parameter), 1});
}

bool Optimizer::admits(const std::vector<ParamGrad>& grads, ThreadTeam* team) {
  if (options.nonfinite != Options::Nonfinite::raise) return true;
  return attempt(grads, team, false);
}

/// Updates the parameters, once their gradients have been checked.
void Optimizer::advance(Chunks& chunks, ThreadTeam* team) {
  const bool updates = summed + 1 == options.accumulate;
  if (rule.factored && updates) return factored_update(team);
  if (rule.measuring.sums > 0 && updates) measure(chunks);
  const bool orthogonalizes = rule.orthogonal && updates;
  // What can be cancelled comes first, and writes nothing.
  std::vector<std::unique_ptr<OrthogonalStep>> orthogonal;
  if (orthogonalizes) orthogonal = orthogonalize(*team);
  chunks.run([&](std::size_t, std::size_t task, std::size_t begin, std::size_t end) {
    const Task& at = tasks_[task];
    if (orthogonalizes && at.grad->parameter->is_matrix) return;
    if (at.grad->rows) return update_rows(*at.grad->parameter, at.grad->rows, at.kernel, at.scale, begin, end);
    visit(*at.grad, true, begin, end, [&](const ParamSlice& slice) { at.kernel->apply(slice, at.scale); });
  });
  for (const auto& step : orthogonal) step->apply(*team);
}

bool Optimizer::attempt(const std::vector<ParamGrad>& grads, ThreadTeam* team, bool keep) {
  load_hyperparameters();
  if (keep) catch_up(grads);
  make_tasks(grads);
  std::size_t total = 0;
  for (const ParamGrad& m : grads) total += m.rows ? m.size() * row_cost : m.size();
  bool allowed = true;
  std::optional<Backup> backup;
  risky_ = overflows = false;
  const auto stages = [&](ThreadTeam* team) {
    Chunks chunks(tasks_, team);
    if (measures()) allowed = check_gradients(chunks);
    if (!allowed || !(keep || risky_)) return;
    if (!keep) catch_up(grads);
    if (risky_) backup.emplace(*this, grads);
    advance(chunks, team);
  };
  const int threads = !rule.orthogonal            ? threads_worth(total)
                      : total < parallel_products ? 1
                                                  : threads_for(total / (parallel_products / 4));
  if (team) {
    stages(team);
  } else if (threads == 1 && !rule.orthogonal) {
    const FlushSubnormals flush;
    stages(nullptr);
  } else {
    ThreadTeam::run(threads, [&](ThreadTeam& team) { stages(&team); });
  }
  if (!backup) return allowed;
  culprit = backup->overflowed();
  overflows = culprit < grads.size();
  if (overflows || !keep) backup->restore();
  return !overflows;
}

Optimizer::Outcome Optimizer::step(const std::vector<ParamGrad>& grads, ThreadTeam* team, const Idle& idle) {
  const bool allowed = attempt(grads, team, true);
  if (!allowed) {
    if (options.nonfinite == Options::Nonfinite::skip) ++skipped;
    return Outcome::nonfinite;
  }
  if (summed + 1 < options.accumulate) {
    ++summed;
    return Outcome::accumulated;
  }
  for (const Task& task : tasks_)
    if (task.grad->rows && task.grad->parameter->pending)
      task.grad->parameter->pending->add(*task.kernel, task.scale, task.grad->rows->rows);
  update_averages(idle);
  for (const ParamGrad& m : grads) count_step(*m.parameter);
  count();
  return Outcome::updated;
}

std::vector<double> Optimizer::starts(const Parameter& parameter) const {
  std::vector<double> all;
  for (std::size_t s = 0; s < rule.slots.size(); ++s)
    all.push_back(rule.start(groups[parameter.group].values.data(), s));
  return all;
}

/// What may throw for row-sparse gradients; and whole updates need all rows up to date.
void Optimizer::catch_up(const std::vector<ParamGrad>& grads) {
  for (const ParamGrad& m : grads) {
    const Parameter& p = *m.parameter;
    if (!p.pending) continue;
    if (!m.rows || p.pending->full()) flush(p);
    if (!m.rows) continue;
    p.pending->prepare(starts(p));
  }
}

/// Averages of parameters without a gradient, as in Keras: they come nearer to weights that stay.
void Optimizer::update_averages(const Idle& idle) {
  if (!options.average || idle.empty()) return;
  const FlushSubnormals flush;
  for (const Parameter* p : idle) {
    const ParamGrad still{p, p->data, &p->layout, p->dtype};  // whose gradient nobody reads
    const UpdateKernel& kernel = update_kernel(*p);
    visit(still, kernel.overwrite, 0, p->layout.size, [&](const ParamSlice& slice) { kernel.average_only(slice); });
  }
}

void Optimizer::count_step(const Parameter& parameter) {
  if (options.own_steps) ++*parameter.steps;
}

void Optimizer::count() {
  summed = 0;
  ++t;
}

}  // namespace gs
