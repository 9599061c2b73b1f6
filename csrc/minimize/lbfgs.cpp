#include "minimize/lbfgs.hpp"

#include <algorithm>
#include <cstring>

namespace gs::minimize {

namespace {

// Pairs whose matrix R has an inverse that costs less than its sums. More of them are gone through one by one.
constexpr std::size_t most_together = 64;
// Numbers of vectors whose sums are made side by side, one for each pair, and not along each vector.
constexpr std::size_t few = 64;

}  // namespace

Memory::Memory(std::size_t n, std::size_t m)
    : n_(n),
      size_(align<double>(n)),
      most_(m),
      height_(m <= most_together ? align<double>(m) : 0),
      columns_(m * height_),
      rows_(m * height_),
      numbers_(8 * height_) {
  if (height_ == 0) return;
  for (auto* list : {&s_, &y_, &column_of_, &row_of_}) list->resize(2 * m);
  for (auto* list : {&a_, &c_}) list->resize(m);
  sums_.resize(2 * m);
  for (std::size_t i = 0; i < m; ++i) {
    column_of_[i] = column_of_[i + m] = columns_.data() + i * height_;
    row_of_[i] = row_of_[i + m] = rows_.data() + i * height_;
  }
  if (n > few) return;
  across_s_ = Buffer<double>(n * height_);
  across_y_ = Buffer<double>(n * height_);
  ys_ = Buffer<double>(height_);
  for (std::size_t i = 0; i < n; ++i) {
    across_s_rows_.push_back(across_s_.data() + i * height_);
    across_y_rows_.push_back(across_y_.data() + i * height_);
  }
}

void Memory::clear() {
  pairs_.clear();
  first_ = known_ = 0;
  gamma = 1;
}

bool Memory::add(const Vector& s, const Vector& y, const Change& change) {
  if (!(change.ys > 1e-10 * std::sqrt(change.yy * change.ss))) return false;
  gamma = change.ys / change.yy;
  const bool is_full = pairs_.size() == most_;
  const std::size_t slot = is_full ? first_ : pairs_.size();
  if (is_full) {
    pairs_[slot] = {s, y, change.ys};
    if (++first_ == most_) first_ = 0;
    if (known_ > 0) --known_;
  } else {
    pairs_.push_back({s, y, change.ys});
  }
  if (height_ > 0) {
    s_[slot] = s_[slot + most_] = s.data();
    y_[slot] = y_[slot + most_] = y.data();
    for (std::size_t j = 0; j < most_; ++j) columns_.data()[j * height_ + slot] = 0;
    std::fill_n(rows_.data() + slot * height_, height_, 0.0);
  }
  for (std::size_t i = 0; i < across_s_rows_.size(); ++i) {
    across_s_.data()[i * height_ + slot] = s[i];
    across_y_.data()[i * height_ + slot] = y[i];
  }
  if (!across_s_rows_.empty()) ys_.data()[slot] = change.ys;
  return true;
}

double Memory::direction(const Vector& g, const Vector& d) {
  if (!pairs_.empty() && !across_s_rows_.empty()) return direction_of_few(g, d);
  double slope = 0;
  with_team(size_, [&](ThreadTeam* team) {
    slope = pairs_.empty() ? add_and_dot(g, 0, g, -1, g, d, size_, team)
            : height_ > 0  ? direction(g, d, team)
                           : by_two_loops(g, d, team);
  });
  return slope;
}

// The column of pair i, from the products of its y with the steps s of older ones.
void Memory::add_column(std::size_t i, const double* products) {
  const std::size_t at = slot(i);
  const double rho = 1 / pairs_[at].ys;
  double* const column = columns_.data() + at * height_;
  minimize_kernels().vectors.combine(nullptr, {in_order(column_of_), i, 0, height_}, products, -rho, nullptr, column);
  end_column(at, rho);
}

void Memory::end_column(std::size_t at, double rho) {
  double* const column = columns_.data() + at * height_;
  column[at] = rho;
  for (std::size_t j = 0; j < count(); ++j) rows_.data()[j * height_ + at] = column[j];
}

const double* Memory::by_age(double* numbers) const {
  double* const again = numbers + most_;
  for (std::size_t j = 0; j < height_; j += vector_lanes)
    std::memmove(again + j, numbers + j, vector_lanes * sizeof(double));
  return numbers + first_;
}

double Memory::direction_of_few(const Vector& g, const Vector& d) {
  const VectorsTable& loops = minimize_kernels().vectors;
  const std::size_t k = count(), room = 2 * height_;
  const VectorPart of_s{across_s_rows_.data(), n_, 0, height_}, of_y{across_y_rows_.data(), n_, 0, height_};
  double *const found = numbers_.data(), *const fresh = found + room, *const a = fresh + room, *const sums = a + room;
  for (; known_ + 1 < k; ++known_) {
    loops.combine(nullptr, of_s, pair(known_).y.data(), 1, nullptr, fresh);
    add_column(known_, by_age(fresh));
  }
  // The products with all columns but the newest, which is made of the same columns where it is not known yet.
  const std::size_t newest = slot(k - 1);
  const VectorPart older{in_order(column_of_), k - 1, 0, height_};
  double* const column = columns_.data() + newest * height_;
  if (known_ < k) {
    loops.combine_two(of_s, g.data(), pair(known_).y.data(), found, fresh);
    loops.combine_two(older, by_age(found), by_age(fresh), a, column);
    const double rho = 1 / pairs_[newest].ys;
    for (std::size_t j = 0; j < height_; ++j) column[j] *= -rho;
    end_column(newest, rho);
    ++known_;
  } else {
    loops.combine(nullptr, of_s, g.data(), 1, nullptr, found);
    loops.combine(nullptr, older, by_age(found), 1, nullptr, a);
  }
  const double of_newest = found[newest];
  const double* const ys = ys_.data();
  for (std::size_t j = 0; j < height_; ++j) {
    const double one = a[j] + of_newest * column[j];
    found[j] = -one;
    a[j] = ys[j] * one;
  }
  loops.combine(g.data(), {in_order(y_), k, 0, size_}, by_age(found), gamma, nullptr, d.data());
  loops.combine(nullptr, of_y, d.data(), 1, nullptr, sums);
  for (std::size_t j = 0; j < height_; ++j) a[j] -= sums[j];
  loops.combine(nullptr, {in_order(row_of_), k, 0, height_}, by_age(a), 1, nullptr, found);
  return loops.combine(d.data(), {in_order(s_), k, 0, size_}, by_age(found), -1, g.data(), d.data());
}

double Memory::direction(const Vector& g, const Vector& d, ThreadTeam* team) {
  const VectorsTable& loops = minimize_kernels().vectors;
  const std::size_t k = count(), size = size_;
  const double* const pg = g.data();
  const double *const *const s = in_order(s_), *const *const y = in_order(y_);
  double *const pd = d.data(), *const found = numbers_.data();
  while (known_ + 1 < k) {
    const double* const last = y[known_];
    sums_over(size, team, known_, sums_.data(),
              [&](std::size_t from, std::size_t n, double* sums) { loops.products({s, known_, from, n}, last, sums); });
    add_column(known_, sums_.data());
    ++known_;
  }
  if (known_ < k) {
    const double* const last = y[known_];
    sums_over(size, team, 2 * k, sums_.data(), [&](std::size_t from, std::size_t n, double* sums) {
      loops.products_of_two({s, k, from, n}, pg, last, sums);
    });
    for (std::size_t i = 0; i < k; ++i) {
      c_[i] = sums_[2 * i + 1];
      sums_[i] = sums_[2 * i];
    }
    add_column(known_, c_.data());
    ++known_;
  } else {
    sums_over(size, team, k, sums_.data(),
              [&](std::size_t from, std::size_t n, double* sums) { loops.products({s, k, from, n}, pg, sums); });
  }
  loops.combine(nullptr, {in_order(column_of_), k, 0, height_}, sums_.data(), 1, nullptr, found);
  for (std::size_t i = 0; i < k; ++i) {
    const double a = found[slot(i)];
    a_[i] = pair(i).ys * a;
    c_[i] = -a;
  }
  sums_over(size, team, k, sums_.data(), [&](std::size_t from, std::size_t n, double* sums) {
    loops.combine_and_products(pg, {y, k, from, n}, c_.data(), gamma, pd, sums);
  });
  for (std::size_t i = 0; i < k; ++i) a_[i] -= sums_[i];
  loops.combine(nullptr, {in_order(row_of_), k, 0, height_}, a_.data(), 1, nullptr, found);
  for (std::size_t i = 0; i < k; ++i) c_[i] = found[slot(i)];
  double slope;
  sums_over(size, team, 1, &slope, [&](std::size_t from, std::size_t n, double* sum) {
    *sum += loops.combine(pd, {s, k, from, n}, c_.data(), -1, pg, pd);
  });
  return slope;
}

double Memory::by_two_loops(const Vector& g, const Vector& d, ThreadTeam* team) {
  // Each sweep subtracts the part along one vector, and makes the product with the next: q and d are the same memory.
  const std::size_t k = count(), size = size_;
  a_.resize(k);
  double product = dot(pair(k - 1).s, g, size, team);
  const Vector* q = &g;
  for (std::size_t i = k; i-- > 0;) {
    const Pair& here = pair(i);
    a_[i] = product / here.ys;
    product = i > 0 ? add_and_dot(*q, -a_[i], here.y, 1, pair(i - 1).s, d, size, team)
                    : add_and_dot(*q, -a_[i], here.y, gamma, here.y, d, size, team);
    q = &d;
  }
  for (std::size_t i = 0; i < k; ++i) {
    const Pair& here = pair(i);
    const double weight = a_[i] - product / here.ys;
    product = i + 1 < k ? add_and_dot(d, weight, here.s, 1, pair(i + 1).y, d, size, team)
                        : add_and_dot(d, weight, here.s, -1, g, d, size, team);
  }
  return product;
}

Point LBFGS::step(Function& function, const Point& point) {
  const std::size_t size = function.vectors.size();
  Point next;
  double decrease = nan;
  const Vector d = function.vectors.make();
  for (;;) {
    const bool is_fresh = memory_.count() == 0;
    const double slope = memory_.direction(point.g, d);
    if (decrease != decrease) decrease = -slope / 2;
    Line line(function, point, d, slope);
    const double alpha = is_fresh ? std::min(1.0, 1 / std::sqrt(-slope)) : 1;
    if (slope < 0 && strong_wolfe(line, next, alpha, c1_, c2_, inf, trials_)) break;
    if (is_fresh) throw Stop("line_search", text("slope %.2g", -2 * decrease), decrease);
    memory_.clear();
  }
  const Vector s = function.vectors.make(), y = function.vectors.make();
  Change moved;
  with_team(size, [&](ThreadTeam* team) { moved = change(next.x, point.x, next.g, point.g, s, y, size, team); });
  memory_.add(s, y, moved);
  next.ss = moved.ss;
  next.turn = moved.turn;
  next.largest = moved.largest;
  return next;
}

}  // namespace gs::minimize
