#include "update/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "core/math.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/product.hpp"
#include "update/visit.hpp"

namespace gs {
namespace {

constexpr std::size_t chunk_size = 1 << 15;

template <class Real> class Turn : public OrthogonalStep {
 public:
  explicit Turn(const OrthogonalTask& task)
      : task_(task),
        rows_(task.move->parameter->layout.shape[0]),
        columns_(task.move->parameter->layout.shape[1]),
        side_(std::min(rows_, columns_)),
        n_(task.move->parameter->layout.size) {}

  void prepare(Crew& crew) override {
    const Crew::Cancellable here(crew);
    x_ = Buffer<Real>(n_);
    look_ahead(crew);
    Room room{Buffer<Real>(n_), Buffer<Real>(std::size_t(side_ * side_)), Buffer<Real>(std::size_t(side_ * side_))};
    for (int i = 0; i < task_.constants.times; ++i) polish(crew, room);
  }

  void move(Crew& crew) override {
    SGD rule;
    rule.learning_rate = task_.constants.rate;
    const auto update = rule.at<Real>(1);
    const Sweep sweep = kernels().sweep.sweep[index_of<SGD>(Optimizers{})][dtype_of<Real>()];
    Real* const m = static_cast<Real*>(task_.move->parameter->state[0]);
    over(crew, n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.move, true, begin, end, [&](const Place& place) {
        Staged<Real>(*task_.how, place)
            .write(task_.scale, [&](Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
              alignas(64) Real ahead[block];
              turning<Real>().remember(g, m + at, ahead, n, factors.scale, task_.constants);
              sweep(&update, {factors.keep, 1}, w, x_.data() + at, nullptr, Area(n));
            });
      });
    });
  }

 private:
  struct Room {
    Buffer<Real> y, gram, square;
  };

  // work(begin, end) for the chunks of [0, n)
  template <class Work> static void over(Crew& crew, std::size_t n, Work work) {
    crew.phase((n + chunk_size - 1) / chunk_size,
               [&](std::size_t i, int) { work(i * chunk_size, std::min((i + 1) * chunk_size, n)); });
  }

  /// x: what the momentum will be, over its norm.
  void look_ahead(Crew& crew) {
    const Real* const m = static_cast<const Real*>(task_.move->parameter->state[0]);
    over(crew, n_, [&](std::size_t begin, std::size_t end) {
      visit(*task_.move, false, begin, end, [&](const Place& place) {
        Staged<Real>(*task_.how, place)
            .read(task_.scale, [&](const Real*, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
              Real* const x = x_.data() + at;
              alignas(64) Real momentum[block];
              std::copy_n(m + at, n, momentum);
              turning<Real>().remember(g, momentum, x, n, factors.scale, task_.constants);
            });
      });
    });
    double total = squares(crew);
    // Squares of doubles may overflow or vanish where their root does neither.
    const double by = std::is_same_v<Real, double> ? rescaling(total) : 1;
    if (by != 1) {
      scale(crew, by);
      total = squares(crew);
    }
    const double norm = std::max(std::sqrt(total), task_.constants.least * by) + task_.constants.add * by;
    // A float may not hold the factor where it holds both of these.
    const double part = norm > 0x1p100 ? 0x1p-64 : 1;
    if (part != 1) scale(crew, part);
    scale(crew, 1 / (norm * part));
  }

  double squares(Crew& crew) const {
    std::vector<double> sums((n_ + chunk_size - 1) / chunk_size);
    over(crew, n_, [&](std::size_t begin, std::size_t end) {
      double lanes[square_lanes] = {};
      dressing<Real>().squares(x_.data() + begin, end - begin, 0, lanes);
      sums[begin / chunk_size] = fold(lanes);
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total;
  }

  void scale(Crew& crew, double by) {
    over(crew, n_, [&](std::size_t begin, std::size_t end) {
      Real* const x = x_.data() + begin;
      dressing<Real>().prepare(x, x, x, end - begin, by, inf, 0);
    });
  }

  /// x = (a + b x x' + c (x x')^2) x, or from the other side where that is the shorter one.
  void polish(Crew& crew, Room& room) {
    const Orthogonal& how = task_.constants;
    const bool tall = rows_ > columns_;
    const Matrix x = matrix(x_, rows_, columns_), across = transposed(x), gram = matrix(room.gram, side_, side_);
    tall ? multiply(crew, across, x, room.gram) : multiply(crew, x, across, room.gram);
    multiply(crew, gram, gram, room.square);
    over(crew, std::size_t(side_ * side_), [&](std::size_t begin, std::size_t end) {
      turning<Real>().combine(room.gram.data() + begin, room.square.data() + begin, end - begin, how.b, how.c);
    });
    for (std::int64_t i = 0; i < side_; ++i) room.square.data()[i * side_ + i] += Real(how.a);
    const Matrix polynomial = matrix(room.square, side_, side_);
    tall ? multiply(crew, x, polynomial, room.y) : multiply(crew, polynomial, x, room.y);
    std::swap(x_, room.y);
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
  static void multiply(Crew& crew, const Matrix& a, const Matrix& b, Buffer<Real>& c) {
    product<Real>(a, b, nullptr, c.data(), b.layout.shape[1], &crew, ordered_gemm<Real>());
  }

  const OrthogonalTask task_;
  const std::int64_t rows_, columns_, side_;
  const std::size_t n_;
  Buffer<Real> x_;
};

}  // namespace

std::unique_ptr<OrthogonalStep> orthogonal_step(const OrthogonalTask& task) {
  if (task.how->real == Dtype::f64) return std::make_unique<Turn<double>>(task);
  return std::make_unique<Turn<float>>(task);
}

}  // namespace gs
