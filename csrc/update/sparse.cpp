#include "update/sparse.hpp"

#include <algorithm>
#include <cstring>

#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"
#include "update/optimizer.hpp"

namespace gs {
namespace {

// Elements and rows a chunk.
constexpr std::size_t chunk_size = 1 << 13, chunk_rows = 1 << 10;
// Bytes of an array of the rows that are updated together: they, their gradient and state stay in the first cache.
constexpr std::size_t block_size = 4096;
// Bytes of a row from which copying it costs more than a call of a kernel for it alone, and how many such rows ahead
// memory is asked for.
constexpr std::size_t long_row = 256, ahead = 6;
// Element-steps of a flush from which a second thread is worth waking.
constexpr std::size_t parallel_size = 1 << 20;

/// Part of a row.
struct RowSlice {
  std::size_t at;         // its first element in the parameter
  std::size_t from;       // and in the gradient
  std::uint32_t n;        // elements
  std::uint16_t applied;  // how many of the pending steps it has taken
  std::uint16_t decayed;  // from which of them on it only decays; their number, if its state changes
  bool changed;           // whether its state is not as at the start, for all that is known
};

/// Slices of a chunk. Long ones are updated where they lie, one by one. Short ones block by block: copied side by side,
/// those with most steps pending first, so that the ones that a pending step concerns are always the first so many
/// elements; updated; put back.
template <class Real> class RowUpdate {
 public:
  RowUpdate(const Parameter& parameter, const RowGradient* gradient, const UpdateKernel* kernel, double scale)
      : p_(parameter), gradient_(gradient), kernel_(kernel), scale_(scale), pending_(parameter.pending.get()) {}

  void run(std::size_t begin, std::size_t end) {
    const bool in_place = p_.layout.contiguous && columns_of(p_.layout) * sizeof(Real) >= long_row;
    list(begin, end, !in_place);
    if (in_place)
      update_in_place();
    else
      update_blocks();
  }

 private:
  static constexpr std::size_t block = block_size / sizeof(Real), line = 64 / sizeof(Real);
  static constexpr Real zeros[block] = {};

  std::uint16_t now() const { return pending_ ? pending_->size() : 0; }

  void update_in_place() {
    for (std::size_t k = 0; k < std::min(ahead, count_); ++k) fetch(slices_[k]);
    for (std::size_t k = 0; k < count_; ++k) {
      if (k + ahead < count_) fetch(slices_[k + ahead]);
      const RowSlice& slice = slices_[k];
      Real* const w = reinterpret_cast<Real*>(p_.data) + slice.at;
      for (std::size_t s = 0; s < p_.state.size(); ++s) places_[s] = slot(s) + slice.at;
      for (std::uint16_t j = slice.applied; j < now(); ++j) sweep((*pending_)[j], w, zeros, slice.n, 1);
      decay(slice, w);
      if (!kernel_) continue;
      gradient_->read(slice.from, slice.from + slice.n, reinterpret_cast<std::byte*>(g_));
      sweep(*kernel_, w, g_, slice.n, scale_);
    }
  }

  void update_blocks() {
    for (std::size_t s = 0; s < p_.state.size(); ++s) places_[s] = state_[s];
    RowSlice* const last = slices_ + count_;
    std::sort(slices_, std::partition(slices_, last, [&](const RowSlice& p) { return p.applied < now(); }),
              [](const RowSlice& a, const RowSlice& b) { return a.applied < b.applied; });
    for (const RowSlice *first = slices_, *stop; first != last; first = stop) {
      n_ = 0;
      for (stop = first; stop != last && n_ + stop->n <= block; ++stop) {
        copy(*stop, n_);
        n_ += stop->n;
      }
      catch_up(first, stop);
      if (kernel_) step(first, stop);
      std::size_t at = 0;
      for (const RowSlice* slice = first; slice != stop; ++slice) {
        put_back(*slice, at);
        at += slice->n;
      }
    }
  }

  void list(std::size_t begin, std::size_t end, bool fetches) {
    const std::size_t columns = columns_of(p_.layout);
    count_ = 0;
    for (std::size_t n; begin < end; begin += n) {
      const std::size_t row = begin / columns, column = begin % columns;
      n = std::min({block, columns - column, end - begin});
      const std::int64_t where = gradient_ ? gradient_->rows[row] : std::int64_t(row);
      const RowSlice slice{std::size_t(where) * columns + column,
                           begin,
                           std::uint32_t(n),
                           pending_ ? pending_->applied(where) : std::uint16_t(0),
                           now(),
                           true};
      if (gradient_ && fetches) fetch(slice);
      if (kernel_ || slice.applied < now()) slices_[count_++] = slice;
    }
    if (!pending_) return;
    // Of a row of which it is not known, one number of each cache line first, without branches: these loads wait for
    // memory all at once.
    for (RowSlice* slice = slices_; slice != slices_ + count_; ++slice) {
      slice->changed = slice->applied == now() || !pending_->is_fixed(slice->applied) ||
                       (!p_.state.empty() && pending_->had_gradient(std::int64_t(slice->at / columns)));
      if (slice->changed) continue;
      for (std::size_t s = 0; s < p_.state.size(); ++s) {
        const Real *x = slot(s) + slice->at, start = Real(pending_->start(s));
        for (std::size_t i = 0; i < slice->n; i += line) slice->changed |= x[i] != start;
      }
    }
    // What no step changes has nothing to catch up on but its decay.
    const auto is_fixed = [&](RowSlice& slice) {
      if (slice.changed || !starts(slice)) return false;
      slice.decayed = slice.applied;
      slice.applied = now();
      return true;
    };
    RowSlice* last = slices_;
    for (RowSlice* slice = slices_; slice != slices_ + count_; ++slice)
      if (!is_fixed(*slice) || kernel_ || pending_->decays()) *last++ = *slice;
    count_ = std::size_t(last - slices_);
  }

  // Rows lie far from each other: all are asked for before the first one is waited for.
  HD void fetch(const RowSlice& slice) const {
    for (std::size_t i = 0; i < slice.n; i += line) {
      if (p_.layout.contiguous) __builtin_prefetch(p_.data + (slice.at + i) * sizeof(Real), 1);
      for (std::size_t s = 0; s < p_.state.size(); ++s) __builtin_prefetch(slot(s) + slice.at + i, 1);
    }
  }

  Real* slot(std::size_t s) const { return static_cast<Real*>(p_.state[s]); }

  bool starts(const RowSlice& slice) const {
    for (std::size_t s = 0; s < p_.state.size(); ++s) {
      const Real *x = slot(s) + slice.at, start = Real(pending_->start(s));
      unsigned other = 0;
      for (std::size_t i = 0; i < slice.n; ++i) other += x[i] != start;
      if (other) return false;
    }
    return true;
  }

  void copy(const RowSlice& slice, std::size_t at) {
    std::byte* const w = reinterpret_cast<std::byte*>(w_ + at);
    if (p_.layout.contiguous)
      std::memcpy(w, p_.data + slice.at * sizeof(Real), slice.n * sizeof(Real));
    else
      gather(p_.layout, p_.data, sizeof(Real), slice.at, slice.at + slice.n, w);
    for (std::size_t s = 0; s < p_.state.size(); ++s) std::copy_n(slot(s) + slice.at, slice.n, state_[s] + at);
  }

  void put_back(const RowSlice& slice, std::size_t at) {
    const std::byte* const w = reinterpret_cast<const std::byte*>(w_ + at);
    if (p_.layout.contiguous)
      std::memcpy(p_.data + slice.at * sizeof(Real), w, slice.n * sizeof(Real));
    else
      scatter(p_.layout, p_.data, sizeof(Real), slice.at, slice.at + slice.n, w);
    for (std::size_t s = 0; s < p_.state.size(); ++s) std::copy_n(state_[s] + at, slice.n, slot(s) + slice.at);
  }

  void sweep(const UpdateKernel& kernel, Real* w, const Real* g, std::size_t n, double scale) {
    kernel.apply({reinterpret_cast<std::byte*>(w), p_.dtype, reinterpret_cast<const std::byte*>(g), p_.dtype, places_,
                  nullptr, 0, n, 0},
                 scale);
  }

  // What a row whose state no step changes catches up on.
  void decay(const RowSlice& slice, Real* w) const {
    if (!pending_ || !pending_->decays()) return;
    for (std::uint16_t j = slice.decayed; j < now(); ++j) {
      const Real decay = Real((*pending_)[j].factors.decay);
      for (std::size_t i = 0; i < slice.n; ++i) w[i] *= decay;
    }
  }

  void catch_up(const RowSlice* slice, const RowSlice* stop) {
    std::size_t n = 0;
    for (std::uint16_t j = slice->applied; j < now(); ++j) {
      for (; slice != stop && slice->applied <= j; ++slice) n += slice->n;
      sweep((*pending_)[j], w_, zeros, n, 1);
    }
    for (; slice != stop; n += slice->n, ++slice) decay(*slice, w_ + n);
  }

  void step(const RowSlice* slice, const RowSlice* stop) {
    for (std::size_t at = 0; slice != stop; at += slice->n, ++slice)
      gradient_->read(slice->from, slice->from + slice->n, reinterpret_cast<std::byte*>(g_ + at));
    sweep(*kernel_, w_, g_, n_, scale_);
  }

  const Parameter& p_;
  const RowGradient* const gradient_;
  const UpdateKernel* const kernel_;
  const double scale_;
  const PendingSteps* const pending_;
  std::size_t count_ = 0, n_ = 0;  // of the pieces, of the elements of a block
  void* places_[max_slots];
  RowSlice slices_[chunk_rows];
  alignas(64) Real w_[block], g_[block], state_[max_slots][block];
};

/// Positions in the order of their rows; those of a row stay in the order given. Digit by digit from the last: a few
/// thousand rows take a tenth of the time that comparing them takes.
void sort(const std::int64_t* rows, std::vector<std::size_t>& order) {
  constexpr int bits = 11;
  constexpr std::size_t digits = std::size_t(1) << bits;
  const std::int64_t largest = *std::max_element(rows, rows + order.size());
  std::vector<std::size_t> sorted(order.size());
  for (int shift = 0; shift < 63 && largest >> shift; shift += bits) {
    const auto digit = [&](std::size_t at) { return std::size_t(rows[at] >> shift) % digits; };
    std::size_t begins[digits + 1] = {};
    for (const std::size_t at : order) ++begins[digit(at) + 1];
    for (std::size_t d = 1; d < digits; ++d) begins[d] += begins[d - 1];
    for (const std::size_t at : order) sorted[begins[digit(at)]++] = at;
    order.swap(sorted);
  }
}

/// Whether a weight whose state is as at the start stays as it is where the gradient is 0, but for the decay factor.
template <class Real> bool is_fixed(const UpdateKernel& step, const std::vector<double>& start) {
  constexpr Real sizes[] = {Real(1), Real(-3), Real(1e-30), Real(-1e30)};
  constexpr std::size_t n = sizeof sizes / sizeof *sizes;
  UpdateKernel kernel = step;
  kernel.factors.decay = 1;
  Real w[n], state[max_slots][n];
  void* places[max_slots];
  std::copy_n(sizes, n, w);
  for (std::size_t s = 0; s < start.size(); ++s) {
    std::fill_n(state[s], n, Real(start[s]));
    places[s] = state[s];
  }
  const Real g[n] = {};
  kernel.apply({reinterpret_cast<std::byte*>(w), kernel.real, reinterpret_cast<const std::byte*>(g), kernel.real,
                places, nullptr, 0, n, 0});
  bool same = std::equal(w, w + n, sizes);
  for (std::size_t s = 0; s < start.size(); ++s)
    for (const Real x : state[s]) same &= x == Real(start[s]);
  return same;
}

}  // namespace

RowGradient::RowGradient(const std::int64_t* given, std::size_t n, const std::byte* values, Dtype dtype,
                         std::size_t columns)
    : columns(columns), values_(values), dtype_(dtype), order_(n) {
  for (std::size_t i = 0; i < n; ++i) order_[i] = i;
  if (!std::is_sorted(given, given + n)) sort(given, order_);
  for (std::size_t i = 0; i < n; ++i) {
    if (i && given[order_[i]] == given[order_[i - 1]]) continue;
    rows.push_back(given[order_[i]]);
    first_.push_back(i);
  }
  first_.push_back(n);
}

RowGradient::RowGradient(const std::int64_t* given, const std::uint32_t* at, const std::byte* factors, std::size_t n,
                         const std::byte* values, Dtype dtype, std::size_t columns)
    : RowGradient(given, n, values, dtype, columns) {
  const std::size_t size = dtype == Dtype::f64 ? sizeof(double) : sizeof(float);
  at_.resize(n);
  for (std::size_t k = 0; k < n; ++k) at_[k] = at[order_[k]];
  if (!factors) return;
  factors_.resize(n * size);
  for (std::size_t k = 0; k < n; ++k) std::memcpy(factors_.data() + k * size, factors + order_[k] * size, size);
}

template <class Real> void RowGradient::read(std::size_t begin, std::size_t end, Real* out) const {
  const Real* const values = reinterpret_cast<const Real*>(values_);
  for (std::size_t n; begin < end; begin += n, out += n) {
    const std::size_t row = begin / columns, column = begin % columns;
    n = std::min(columns - column, end - begin);
    if (!at_.empty()) {
      const std::size_t first = first_[row];
      const Real* const factors = reinterpret_cast<const Real*>(factors_.data());
      products<Real>().sum_rows({nullptr, values + column, columns, at_.data() + first,
                                 factors_.empty() ? nullptr : factors + first, first_[row + 1] - first, n, out});
      continue;
    }
    // From 0, as a dense gradient would be summed: -0 becomes 0.
    std::fill_n(out, n, Real(0));
    for (std::size_t k = first_[row]; k < first_[row + 1]; ++k) {
      const Real* const x = values + order_[k] * columns + column;
      for (std::size_t i = 0; i < n; ++i) out[i] += x[i];
    }
  }
}

void RowGradient::read(std::size_t begin, std::size_t end, std::byte* out) const {
  if (dtype_ == Dtype::f64)
    read(begin, end, reinterpret_cast<double*>(out));
  else
    read(begin, end, reinterpret_cast<float*>(out));
}

void PendingSteps::prepare(const std::vector<double>& start) {
  if (empty()) start_ = start;
  if (steps_.size() == steps_.capacity()) steps_.reserve(std::max<std::size_t>(64, 2 * steps_.size()));
}

void PendingSteps::add(const UpdateKernel& kernel, double scale, const std::vector<std::int64_t>& rows) {
  steps_.push_back(kernel);
  UpdateKernel& step = steps_.back();
  step.factors.scale *= scale;
  if (!(step.real == Dtype::f64 ? gs::is_fixed<double>(step, start_) : gs::is_fixed<float>(step, start_)))
    fixed_from_ = steps_.size();
  decays_ |= step.factors.decay != 1;
  for (const std::int64_t row : rows) {
    rows_with_gradient_ += !had_gradient_[std::size_t(row)];
    had_gradient_[std::size_t(row)] = true;
  }
  mark_current(rows);
}

void PendingSteps::mark_current(const std::vector<std::int64_t>& rows) {
  for (const std::int64_t row : rows) applied_[std::size_t(row)] = size();
}

void PendingSteps::clear() {
  steps_.clear();
  std::fill(applied_.begin(), applied_.end(), std::uint16_t(0));
  fixed_from_ = 0;
  decays_ = false;
}

std::size_t row_chunk(std::size_t columns) {
  columns = std::max<std::size_t>(columns, 1);
  return columns < chunk_size ? std::min(chunk_size / columns, chunk_rows) * columns : chunk_size;
}

std::size_t columns_of(const Layout& layout) {
  std::size_t columns = 1;
  for (std::size_t d = 1; d < layout.shape.size(); ++d) columns *= std::size_t(layout.shape[d]);
  return columns;
}

void update_rows(const Parameter& parameter, const RowGradient* gradient, const UpdateKernel* kernel, double scale,
                 std::size_t begin, std::size_t end) {
  if (parameter.dtype == Dtype::f64)
    RowUpdate<double>(parameter, gradient, kernel, scale).run(begin, end);
  else
    RowUpdate<float>(parameter, gradient, kernel, scale).run(begin, end);
}

void flush(const Parameter& parameter, const RowGradient* rows) {
  if (!parameter.pending || parameter.pending->empty()) return;
  const std::size_t n = rows ? rows->size() : parameter.layout.size, most = row_chunk(columns_of(parameter.layout));
  const std::size_t chunks = (n + most - 1) / most;
  const int threads = n * parameter.pending->size() < parallel_size ? 1 : threads_for(chunks);
  ThreadTeam::run(threads, [&](ThreadTeam& team) {
    team.stage(chunks, [&](std::size_t i, int) {
      update_rows(parameter, rows, nullptr, 1, i * most, std::min(n, (i + 1) * most));
    });
  });
  if (rows)
    parameter.pending->mark_current(rows->rows);
  else
    parameter.pending->clear();
}

}  // namespace gs
