#include "update/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/dispatch.hpp"
#include "update/backup.hpp"
#include "update/chunks.hpp"
#include "update/factored.hpp"
#include "update/orthogonal.hpp"
#include "update/visit.hpp"

namespace gs {
namespace {

// Below this many elements a second thread would save less than it can cost the loop around us, whose BLAS has threads
// of its own on the same cores: by itself a step of 400,000 takes half the time on two, but between NumPy's products
// steps of 500,000 took a third longer.
constexpr std::size_t parallel_size = 1'000'000;
// What an element of a row that lies far from the others costs, in elements side by side.
constexpr std::size_t row_cost = 16;
// The same where matrices are multiplied.
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

void Optimizer::follow() {
  for (const Track& track : tracks)
    groups[track.group].values[track.field] = track.values[std::size_t(t - track.first)];
  for (std::size_t k = 1; k < groups.size(); ++k)
    for (std::size_t i = 0; i < groups[k].values.size(); ++i)
      if (!groups[k].own[i]) groups[k].values[i] = groups[0].values[i];
  manners_.resize(groups.size() * 8);
  made_.assign(groups.size() * 8, -1);
  others_.clear();
}

std::vector<double> Optimizer::values_of(const Parameter& parameter) const {
  std::vector<double> values = groups[parameter.group].values;
  if (rule.aside.at && !parameter.is_matrix) values[rule.weight_decay] = rule.aside.decay(values.data());
  if (!parameter.decays) values[rule.weight_decay] = 0;
  return values;
}

double Optimizer::learning_rate(const Parameter& parameter) const {
  return rule.learning_rate < rule.fields.size() ? values_of(parameter)[rule.learning_rate] : 1;
}

const Manner& Optimizer::manner(const Parameter& parameter) {
  const Dtype real = real_of(parameter.dtype);
  const std::size_t at =
      parameter.group * 8 + std::size_t(int(real)) * 4 + std::size_t(parameter.decays) * 2 + parameter.is_matrix;
  const std::int64_t steps = this->steps(parameter);
  if (made_[at] == steps) return manners_[at];
  const bool is_first = made_[at] < 0;
  if (is_first) made_[at] = steps;
  if (const auto known = others_.find({at, steps}); !is_first && known != others_.end()) return known->second;
  Manner& how = is_first ? manners_[at] : others_[{at, steps}];
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
    how.update = rule.aside.at(values.data(), steps + 1, real);
  else if (rule.at)
    how.update = rule.at(values.data(), steps + 1, real);
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

/// A step of a rule that sees matrices.
void Optimizer::factor(Crew* crew) const {
  std::vector<FactoredTask> tasks;
  for (const Task& task : tasks_) {
    const std::vector<double> values = values_of(*task.move->parameter);
    tasks.push_back({task.move, task.how, task.scale,
                     rule.factored(values.data(), steps(*task.move->parameter) + 1, task.how->real)});
  }
  factored_step(tasks, crew);
}

/// The steps of the matrices of a rule that makes them orthogonal, made ready.
std::vector<std::unique_ptr<OrthogonalStep>> Optimizer::turn(Crew& crew) const {
  std::vector<std::unique_ptr<OrthogonalStep>> steps;
  for (const Task& task : tasks_) {
    const Parameter& p = *task.move->parameter;
    if (!p.is_matrix || p.layout.size == 0) continue;
    const auto& shape = p.layout.shape;
    const std::vector<double> values = values_of(p);
    const Orthogonal constants = rule.orthogonal(values.data(), double(shape[0]), double(shape[1]));
    steps.push_back(orthogonal_step({task.move, task.how, task.scale, constants}));
    steps.back()->prepare(crew);
  }
  return steps;
}

void Optimizer::plan(const std::vector<Move>& moves) {
  tasks_.clear();
  for (const Move& m : moves) tasks_.push_back({&m, &manner(*m.parameter), 1});
}

bool Optimizer::admits(const std::vector<Move>& moves) {
  if (options.nonfinite != Options::Nonfinite::raise) return true;
  return attempt(moves, nullptr, false);
}

/// Moves what has been looked at.
void Optimizer::advance(Chunks& chunks, Crew* crew) {
  const bool moves = summed + 1 == options.accumulate;
  if (rule.factored && moves) return factor(crew);
  if (rule.measuring.sums > 0 && moves) measure(chunks);
  const bool turns = rule.orthogonal && moves;
  // What can be cancelled comes first, and writes nothing.
  std::vector<std::unique_ptr<OrthogonalStep>> turned;
  if (turns) turned = turn(*crew);
  chunks.run([&](std::size_t, std::size_t task, std::size_t begin, std::size_t end) {
    const Task& at = tasks_[task];
    if (turns && at.move->parameter->is_matrix) return;
    if (at.move->rows) return move_rows(*at.move->parameter, at.move->rows, at.how, at.scale, begin, end);
    visit(*at.move, true, begin, end, [&](const Place& place) { at.how->move(place, at.scale); });
  });
  for (const auto& step : turned) step->move(*crew);
}

bool Optimizer::attempt(const std::vector<Move>& moves, Crew* crew, bool keep) {
  follow();
  if (keep) catch_up(moves);
  plan(moves);
  std::size_t total = 0;
  for (const Move& m : moves) total += m.rows ? m.size() * row_cost : m.size();
  bool allowed = true;
  std::optional<Backup> backup;
  risky_ = overflows = false;
  const auto phases = [&](Crew* crew) {
    Chunks chunks(tasks_, crew);
    if (measures()) allowed = look(chunks);
    if (!allowed || !(keep || risky_)) return;
    if (!keep) catch_up(moves);
    if (risky_) backup.emplace(*this, moves);
    advance(chunks, crew);
  };
  const bool is_large = total >= (rule.orthogonal ? parallel_products : parallel_size);
  const int threads = is_large ? threads_for(total / (rule.orthogonal ? parallel_products / 4 : chunk_size)) : 1;
  if (crew) {
    phases(crew);
  } else if (threads == 1 && !rule.orthogonal) {
    const FlushSubnormals flush;
    phases(nullptr);
  } else {
    Crew::gather(threads, [&](Crew& crew) { phases(&crew); });
  }
  if (!backup) return allowed;
  culprit = backup->overflowed();
  overflows = culprit < moves.size();
  if (overflows || !keep) backup->restore();
  return !overflows;
}

Optimizer::Outcome Optimizer::step(const std::vector<Move>& moves, Crew* crew, const Idle& idle) {
  const bool allowed = attempt(moves, crew, true);
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
  rest(idle);
  for (const Move& m : moves) moved(*m.parameter);
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

/// Averages of what had no gradient, as in Keras: they come nearer to weights that stay.
void Optimizer::rest(const Idle& idle) {
  if (!options.average || idle.empty()) return;
  const FlushSubnormals flush;
  for (const Parameter* p : idle) {
    const Move still{p, p->data, &p->layout, p->dtype};  // whose gradient nobody reads
    const Manner& how = manner(*p);
    visit(still, how.overwrite, 0, p->layout.size, [&](const Place& place) { how.rest(place); });
  }
}

void Optimizer::moved(const Parameter& parameter) {
  if (options.own_steps) ++*parameter.steps;
}

void Optimizer::count() {
  summed = 0;
  ++t;
}

}  // namespace gs
