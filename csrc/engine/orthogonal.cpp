#include "engine/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/buffer.hpp"
#include "engine/dispatch.hpp"
#include "engine/product.hpp"
#include "engine/visit.hpp"

namespace gs {
namespace {

constexpr std::size_t chunk_size = 1 << 15;

template <class Real> class Turn {
 public:
  Turn(const OrthogonalTask& task, Crew& crew)
      : task_(task),
        crew_(crew),
        rows_(task.move->parameter->layout.shape[0]),
        columns_(task.move->parameter->layout.shape[1]),
        side_(std::min(rows_, columns_)),
        n_(task.move->parameter->layout.size),
        x_(n_),
        y_(n_),
        gram_(std::size_t(side_ * side_)),
        square_(std::size_t(side_ * side_)) {}

  void run() {
    remember();
    for (int i = 0; i < task_.constants.times; ++i) polish();
    move();
  }

 private:
  // work(begin, end) for the chunks of [0, n)
  template <class Work> void over(std::size_t n, Work work) const {
    crew_.phase((n + chunk_size - 1) / chunk_size,
                [&](std::size_t i, int) { work(i * chunk_size, std::min((i + 1) * chunk_size, n)); });
  }

  /// x: the momentum, over its norm.
  void remember() {
    Real* const m = static_cast<Real*>(task_.move->parameter->state[0]);
    std::vector<double> sums((n_ + chunk_size - 1) / chunk_size);
    over(n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.move, false, begin, end, [&](const Place& place) {
        Staged<Real>(*task_.how, place)
            .read(task_.scale, [&](const Real*, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
              Real* const x = x_.data() + at;
              turning<Real>().remember(g, m + at, x, n, factors.scale, task_.constants);
              sums[begin / chunk_size] += dressing<Real>().squares(x, n);
            });
      });
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    const double norm = std::max(std::sqrt(total), task_.constants.least) + task_.constants.add;
    over(n_, [&](std::size_t begin, std::size_t end) {
      Real* const x = x_.data() + begin;
      dressing<Real>().prepare(x, x, x, end - begin, 1 / norm, inf, 0);
    });
  }

  /// x = (a + b x x' + c (x x')^2) x, or from the other side where that is the shorter one.
  void polish() {
    const Orthogonal& how = task_.constants;
    const bool tall = rows_ > columns_;
    const Matrix x = matrix(x_, rows_, columns_), across = transposed(x), gram = matrix(gram_, side_, side_);
    tall ? multiply(across, x, gram_) : multiply(x, across, gram_);
    multiply(gram, gram, square_);
    over(std::size_t(side_ * side_), [&](std::size_t begin, std::size_t end) {
      turning<Real>().combine(gram_.data() + begin, square_.data() + begin, end - begin, how.b, how.c);
    });
    for (std::int64_t i = 0; i < side_; ++i) square_.data()[i * side_ + i] += Real(how.a);
    const Matrix polynomial = matrix(square_, side_, side_);
    tall ? multiply(x, polynomial, y_) : multiply(polynomial, x, y_);
    std::swap(x_, y_);
  }

  void move() {
    SGD rule;
    rule.learning_rate = task_.constants.rate;
    const auto update = rule.at<Real>(1);
    const Sweep sweep = kernels().sweep.sweep[index_of<SGD>(Optimizers{})][dtype_of<Real>()];
    over(n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.move, true, begin, end, [&](const Place& place) {
        Staged<Real>(*task_.how, place)
            .write(task_.scale, [&](Real* w, const Real*, const Factors& factors, std::size_t at, std::size_t n) {
              sweep(&update, {factors.keep, 1}, w, x_.data() + at, nullptr, Area(n));
            });
      });
    });
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
  void multiply(const Matrix& a, const Matrix& b, Buffer<Real>& c) const {
    product<Real>(a, b, nullptr, c.data(), b.layout.shape[1], &crew_);
  }

  const OrthogonalTask& task_;
  Crew& crew_;
  const std::int64_t rows_, columns_, side_;
  const std::size_t n_;
  Buffer<Real> x_, y_, gram_, square_;
};

}  // namespace

void orthogonal_step(const OrthogonalTask& task, Crew& crew) {
  if (task.move->parameter->layout.size == 0) return;
  if (task.how->real == Dtype::f64)
    Turn<double>(task, crew).run();
  else
    Turn<float>(task, crew).run();
}

}  // namespace gs
