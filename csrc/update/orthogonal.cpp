#include "update/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "core/math.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/products/product.hpp"
#include "update/visit.hpp"

namespace gs {
namespace {

constexpr std::size_t chunk_size = 1 << 15;

template <class Real> class Orthogonalization : public OrthogonalStep {
 public:
  explicit Orthogonalization(const OrthogonalTask& task)
      : task_(task),
        rows_(task.grad->parameter->layout.shape[0]),
        columns_(task.grad->parameter->layout.shape[1]),
        side_(std::min(rows_, columns_)),
        n_(task.grad->parameter->layout.size) {}

  void prepare(ThreadTeam& team) override {
    const ThreadTeam::Cancellable here(team);
    x_ = Buffer<Real>(n_);
    start_from_momentum(team);
    Workspace workspace{Buffer<Real>(n_), Buffer<Real>(std::size_t(side_ * side_)),
                        Buffer<Real>(std::size_t(side_ * side_))};
    for (int i = 0; i < task_.constants.times; ++i) newton_schulz(team, workspace);
  }

  void apply(ThreadTeam& team) override {
    SGD rule;
    rule.learning_rate = task_.constants.rate;
    const auto update = rule.at<Real>(1);
    const Sweep sweep = kernels().sweep.sweep[index_of<SGD>(Optimizers{})][dtype_of<Real>()];
    Real* const m = static_cast<Real*>(task_.grad->parameter->state[0]);
    over(team, n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.grad, true, begin, end, [&](const ParamSlice& slice) {
        BlockUpdate<Real>(*task_.kernel, slice)
            .write(task_.scale, [&](Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
              alignas(64) Real direction[block];
              orthogonalize_loops<Real>().update_momentum(g, m + at, direction, n, factors.scale, task_.constants);
              sweep(&update, {factors.decay, 1}, w, x_.data() + at, nullptr, MatrixLayout(n));
            });
      });
    });
  }

 private:
  struct Workspace {
    Buffer<Real> y, gram, square;
  };

  // work(begin, end) for the chunks of [0, n)
  template <class Work> static void over(ThreadTeam& team, std::size_t n, Work work) {
    team.stage((n + chunk_size - 1) / chunk_size,
               [&](std::size_t i, int) { work(i * chunk_size, std::min((i + 1) * chunk_size, n)); });
  }

  /// x: what the momentum will be, over its norm.
  void start_from_momentum(ThreadTeam& team) {
    const Real* const m = static_cast<const Real*>(task_.grad->parameter->state[0]);
    over(team, n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.grad, false, begin, end, [&](const ParamSlice& slice) {
        BlockUpdate<Real>(*task_.kernel, slice)
            .read(task_.scale, [&](const Real*, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
              Real* const x = x_.data() + at;
              alignas(64) Real momentum[block];
              std::copy_n(m + at, n, momentum);
              orthogonalize_loops<Real>().update_momentum(g, momentum, x, n, factors.scale, task_.constants);
            });
      });
    });
    double total = squares(team);
    // Squares of doubles may overflow or vanish where their root does neither.
    const double by = std::is_same_v<Real, double> ? rescaling(total) : 1;
    if (by != 1) {
      scale(team, by);
      total = squares(team);
    }
    const double norm = std::max(std::sqrt(total), task_.constants.least * by) + task_.constants.add * by;
    // A float may not hold the factor where it holds both of these.
    const double part = norm > 0x1p100 ? 0x1p-64 : 1;
    if (part != 1) scale(team, part);
    scale(team, 1 / (norm * part));
  }

  double squares(ThreadTeam& team) const {
    std::vector<double> sums((n_ + chunk_size - 1) / chunk_size);
    over(team, n_, [&](std::size_t begin, std::size_t end) {
      double lanes[square_lanes] = {};
      gradient_transforms<Real>().squares(x_.data() + begin, end - begin, 0, lanes);
      sums[begin / chunk_size] = fold(lanes);
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total;
  }

  void scale(ThreadTeam& team, double by) {
    over(team, n_, [&](std::size_t begin, std::size_t end) {
      Real* const x = x_.data() + begin;
      gradient_transforms<Real>().prepare(x, x, x, end - begin, by, inf, 0);
    });
  }

  /// x = (a + b x x' + c (x x')^2) x, or from the other side where that is the shorter one.
  void newton_schulz(ThreadTeam& team, Workspace& workspace) {
    const Orthogonal& constants = task_.constants;
    const bool tall = rows_ > columns_;
    const Matrix x = matrix(x_, rows_, columns_), across = transposed(x), gram = matrix(workspace.gram, side_, side_);
    tall ? multiply(team, across, x, workspace.gram) : multiply(team, x, across, workspace.gram);
    multiply(team, gram, gram, workspace.square);
    over(team, std::size_t(side_ * side_), [&](std::size_t begin, std::size_t end) {
      orthogonalize_loops<Real>().combine(workspace.gram.data() + begin, workspace.square.data() + begin, end - begin,
                                          constants.b, constants.c);
    });
    for (std::int64_t i = 0; i < side_; ++i) workspace.square.data()[i * side_ + i] += Real(constants.a);
    const Matrix polynomial = matrix(workspace.square, side_, side_);
    tall ? multiply(team, x, polynomial, workspace.y) : multiply(team, polynomial, x, workspace.y);
    std::swap(x_, workspace.y);
  }

  static Matrix matrix(const Buffer<Real>& data, std::int64_t rows, std::int64_t columns) {
    constexpr std::int64_t item = sizeof(Real);
    return {reinterpret_cast<const std::byte*>(data.data()),
            {{rows, columns}, {columns * item, item}, std::size_t(rows * columns), true}};
  }
  static Matrix transposed(Matrix x) {
    std::swap(x.layout.shape[0], x.layout.shape[1]);
    std::swap(x.layout.strides[0], x.layout.strides[1]);
    x.layout.contiguous = false;
    return x;
  }
  static void multiply(ThreadTeam& team, const Matrix& a, const Matrix& b, Buffer<Real>& c) {
    product<Real>(a, b, nullptr, c.data(), b.layout.shape[1], &team, ordered_gemm<Real>());
  }

  const OrthogonalTask task_;
  const std::int64_t rows_, columns_, side_;
  const std::size_t n_;
  Buffer<Real> x_;
};

}  // namespace

std::unique_ptr<OrthogonalStep> orthogonal_step(const OrthogonalTask& task) {
  if (task.kernel->real == Dtype::f64) return std::make_unique<Orthogonalization<double>>(task);
  return std::make_unique<Orthogonalization<float>>(task);
}

}  // namespace gs
