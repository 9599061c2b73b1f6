#include "update/sparse.hpp"

#include <algorithm>
#include <cstring>

#include "runtime/threads.hpp"
#include "update/optimizer.hpp"

namespace gs {
namespace {

// Elements and rows a chunk.
constexpr std::size_t chunk_size = 1 << 13, chunk_rows = 1 << 10;
// Bytes of an array of those that are moved together: they, their gradient and state stay in the first cache.
constexpr std::size_t block_size = 4096;
// Element-steps of a flush from which a second thread is worth waking.
constexpr std::size_t parallel_size = 1 << 20;

/// Part of a row.
struct Piece {
  std::size_t at;         // its first element in the parameter
  std::size_t from;       // and in the gradient
  std::uint32_t n;        // elements
  std::uint16_t taken;    // how many of the missed steps it has taken
  std::uint16_t decayed;  // from which of them on it only decays; all of them, if it does not rest
  bool moved;             // whether its state is not as at the start, for all that is known
};

/// Pieces of a chunk, block by block: copied side by side, those furthest behind first, so that the ones that a missed
/// step concerns are always the first so many elements; moved; put back.
template <class Real> class Rows {
 public:
  Rows(const Parameter& parameter, const RowGradient* gradient, const Manner* how, double scale)
      : p_(parameter), gradient_(gradient), how_(how), scale_(scale), missed_(parameter.arrears.get()) {
    for (std::size_t s = 0; s < p_.state.size(); ++s) places_[s] = state_[s];
  }

  void move(std::size_t begin, std::size_t end) {
    list(begin, end);
    Piece* const last = pieces_ + count_;
    std::sort(pieces_, std::partition(pieces_, last, [&](const Piece& p) { return p.taken < now(); }),
              [](const Piece& a, const Piece& b) { return a.taken < b.taken; });
    for (const Piece *first = pieces_, *stop; first != last; first = stop) {
      n_ = 0;
      for (stop = first; stop != last && n_ + stop->n <= block; ++stop) {
        copy(*stop, n_);
        n_ += stop->n;
      }
      catch_up(first, stop);
      if (how_) step(first, stop);
      std::size_t at = 0;
      for (const Piece* piece = first; piece != stop; ++piece) {
        put_back(*piece, at);
        at += piece->n;
      }
    }
  }

 private:
  static constexpr std::size_t block = block_size / sizeof(Real), line = 64 / sizeof(Real);

  std::uint16_t now() const { return missed_ ? missed_->size() : 0; }

  void list(std::size_t begin, std::size_t end) {
    const std::size_t columns = columns_of(p_.layout);
    count_ = 0;
    for (std::size_t n; begin < end; begin += n) {
      const std::size_t row = begin / columns, column = begin % columns;
      n = std::min({block, columns - column, end - begin});
      const std::int64_t where = gradient_ ? gradient_->rows[row] : std::int64_t(row);
      const Piece piece{std::size_t(where) * columns + column,
                        begin,
                        std::uint32_t(n),
                        missed_ ? missed_->taken(where) : std::uint16_t(0),
                        now(),
                        true};
      if (gradient_) fetch(piece);
      if (how_ || piece.taken < now()) pieces_[count_++] = piece;
    }
    if (!missed_) return;
    // One number of each cache line first, without branches: these loads wait for memory all at once.
    for (Piece* piece = pieces_; piece != pieces_ + count_; ++piece) {
      piece->moved = piece->taken == now() || !missed_->rests(piece->taken);
      for (std::size_t s = 0; s < p_.state.size(); ++s) {
        const Real *x = slot(s) + piece->at, start = Real(missed_->start(s));
        for (std::size_t i = 0; i < piece->n; i += line) piece->moved |= x[i] != start;
      }
    }
    // What rests has nothing to catch up on but its decay.
    const auto rests = [&](Piece& piece) {
      if (piece.moved || !starts(piece)) return false;
      piece.decayed = piece.taken;
      piece.taken = now();
      return true;
    };
    Piece* last = pieces_;
    for (Piece* piece = pieces_; piece != pieces_ + count_; ++piece)
      if (!rests(*piece) || how_ || missed_->decays()) *last++ = *piece;
    count_ = std::size_t(last - pieces_);
  }

  // Rows lie far from each other: all are asked for before the first one is waited for.
  void fetch(const Piece& piece) const {
    for (std::size_t i = 0; i < piece.n; i += line) {
      if (p_.layout.contiguous) __builtin_prefetch(p_.data + (piece.at + i) * sizeof(Real), 1);
      for (std::size_t s = 0; s < p_.state.size(); ++s) __builtin_prefetch(slot(s) + piece.at + i, 1);
    }
  }

  Real* slot(std::size_t s) const { return static_cast<Real*>(p_.state[s]); }

  bool starts(const Piece& piece) const {
    for (std::size_t s = 0; s < p_.state.size(); ++s) {
      const Real *x = slot(s) + piece.at, start = Real(missed_->start(s));
      unsigned other = 0;
      for (std::size_t i = 0; i < piece.n; ++i) other += x[i] != start;
      if (other) return false;
    }
    return true;
  }

  void copy(const Piece& piece, std::size_t at) {
    std::byte* const w = reinterpret_cast<std::byte*>(w_ + at);
    if (p_.layout.contiguous)
      std::memcpy(w, p_.data + piece.at * sizeof(Real), piece.n * sizeof(Real));
    else
      gather(p_.layout, p_.data, sizeof(Real), piece.at, piece.at + piece.n, w);
    for (std::size_t s = 0; s < p_.state.size(); ++s) std::copy_n(slot(s) + piece.at, piece.n, state_[s] + at);
  }

  void put_back(const Piece& piece, std::size_t at) {
    const std::byte* const w = reinterpret_cast<const std::byte*>(w_ + at);
    if (p_.layout.contiguous)
      std::memcpy(p_.data + piece.at * sizeof(Real), w, piece.n * sizeof(Real));
    else
      scatter(p_.layout, p_.data, sizeof(Real), piece.at, piece.at + piece.n, w);
    for (std::size_t s = 0; s < p_.state.size(); ++s) std::copy_n(state_[s] + at, piece.n, slot(s) + piece.at);
  }

  void sweep(const Manner& how, const Real* g, std::size_t n, double scale) {
    how.move({reinterpret_cast<std::byte*>(w_), p_.dtype, reinterpret_cast<const std::byte*>(g), p_.dtype, places_,
              nullptr, 0, n, 0},
             scale);
  }

  void catch_up(const Piece* piece, const Piece* stop) {
    static constexpr Real zeros[block] = {};
    std::size_t n = 0;
    for (std::uint16_t j = piece->taken; j < now(); ++j) {
      for (; piece != stop && piece->taken <= j; ++piece) n += piece->n;
      sweep((*missed_)[j], zeros, n, 1);
    }
    if (!missed_ || !missed_->decays()) return;
    for (; piece != stop; n += piece->n, ++piece)
      for (std::uint16_t j = piece->decayed; j < now(); ++j) {
        const Real keep = Real((*missed_)[j].factors.keep);
        for (std::size_t i = 0; i < piece->n; ++i) w_[n + i] *= keep;
      }
  }

  void step(const Piece* piece, const Piece* stop) {
    for (std::size_t at = 0; piece != stop; at += piece->n, ++piece)
      gradient_->read(piece->from, piece->from + piece->n, reinterpret_cast<std::byte*>(g_ + at));
    sweep(*how_, g_, n_, scale_);
  }

  const Parameter& p_;
  const RowGradient* const gradient_;
  const Manner* const how_;
  const double scale_;
  const Arrears* const missed_;
  std::size_t count_ = 0, n_ = 0;  // of the pieces, of the elements of a block
  void* places_[max_slots];
  Piece pieces_[chunk_rows];
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

/// Whether a weight whose state is as at the start stays as it is where the gradient is 0, but for the factor `keep`.
template <class Real> bool rests(const Manner& step, const std::vector<double>& start) {
  constexpr Real sizes[] = {Real(1), Real(-3), Real(1e-30), Real(-1e30)};
  constexpr std::size_t n = sizeof sizes / sizeof *sizes;
  Manner how = step;
  how.factors.keep = 1;
  Real w[n], state[max_slots][n];
  void* places[max_slots];
  std::copy_n(sizes, n, w);
  for (std::size_t s = 0; s < start.size(); ++s) {
    std::fill_n(state[s], n, Real(start[s]));
    places[s] = state[s];
  }
  const Real g[n] = {};
  how.move({reinterpret_cast<std::byte*>(w), how.real, reinterpret_cast<const std::byte*>(g), how.real, places, nullptr,
            0, n, 0});
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

template <class Real> void RowGradient::read(std::size_t begin, std::size_t end, Real* out) const {
  const Real* const values = reinterpret_cast<const Real*>(values_);
  for (std::size_t n; begin < end; begin += n, out += n) {
    const std::size_t row = begin / columns, column = begin % columns;
    n = std::min(columns - column, end - begin);
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

void Arrears::prepare(const std::vector<double>& start) {
  if (empty()) start_ = start;
  if (steps_.size() == steps_.capacity()) steps_.reserve(std::max<std::size_t>(64, 2 * steps_.size()));
}

void Arrears::add(const Manner& how, double scale, const std::vector<std::int64_t>& moved) {
  steps_.push_back(how);
  Manner& step = steps_.back();
  step.factors.scale *= scale;
  if (!(step.real == Dtype::f64 ? gs::rests<double>(step, start_) : gs::rests<float>(step, start_)))
    moving_ = steps_.size();
  decays_ |= step.factors.keep != 1;
  level(moved);
}

void Arrears::level(const std::vector<std::int64_t>& rows) {
  for (const std::int64_t row : rows) taken_[std::size_t(row)] = size();
}

void Arrears::clear() {
  steps_.clear();
  std::fill(taken_.begin(), taken_.end(), std::uint16_t(0));
  moving_ = 0;
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

void move_rows(const Parameter& parameter, const RowGradient* gradient, const Manner* how, double scale,
               std::size_t begin, std::size_t end) {
  if (parameter.dtype == Dtype::f64)
    Rows<double>(parameter, gradient, how, scale).move(begin, end);
  else
    Rows<float>(parameter, gradient, how, scale).move(begin, end);
}

void flush(const Parameter& parameter, const RowGradient* rows) {
  if (!parameter.arrears || parameter.arrears->empty()) return;
  const std::size_t n = rows ? rows->size() : parameter.layout.size, most = row_chunk(columns_of(parameter.layout));
  const std::size_t chunks = (n + most - 1) / most;
  const int threads = n * parameter.arrears->size() < parallel_size ? 1 : threads_for(chunks);
  Crew::gather(threads, [&](Crew& crew) {
    crew.phase(chunks, [&](std::size_t i, int) {
      move_rows(parameter, rows, nullptr, 1, i * most, std::min(n, (i + 1) * most));
    });
  });
  if (rows)
    parameter.arrears->level(rows->rows);
  else
    parameter.arrears->clear();
}

}  // namespace gs
