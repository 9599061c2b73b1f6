// Training loops as Python sees them: over the templates for float and double.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/guard.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/models/scoring.hpp"
#include "bindings/optimizers/stepper.hpp"
#include "bindings/turns.hpp"
#include "train/loop/train_loop.hpp"

namespace gs {

class PyTrainLoop {
 public:
  /// What a run has to itself while it works without the interpreter's lock; made and ended with that lock.
  class Session {
   public:
    virtual ~Session() = default;
    virtual void start(RowOrder order, std::uint32_t number, std::vector<std::int64_t> ids) = 0;
    virtual bool advance(double seconds) = 0;
    /// Of this one and of others, whose runs go with its own: see TrainLoop::advance_together.
    virtual bool advance_with(const std::vector<Session*>& others, double seconds) = 0;
    /// Whether `advance` ended at what `check_refused` raises.
    virtual bool is_refused() const = 0;
    /// What the pass has found, whose rows are forgotten.
    virtual Totals finish() = 0;
  };

  virtual ~PyTrainLoop() = default;
  /// For so many steps.
  virtual std::unique_ptr<Session> session(std::size_t steps) = 0;
  virtual bool changes_weights() const = 0;
  /// See TrainLoop::goes_with.
  virtual bool goes_with(const PyTrainLoop& other, bool any_order = false) const = 0;
  virtual bool asks_python() const = 0;
  virtual std::size_t steps_left() const = 0;
  virtual std::size_t steps_of(std::size_t rows) const = 0;
  /// Numbers of rows that a pass can take; of none: all.
  virtual std::vector<std::int64_t> check_order(const std::optional<py::array>& given) const = 0;
  /// How many rows a pass over all takes.
  virtual std::size_t check_count() const = 0;
  virtual py::tuple progress_of(const Totals& totals) const = 0;
  virtual void check_refused() const = 0;
  virtual void take(py::handle x, py::handle y, const py::object& weights, const py::object& mask) = 0;
  virtual void release() = 0;
  virtual void start(const std::optional<py::array>& order, std::uint32_t number, const std::optional<py::array>& ids,
                     bool by_buckets) = 0;
  virtual void sum_gradients(const py::array& x, const py::array& sum, const std::vector<std::size_t>& places) = 0;
  virtual bool is_at(const py::array& x, const std::vector<std::size_t>& places) const = 0;
  virtual bool advance(double seconds) = 0;
  virtual void update() = 0;
  virtual py::list exchanges() = 0;
  virtual std::vector<std::pair<std::size_t, std::size_t>> buckets() = 0;
  virtual py::object due() const = 0;
  virtual void take_sum(std::size_t number, const py::array& total, bool moves) = 0;
  virtual std::vector<std::pair<std::string, double>> profile(double seconds) = 0;
  virtual py::tuple progress() const = 0;
  virtual py::tuple totals() const = 0;
  virtual py::list gradients() const = 0;
  virtual py::array gradient_memory() const = 0;
  virtual py::object outputs() const = 0;
  virtual py::list masks() const = 0;
  virtual bool over() const = 0;
};

/// Numbers of rows below a limit; none: all of them.
std::vector<std::int64_t> rows_in_order(const std::optional<py::array>& given, std::size_t limit);
/// Batches, rows, mean loss, and the means of the outputs' losses, if there are several, and of the metrics.
py::tuple progress_of(const std::vector<Scoring>& scorings, const Totals& totals);
/// All that is called of a run.
void bind_methods(SharedClass<PyTrainLoop>& loop);

/// What has the place of rows' numbers where random numbers depend on them, as many; none: nothing has.
inline std::vector<std::int64_t> check_ids(const std::optional<py::array>& given, std::size_t rows) {
  if (!given) return {};
  const py::array ids = check_rows<std::int64_t>(*given, "ids", -1);
  if (std::size_t(ids.size()) != rows) throw py::value_error("ids must have one number for each row of the pass.");
  return {data<std::int64_t>(ids), data<std::int64_t>(ids) + ids.size()};
}

template <class Real> class TypedTrainLoop : public PyTrainLoop {
 public:
  TypedTrainLoop(py::object owner, std::shared_ptr<Guard> guard, const Network<Real>& network,
                 const std::vector<Scoring>& scorings, std::vector<py::object> losses, DataSet<Real> data,
                 std::size_t batch_size, std::unique_ptr<PyStepper> stepper, std::vector<py::array> gradients,
                 bool in_shards)
      : owner_(std::move(owner)),
        guard_(std::move(guard)),
        data_(std::move(data)),
        stepper_(std::move(stepper)),
        gradients_(std::move(gradients)),
        scorings_(scorings),
        network_(network),
        batch_size_(batch_size),
        loop_(network, scorings, data_.data(), batch_size, check_stepper(), pointers(gradients_), in_shards),
        losses_(std::move(losses)) {
    loop_.ask_loss = [this](auto&&... of_batch) { return ask_loss(of_batch...); };
  }

  void take(py::handle x, py::handle y, const py::object& weights, const py::object& mask) override {
    check_idle();
    DataSet<Real> next(network_, scorings_, x, y, weights, mask, true);
    data_ = std::move(next);
    loop_.take(data_.data());
  }

  void release() override {
    check_idle();
    loop_.start({}, 0);
    data_.release();
  }

  std::vector<std::int64_t> check_order(const std::optional<py::array>& given) const override {
    std::vector<std::int64_t> order = rows_in_order(given, data_.rows());
    network_.check_batches(order.size(), batch_size_);
    return order;
  }

  std::size_t check_count() const override {
    network_.check_batches(data_.rows(), batch_size_);
    return data_.rows();
  }

  void start(const std::optional<py::array>& given, std::uint32_t number, const std::optional<py::array>& ids,
             bool by_buckets) override {
    check_idle();
    std::vector<std::int64_t> order = check_order(given);
    loop_.start(std::move(order), number, check_ids(ids, order.size()), by_buckets);
    sum_ = py::none();
  }

  void sum_gradients(const py::array& x, const py::array& sum, const std::vector<std::size_t>& places) override {
    check_idle();
    check_places(network_, places, std::size_t(x.size()));
    if (gradients_.empty()) throw py::value_error("gradients must be left to be summed.");
    if (!is_vector<Real>(x) || !is_vector<double>(sum) || sum.size() != x.size())
      throw py::type_error("x must be a vector of the network's dtype, and sum one of float64, as long.");
    check_writable(sum, "sum");
    const Hold hold(guard_, Use::change);
    sum_ = sum;
    loop_.sum_gradients(data<Real>(x), data<double>(sum), places);
  }

  bool is_at(const py::array& x, const std::vector<std::size_t>& places) const override {
    check_places(network_, places, std::size_t(x.size()));
    if (!is_vector<Real>(x)) throw py::type_error("x must be a vector of the network's dtype.");
    const Hold hold(guard_, Use::read);
    return loop_.is_at(data<Real>(x), places);
  }

  bool advance(double seconds) override {
    const bool over = alone([&](const Guard& guard) { return loop_.advance(seconds, guard); });
    check_refused();
    return over;
  }

  void update() override {
    if (!stepper_ || gradients_.empty()) throw py::value_error("update is for a loop that leaves gradients to a step.");
    if (!alone([&](const Guard&) { return loop_.update(); }, 1)) stepper_->throw_refused();
  }

  py::list exchanges() override {
    check_idle();
    py::list all;
    for (const Exchange* exchange : loop_.exchanges()) all.append(py::make_tuple(exchange->count, exchange->backward));
    return all;
  }

  std::vector<std::pair<std::size_t, std::size_t>> buckets() override { return check_idle(), loop_.buckets(); }

  // A copy of the numbers, or None
  py::object due() const override {
    check_idle();
    const Exchange* const due = loop_.due();
    return due ? py::object(py::array_t<double>(py::ssize_t(due->count), due->own)) : py::object(py::none());
  }

  void take_sum(std::size_t number, const py::array& total, bool moves) override {
    check_idle();
    const auto all = loop_.exchanges();
    const py::array sum = check_rows<double>(total, "the sum of an exchange", -1);
    if (number >= all.size() || std::size_t(sum.size()) != all[number]->count)
      throw py::value_error("number must be that of an exchange, and the sum as long as it.");
    const Hold hold(guard_, Use::change);
    loop_.take_sum(number, data<double>(sum), moves);
  }

  std::vector<std::pair<std::string, double>> profile(double seconds) override {
    return alone([&](const Guard&) { return loop_.profile(seconds); });
  }

  py::tuple progress() const override { return progress_of(loop_); }

  py::tuple progress_of(const Totals& totals) const override { return gs::progress_of(scorings_, totals); }

  py::tuple totals() const override {
    std::vector<double> divisors;
    for (std::size_t k = 0; k < scorings_.size(); ++k)
      divisors.push_back(loop_.last() && scorings_[k].loss.info ? loop_.last()->heads[k].divisor() : 0.0);
    return py::make_tuple(loop_.loss_total, loop_.head_totals, loop_.metric_totals, loop_.head_counts, divisors);
  }

  // Copies: the memory is written again by the next batch, and moves with the optimizer's settings.
  py::object outputs() const override {
    check_idle();
    return copies(loop_.last());
  }

  py::list masks() const override {
    check_idle();
    py::list all;
    for (std::size_t k = 0; k < scorings_.size(); ++k)
      all.append(loop_.last() ? mask_of(loop_.last()->heads[k]) : py::object(py::none()));
    return all;
  }

  bool over() const override { return loop_.steps_left() == 0; }
  std::size_t steps_left() const override { return loop_.steps_left(); }
  std::size_t steps_of(std::size_t rows) const override { return loop_.steps_of(rows); }

  bool changes_weights() const override {
    return stepper_ || !gradients_.empty() || network_.has_externals() || network_.batch;
  }
  bool goes_with(const PyTrainLoop& other, bool any_order) const override {
    const auto* const same = dynamic_cast<const TypedTrainLoop*>(&other);
    return same && !asks_python() && !same->asks_python() && loop_.goes_with(same->loop_, any_order);
  }
  bool asks_python() const override {
    return network_.has_externals() ||
           std::any_of(scorings_.begin(), scorings_.end(), [](const Scoring& one) { return one.by_caller; });
  }
  std::unique_ptr<Session> session(std::size_t steps) override { return std::make_unique<Held>(*this, steps); }

  void check_refused() const override {
    if (const auto& bad = loop_.bad_label(); bad.row >= 0)
      throw_bad_label(member("y", bad.output, scorings_.size()), bad.row, bad.label,
                      last_of(network_.shape(network_.outputs[bad.output])));
    if (loop_.refused()) stepper_->throw_refused();
  }

  py::list gradients() const override {
    py::list all;
    for (const py::array& gradient : gradients_) all.append(gradient);
    return all;
  }

  // They lie one after another, with zeros between, and after them to the end of a cache line.
  py::array gradient_memory() const override {
    if (gradients_.empty()) return py::array_t<Real>(0);
    const Real *const first = data<Real>(gradients_.front()), *const last = data<Real>(gradients_.back());
    const std::size_t size = align<Real>(std::size_t(last - first) + std::size_t(gradients_.back().size()));
    return py::array_t<Real>(py::ssize_t(size), first, gradients_.front().base());
  }

 private:
  template <class T> static bool is_vector(const py::array& array) {
    return has_dtype<T>(array) && array.ndim() == 1 && array.strides(0) == array.itemsize();
  }

  // (samples, parts), or None
  static py::object mask_of(const Head<Real>& head) {
    if (head.mask().empty()) return py::none();
    const auto parts = py::ssize_t(head.parts);
    py::array_t<bool> mask({py::ssize_t(head.rows) / parts, parts});
    std::copy(head.mask().begin(), head.mask().end(), mask.mutable_data());
    return mask;
  }

  // Asks a loss of Python's: (rows, outputs, mask) -> (its share, the same without its factor, its gradient by the
  // outputs).
  double ask_loss(std::size_t output, const Head<Real>& head, const std::int64_t* rows, std::size_t count, double& own,
                  Real* dy) const {
    const py::gil_scoped_acquire python;
    const auto samples = py::ssize_t(count), columns = py::ssize_t(head.n * head.parts);
    const py::array_t<std::int64_t> which(samples, rows);
    const py::array_t<Real> outputs({samples, columns}, head.outputs);
    const auto found = losses_[output](which, outputs, mask_of(head)).template cast<py::tuple>();
    own = found[1].template cast<double>();
    if (dy) {
      const py::array gradient = check_rows<Real>(found[2], "the gradient of a loss", columns);
      if (gradient.shape(0) != samples) throw py::value_error("the gradient of a loss must have a row for each of x.");
      std::copy_n(data<Real>(gradient), samples * columns, dy);
    }
    return found[0].template cast<double>();
  }

  // An array for the output, or a list of one for each.
  py::object copies(const Executor<Real>* executor) const {
    py::list all;
    for (std::size_t k = 0; k < scorings_.size(); ++k) {
      const auto rows = py::ssize_t(executor ? executor->batch : 0), columns = py::ssize_t(network_.output_size(k));
      all.append(executor ? py::array_t<Real>({rows, columns}, executor->heads[k].outputs)
                          : py::array_t<Real>({rows, columns}));
    }
    return all.size() == 1 ? py::object(all[0]) : py::object(all);
  }

  // Work without the interpreter's lock is safe: x, y, network and optimizer are held, and marked as in use; and nobody
  // else changes the weights meanwhile, or uses them while they change.
  class Held : public Session {
   public:
    Held(TypedTrainLoop& run, std::size_t steps)
        : run_(run), hold_(run.guard_, run.changes_weights() ? Use::change : Use::read), mark_(run) {
      if (run.stepper_) steps_.emplace(*run.stepper_, steps);
    }
    const Guard& guard() const { return hold_.guard(); }
    void start(RowOrder order, std::uint32_t number, std::vector<std::int64_t> ids) override {
      run_.loop_.start(std::move(order), number, std::move(ids));
    }
    bool advance(double seconds) override { return run_.loop_.advance(seconds, guard()); }
    bool advance_with(const std::vector<Session*>& others, double seconds) override {
      std::vector<TrainLoop<Real>*> loops{&run_.loop_};
      std::vector<const Guard*> guards{&guard()};
      for (Session* const other : others) {
        auto& held = dynamic_cast<Held&>(*other);
        loops.push_back(&held.run_.loop_);
        guards.push_back(&held.guard());
      }
      return TrainLoop<Real>::advance_together(loops, seconds, guards);
    }
    bool is_refused() const override { return run_.loop_.bad_label().row >= 0 || run_.loop_.refused(); }
    Totals finish() override {
      Totals totals = run_.loop_;
      run_.loop_.start({}, 0);
      return totals;
    }

   private:
    struct Mark {
      explicit Mark(TypedTrainLoop& run) : run(run) {
        run.check_idle();
        run.busy_ = true;
      }
      ~Mark() { run.busy_ = false; }
      Mark(const Mark&) = delete;
      TypedTrainLoop& run;
    };
    TypedTrainLoop& run_;
    const Hold hold_;
    const Mark mark_;
    std::optional<PyStepper::Busy> steps_;
  };

  template <class Work> auto alone(Work work) { return alone(work, gradients_.empty() ? loop_.steps_left() : 0); }
  // The optimizer is made ready for so many steps.
  template <class Work> auto alone(Work work, std::size_t steps) {
    const Held held(*this, steps);
    return released([&] { return work(held.guard()); });
  }

  static std::vector<Real*> pointers(const std::vector<py::array>& arrays) {
    std::vector<Real*> all;
    for (const py::array& array : arrays) all.push_back(data<Real>(array));
    return all;
  }

  void check_idle() const {
    if (busy_) throw std::runtime_error("this run is in the middle of a step on another thread.");
    if (stepper_) stepper_->check_idle();
  }

  // The engine's, if it steps the network's weights.
  Stepper* check_stepper() const {
    if (!stepper_) return nullptr;
    std::vector<const std::byte*> weights;
    for (const auto& layer : plain_weights(network_))
      for (const Weight<Real>& weight : layer)
        if (weight.trainable()) weights.push_back(reinterpret_cast<const std::byte*>(weight.w));
    stepper_->check_weights(weights);
    return &stepper_->engine();
  }

  const py::object owner_;  // the network
  const std::shared_ptr<Guard> guard_;
  DataSet<Real> data_;
  const std::unique_ptr<PyStepper> stepper_;  // null: nothing is trained
  const std::vector<py::array> gradients_;
  const std::vector<Scoring> scorings_;
  const Network<Real>& network_;
  const std::size_t batch_size_;
  TrainLoop<Real> loop_;
  const std::vector<py::object> losses_;  // (output), of those that Python computes
  py::object sum_ = py::none();           // what the loop adds gradients to
  bool busy_ = false;
};

}  // namespace gs
