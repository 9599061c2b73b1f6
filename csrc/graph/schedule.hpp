// The schedule of one pass over a batch, built once per batch size and run many times. Layers and losses add the
// operations below. The schedule fuses an activation, or a sum of gradients, with the product before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/backward_chains.hpp"
#include "graph/convolution/patches.hpp"
#include "graph/curvature_tap.hpp"
#include "graph/external_call.hpp"
#include "graph/gradient.hpp"
#include "graph/jobs.hpp"
#include "graph/matrix.hpp"
#include "graph/sample_products.hpp"
#include "graph/stages.hpp"
#include "graph/workspaces.hpp"
#include "kernels/products/indirection.hpp"
#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"

namespace gs {

template <class Real> class Schedule : public Workspaces<Real> {
 public:
  Schedule(std::size_t batch, bool training, const UpdateEpilogue& epilogue)
      : batch(batch), training(training), ids(batch), epilogue_(epilogue) {}

  // -- the operations --------------------------------------------------------------------------------------------

  // x (rows, in), w (in, out), b (out) or null -> z (rows, out)
  void product(const Rows& x, const Weight<Real>* w, const Weight<Real>* b, Matrix<Real> z) {
    add_product({x.pointers, 0, false, w->w, z.columns, false, b ? b->w : nullptr, z.at, z.columns, z.rows, z.columns,
                 x.columns},
                {{x.memory, w->w, b ? b->w : nullptr}, {z.at}}, training && w->trainable());
  }

  // dz (rows, out), w (in, out) -> dx = dz w^T (rows, in)
  void input_grad(Matrix<Real> dz, const Weight<Real>* w, Matrix<Real> dx) {
    add_product({rows(dz).pointers, 0, false, w->w, dz.columns, true, nullptr, dx.at, dx.columns, dx.rows, dx.columns,
                 dz.columns},
                {{dz.at, w->w}, {dx.at}});
  }

  // c = a b of each sample, or with a or b transposed; a, b, c have the rows of all samples one after another
  void sample_products(Matrix<Real> a, bool a_transposed, Matrix<Real> b, bool b_transposed, Matrix<Real> c) {
    add(std::make_unique<SampleProductsJob<Real>>(
            Product<Real>{rows(a).pointers, 0, a_transposed, b.at, b.columns, b_transposed, nullptr, c.at, c.columns,
                          c.rows / batch, c.columns, a_transposed ? a.rows / batch : a.columns},
            batch),
        {{a.at, b.at}, {c.at}});
  }

  // x (rows, in), dz (rows, out) -> dw = x^T dz, which updates w (in, out) with those of the layer's other calls
  void weight_grad(const Rows& x, Matrix<Real> dz, const Weight<Real>* w) {
    if (!w->trainable()) return;
    if (w->is_curved) return tap(x, dz, w);
    Gradient<Real>& gradient = gradient_of(w);
    gradient.products.push_back(
        {x.pointers, 0, true, dz.at, dz.columns, false, nullptr, nullptr, dz.columns, x.columns, dz.columns, x.count});
    gradient.reads.insert(gradient.reads.end(), {x.memory, dz.at});
  }

  // dz (rows, out) -> db = its rows summed, which updates b (out) with those of the layer's other calls
  void bias_grad(Matrix<Real> dz, const Weight<Real>* b) {
    if (!b->trainable()) return;
    if (b->is_curved) return void(taps.back().bias = b);
    Gradient<Real>& gradient = gradient_of(b);
    gradient.sums.push_back({dz.at, dz.rows, dz.columns});
    gradient.reads.push_back(dz.at);
  }

  // n ids in order, dy (n, columns) -> dw, of each row the sum of those dy whose id it is
  void lookup_grad(const std::shared_ptr<const LookupOrder>& order, Matrix<Real> dy, const Weight<Real>* w) {
    Gradient<Real>& gradient = gradient_of(w);
    gradient.lookups.push_back({order, dy});
    gradient.reads.insert(gradient.reads.end(), {order.get(), dy.at});
  }

  // a sparse x (rows, in), dz (rows, out) -> dw = x^T dz, which updates w (in, out)
  void sparse_grad(const SparseTerm<Real>& term, Matrix<Real> dz) {
    Gradient<Real>& gradient = gradient_of(&term.w);
    gradient.entries = &term;
    gradient.reads.insert(gradient.reads.end(), {&term.x, dz.at});
  }

  // x (samples, in), w (window, channels / groups, filters), b (filters) or null -> z, y (samples, places, filters);
  // or, with a pool, y (samples, pooled places, filters) and its index
  void convolve(const Convolution& conv, const Rows& x, const Weight<Real>* w, const Weight<Real>* b,
                const ConvValues<Real>& values, const Real* panels = nullptr) {
    add(std::make_unique<ConvForwardJob<Real>>(conv, x, w->w, b ? b->w : nullptr, values, panels),
        {{x.memory, w->w, b ? b->w : nullptr, panels}, {values.z, values.y, values.index}});
  }

  // w (window, n, out) -> turned (window, groups, out / groups, n)
  void turn_kernel(const Weight<Real>* w, std::size_t window, std::size_t n, std::size_t groups, std::size_t out,
                   Matrix<Real> turned) {
    each_row(window * groups, n * out / groups, {{w->w}, {turned.at}},
             [=](std::size_t first, std::size_t count) { turn(w->w, first, count, n, groups, out, turned.at); });
  }

  // dy, values of forward, turned -> dx (batch, in), if it is wanted; and dw and db, if they are given, which update
  // them with those of the layer's other calls; dx begins with start (channels), or null: zeros. alone: whether nobody
  // else will read dy: then it need not be in memory where a convolution has just made it.
  void convolve_back(const Convolution& conv, const Rows& x, const ConvValues<Real>& values, Matrix<Real> dy,
                     Matrix<Real> turned, Matrix<Real> dx, const Weight<Real>* w, const Weight<Real>* b, bool alone,
                     const Real* start = nullptr) {
    const auto dw = parts(w, x.count), db = parts(b, x.count);
    if (!dx && !dw.at && !db.at) return;
    auto job = std::make_unique<ConvBackwardJob<Real>>(conv, x, values, dy.at, turned.at, start, dx.at, dw, db);
    auto* const added = job.get();
    Access access{{x.memory, values.z, values.y, values.index, turned.at, start}, {dx.at, dw.at, db.at}};
    typename BackwardChains<Real>::Chain chain;
    const bool follows = alone && chains_.follow(job, dy.at, access, stages, chain);
    touch(access);
    access.reads.push_back(dy.at);
    if (!follows) chain = {added, added, add(std::move(job), access)};
    if (dx && !start) chains_.open(dx.at, chain);
  }

  // x (batch, in), dz (batch * places, filters) -> dw, which updates w (window, channels / groups, filters)
  void weight_grad(const Convolution& conv, const Rows& x, Matrix<Real> dz, const Weight<Real>* w) {
    if (!w->trainable()) return;
    if (w->is_curved) return tap(rows(patches(conv.window, x)), dz, w);
    Gradient<Real>& gradient = gradient_of(w);
    gradient.windows.push_back({conv, x, dz});
    gradient.reads.insert(gradient.reads.end(), {x.memory, dz.at});
  }

  /// The gradient of a kernel of a recurrent layer, part by part; with those of other calls it updates the kernel.
  void weight_grad(const std::vector<StepTerm<Real>>& parts, const Access& access, const Weight<Real>* w) {
    if (!w->trainable()) return;
    Gradient<Real>& gradient = gradient_of(w);
    gradient.steps.resize(parts.size());
    for (std::size_t k = 0; k < parts.size(); ++k) gradient.steps[k].push_back(parts[k]);
    gradient.reads.insert(gradient.reads.end(), access.reads.begin(), access.reads.end());
  }

  /// A job that no other operation stands for.
  void run(std::unique_ptr<Job<Real>> job, const Access& access) { add(std::move(job), access); }

  /// The gradients of a weight are all there: it is updated by their sum.
  void update(const Weight<Real>* w) {
    const auto found = gradients_.find(w);
    if (found == gradients_.end()) return;
    Gradient<Real> gradient = std::move(found->second);
    gradients_.erase(found);
    part_buffers_.give(gradient.parts);
    auto job = gradient.job(*w, epilogue_);
    grad_jobs_.push_back(job.get());
    gradient.reads.push_back(w->penalty_gradient);
    add(std::move(job), {std::move(gradient.reads), {w->w}}, true);
  }

  // z (rows, n) -> y = f(z) (rows, n); y may be z
  void activate(const ActivationUse& activation, Matrix<Real> z, Matrix<Real> y) {
    const auto& f = kernels().map.of[activation.index];
    const MapForward forward = f.forward[dtype_of<Real>()];
    if (activation.is<Linear>() && z.at == y.at) return;
    if (ProductJob<Real>* const job = f.rowwise ? nullptr : open_product(z.at, {{}, {y.at == z.at ? nullptr : y.at}})) {
      job->forward = forward;
      job->settings = activation.settings;
      job->y = y.at;
      return;
    }
    each_row(z.rows, z.columns, {{z.at}, {y.at}}, [=](std::size_t first, std::size_t count) {
      const std::size_t at = first * z.columns;
      forward(activation.settings.data(), z.at + at, y.at + at, MatrixLayout(count, z.columns, z.columns));
    });
  }

  // dy (rows, n) times the derivative of f at z, where y = f(z), in place
  void activation_grad(const ActivationUse& activation, Matrix<Real> z, Matrix<Real> y, Matrix<Real> dy) {
    if (activation.is<Linear>()) return;
    const auto& f = kernels().map.of[activation.index];
    const MapBackward backward = f.backward[dtype_of<Real>()];
    if (ProductJob<Real>* const job = f.rowwise ? nullptr : open_product(dy.at, {{z.at, y.at}, {}})) {
      job->backward = backward;
      job->settings = activation.settings;
      job->z = f.uses_input ? z.at : y.at;
      job->y = y.at;
      return;
    }
    each_row(dy.rows, dy.columns, {{z.at, y.at}, {dy.at}}, [=](std::size_t first, std::size_t count) {
      const std::size_t at = first * dy.columns;
      backward(activation.settings.data(), z.at + at, y.at + at, dy.at + at, dy.at + at,
               MatrixLayout(count, dy.columns, dy.columns));
    });
  }

  // x (rows, n) -> y (rows, n)
  void copy(const Rows& x, Matrix<Real> y) {
    each_row(y.rows, y.columns, {{x.memory}, {y.at}},
             [=](std::size_t first, std::size_t count) { read(x, first, count, y); });
  }
  void copy(Matrix<Real> x, Matrix<Real> y) { copy(rows(x), y); }

  // more (rows, n) is added to sum (rows, n)
  void accumulate(Matrix<Real> more, Matrix<Real> sum) {
    if (const auto found = open_.find(more.at); found != open_.end() && !found->second.job->sum) {
      const Open open = found->second;
      if (open_product(more.at, {{}, {sum.at}})) {
        open.job->sum = sum.at;
        open_[sum.at] = open;
        return;
      }
    }
    each_row(sum.rows, sum.columns, {{more.at}, {sum.at}}, [=](std::size_t first, std::size_t count) {
      add_to(sum.at + first * sum.columns, more.at + first * sum.columns, count * sum.columns);
    });
  }

  // x (rows, n) of samples -> y (rows, n): numbers are 0 with probability rate, else divided by 1 - rate. The same ones
  // in every pass with the same number over the same samples.
  void drop(const Rows& x, Matrix<Real> y, double rate, std::uint64_t key) {
    draw(kernels().drop.drop[dtype_of<Real>()], x, y, drop_threshold(rate), drop_scale(rate), key);
  }

  // x (rows, n) of samples -> y = x + deviation z, or x (1 + deviation z), with z standard normal; drawn as in `drop`
  void noise(const Rows& x, Matrix<Real> y, double deviation, bool multiply, std::uint64_t key) {
    const auto& table = kernels().drop;
    draw((multiply ? table.multiply : table.add)[dtype_of<Real>()], x, y, 0, deviation, key);
  }

  /// work(first row, how many) over rows of n numbers, which make the size of chunks; or over all at once.
  template <class Work>
  void each_row(std::size_t rows, std::size_t n, const Access& access, Work work, bool at_once = false) {
    const std::size_t block = at_once ? rows : std::max<std::size_t>(1, 8192 / std::max<std::size_t>(n, 1));
    add_rows(rows, block, access, RowsWork::of(std::move(work)));
  }

  /// work(first column, how many) over n columns of a batch.
  template <class Work> void each_column(std::size_t n, const Access& access, Work work) {
    add_rows(n, 64, access, RowsWork::of(std::move(work)));
  }

  /// work() on one thread.
  template <class Work> void once(const Access& access, Work work) {
    each_row(1, 1, access, [work](std::size_t, std::size_t) { work(); }, true);
  }

  /// The gradient of the orthogonal penalty of a weight, and its value, before its update.
  void orthogonal_penalty(const Weight<Real>* w) {
    orthogonal_penalties_.push_back(std::make_unique<double>());
    once({{w->w}, {w->penalty_gradient}}, [w, value = orthogonal_penalties_.back().get()] {
      WeightAttributes alone = *w->attributes;
      alone.penalty.l1 = alone.penalty.proximal = alone.penalty.l2 = 0;
      *value = penalty_at(w->w, alone, w->penalty_gradient);
    });
  }

  /// Is computed elsewhere when all that was added before is done, and before what comes.
  void external(ExternalCall<Real> call) {
    stages.begin_anew();
    call.stage = stages.count();
    externals.push_back(std::move(call));
  }

  /// Where a layer leaves in each forward pass what its values add to the loss.
  double* penalty_of_values() {
    penalties_of_values_.push_back(std::make_unique<double>());
    return penalties_of_values_.back().get();
  }

  // -- memory ----------------------------------------------------------------------------------------------------

  using Workspaces<Real>::workspace, Workspaces<Real>::constant, Workspaces<Real>::rows;

  /// Rows [first, first + count) of x -> those of y
  static void read(const Rows& x, std::size_t first, std::size_t count, Matrix<Real> y) {
    IndirectionBuffer from = x.pointers;
    from.at += first;
    products<Real>().gather(from, count, y.columns, y.at + first * y.columns, y.columns);
  }

  // -- running it ------------------------------------------------------------------------------------------------

  /// The penalties of all weights that are trained, before their updates.
  double penalty() const {
    double sum = 0;
    for (const GradJob<Real>* job : grad_jobs_) sum += job->penalty();
    for (const auto& value : orthogonal_penalties_) sum += *value;
    return sum;
  }

  /// What values added to the loss.
  double value_penalty() const {
    double sum = 0;
    for (const auto& value : penalties_of_values_) sum += *value;
    return sum;
  }

  /// What is added from here on is the backward pass, which can be run on its own, later.
  void begin_backward() {
    stages.begin_anew();
    backward = {stages.count(), externals.size()};
  }

  const std::size_t batch;
  const bool training;
  bool in_shards = false;         // whether this is one of several shards of a batch
  bool curvature = false;         // whether `backward` takes second derivatives of the loss times a direction back
  std::vector<std::int64_t> ids;  // (batch): which rows of the data set these are
  std::uint32_t number = 0;       // of the pass over the data
  Stages<Real> stages;
  std::vector<ExternalCall<Real>> externals;
  std::vector<CurvatureTap<Real>> taps;  // of layers whose curvature is found

  /// How far a pass has come.
  struct Place {
    std::size_t stage = 0, external = 0;
  };
  Place backward;  // where the backward pass begins, if it can be run on its own
  Place end() const { return {stages.count(), externals.size()}; }

 private:
  /// A product, in its stage, that more may be done to: nobody has touched what it writes.
  struct Open {
    ProductJob<Real>* job;
    std::size_t stage;
  };

  void tap(const Rows& x, Matrix<Real> dz, const Weight<Real>* w) {
    taps.push_back({w, nullptr, x, {workspace(dz.size()), dz.rows, dz.columns}});
    copy(dz, taps.back().dz);
  }

  // x (samples, in) -> the numbers under a window at each of its places (samples * places, window)
  Matrix<Real> patches(const Window& window, const Rows& x) {
    const std::size_t places = window.places(), n = window.size() * window.channels;
    const Matrix<Real> made{workspace(x.count * places * n), x.count * places, n};
    each_row(x.count, places * n, {{x.memory}, {made.at}}, GatherPatches<Real>(x, window, made.at));
    return made;
  }

  Gradient<Real>& gradient_of(const Weight<Real>* w) { return gradients_[w]; }

  /// Parts of the gradient of a weight by so many samples, if it is trained.
  GradParts<Real> parts(const Weight<Real>* w, std::size_t samples) {
    if (!w || !w->trainable()) return {};
    gradient_of(w).parts.push_back(part_buffers_.take(*w, samples, [this](std::size_t n) { return workspace(n); }));
    gradient_of(w).reads.push_back(gradient_of(w).parts.back().at);
    return gradient_of(w).parts.back();
  }

  // x (rows, n) of samples -> y (rows, n), each number changed by random bits that belong to its sample and column
  void draw(Drop work, const Rows& x, Matrix<Real> y, std::uint32_t threshold, double scale, std::uint64_t key) {
    each_row(y.rows, y.columns, {{x.memory}, {y.at}}, [=](std::size_t first, std::size_t count) {
      read(x, first, count, y);
      work(y.at + first * y.columns, count, y.columns, ids.data() + first, Draw{key, number, threshold, scale});
    });
  }

  [[gnu::noinline]] void add_rows(std::size_t rows, std::size_t block, const Access& access, const RowsWork& work) {
    add(std::make_unique<RowsJob<Real>>(rows, block, work), access);
  }

  /// A product or convolution whose result is read can no longer be fused with what follows.
  void touch(const Access& access) {
    for (const auto* used : {&access.reads, &access.writes})
      for (const void* memory : *used) open_.erase(memory), chains_.close(memory);
  }

  std::size_t add(std::unique_ptr<Job<Real>> job, const Access& access, bool beside = false) {
    touch(access);
    return stages.add(std::move(job), access, beside);
  }

  void add_product(const Product<Real>& whole, const Access& access, bool moved = false) {
    const bool in_halves = moved && ProductJob<Real>::gains_by_halves(whole);
    auto job = std::make_unique<ProductJob<Real>>(whole, products<Real>().gemm, in_halves);
    const Open added{job.get(), add(std::move(job), access)};  // in this order
    open_[whole.c] = added;
  }

  /// The product that writes this, if it may do more at once; it is then not to be touched again.
  ProductJob<Real>* open_product(const Real* memory, const Access& more) {
    const auto found = open_.find(memory);
    if (found == open_.end()) return nullptr;
    const Open open = found->second;
    if (!stages.extend(open.stage, more)) return nullptr;
    open_.erase(memory);
    touch({more.reads, {}});
    return open.job;
  }

  const UpdateEpilogue& epilogue_;
  std::vector<const GradJob<Real>*> grad_jobs_;
  std::unordered_map<const void*, Open> open_;
  BackwardChains<Real> chains_;
  PartBuffers<Real> part_buffers_;
  std::unordered_map<const Weight<Real>*, Gradient<Real>> gradients_;
  std::vector<std::unique_ptr<double>> orthogonal_penalties_, penalties_of_values_;
};

}  // namespace gs
