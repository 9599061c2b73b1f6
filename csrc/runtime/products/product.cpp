#include "runtime/products/product.hpp"

#include <algorithm>
#include <vector>

#include "runtime/buffer.hpp"
#include "runtime/products/packed_product.hpp"
#include "runtime/products/product_job.hpp"
#include "runtime/threads.hpp"

namespace gs {
namespace {

// Multiplications, of which a core with AVX-512 does some fifty a nanosecond, that are worth another thread: from here
// on two gain where products follow one another. A thread that has gone to sleep in between takes 50 to 90 us to wake.
constexpr double worth = 1 << 19;

/// A matrix in the one order or the other that the kernel reads: where it lies if that is one of them, else as a copy.
template <class Real> class Readable {
 public:
  /// forwards: rows must lie a whole number of elements after one another, for a kernel that takes no pointers to them.
  Readable(const Matrix& matrix, bool forwards) : from_(matrix), data_(matrix.data) {
    const auto& shape = matrix.layout.shape;
    const auto& strides = matrix.layout.strides;
    if (lies_along(1, forwards)) {
      stride_ = shape[0] > 1 ? strides[0] : shape[1] * item;
    } else if (lies_along(0, forwards)) {
      transposed_ = true;
      stride_ = shape[1] > 1 ? strides[1] : shape[0] * item;
    } else {
      copy_ = Buffer<Real>(matrix.layout.size);
      data_ = reinterpret_cast<const std::byte*>(copy_.data());
      stride_ = shape[1] * item;
    }
  }

  /// To be called before it is read; by the leader.
  void fill(ThreadTeam& team) const {
    if (!copy_.data()) return;
    const std::size_t n = from_.layout.size;
    constexpr std::size_t chunk = 1 << 15;  // elements
    team.stage((n + chunk - 1) / chunk, [&](std::size_t i, int) {
      gather(from_.layout, from_.data, item, i * chunk, std::min((i + 1) * chunk, n),
             reinterpret_cast<std::byte*>(copy_.data() + i * chunk));
    });
  }

  bool transposed() const { return transposed_; }
  const Real* data() const { return reinterpret_cast<const Real*>(data_); }
  std::size_t stride() const { return std::size_t(stride_ / item); }

  /// Pointers to its rows; to its columns if transposed.
  std::vector<const void*> rows() const {
    std::vector<const void*> pointers(std::size_t(from_.layout.shape[transposed_]));
    for (std::size_t i = 0; i < pointers.size(); ++i) pointers[i] = data_ + std::int64_t(i) * stride_;
    return pointers;
  }

 private:
  static constexpr std::int64_t item = sizeof(Real);

  bool lies_along(std::size_t axis, bool forwards) const {
    const Layout& l = from_.layout;
    const std::int64_t other = l.strides[1 - axis];
    return (l.shape[axis] <= 1 || l.strides[axis] == item) &&
           (!forwards || l.shape[1 - axis] <= 1 || (other >= 0 && other % item == 0));
  }

  const Matrix& from_;
  const std::byte* data_;
  std::int64_t stride_;  // bytes
  bool transposed_ = false;
  Buffer<Real> copy_;
};

/// Memory for each thread of a team, and for all of them. Kept: to touch fresh memory takes longer than a small
/// product.
template <class Real> class Memory {
 public:
  const std::vector<Buffer<Real>>& scratch(int threads, std::size_t elements) {
    if (elements > each_) {
      scratch_.clear();
      each_ = elements;
    }
    while (scratch_.size() < std::size_t(threads)) scratch_.emplace_back(each_);
    return scratch_;
  }
  Real* shared(std::size_t elements) {
    if (elements > shared_size_) shared_ = Buffer<Real>(elements);
    shared_size_ = std::max(shared_size_, elements);
    return shared_.data();
  }
  static Memory& get() {
    thread_local Memory kept;
    return kept;
  }

 private:
  std::vector<Buffer<Real>> scratch_;
  Buffer<Real> shared_;
  std::size_t each_ = 0, shared_size_ = 0;
};

/// By one thread for each `worth` multiplications, or by the team that is given: work(team, threads).
template <class Work> void by_team(ThreadTeam* team, double multiplications, std::size_t chunks, const Work& work) {
  const double parts = std::min({multiplications / worth, double(chunks), 1e6});
  const int threads = team ? team->threads() : threads_for(std::size_t(parts));
  if (team) return work(*team, threads);
  ThreadTeam::run(threads, [&](ThreadTeam& own) {
    const ThreadTeam::Cancellable here(own);
    work(own, threads);
  });
}

}  // namespace

template <class Real>
void product(Matrix a, const Matrix& b, const Real* start, Real* c, std::int64_t ldc, ThreadTeam* team,
             Gemm<Real> gemm) {
  const std::int64_t m = a.layout.shape[0], k = a.layout.shape[1], n = b.layout.shape[1];
  if (m == 0 || n == 0) return;
  if (ldc < 0) {  // from the last row on
    c += (m - 1) * ldc;
    ldc = -ldc;
    a.data += (m - 1) * a.layout.strides[0];
    a.layout.strides[0] *= -1;
  }
  if (k == 0) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] = start ? start[j] : Real(0);
    return;
  }
  const Readable<Real> left(a, false), right(b, true);
  const std::vector<const void*> rows = left.rows();
  const Product<Real> whole{{rows.data(), source_of<Real>},
                            0,
                            left.transposed(),
                            right.data(),
                            right.stride(),
                            right.transposed(),
                            start,
                            c,
                            std::size_t(ldc),
                            std::size_t(m),
                            std::size_t(n),
                            std::size_t(k)};
  const double multiplications = double(m) * double(k) * double(n);
  auto& memory = Memory<Real>::get();
  if (!gemm && PackedProduct<Real>::pays(whole)) {
    const PackedProduct<Real> packed(whole);
    return by_team(team, multiplications, packed.chunks(), [&](ThreadTeam& by, int threads) {
      left.fill(by);
      right.fill(by);
      packed.run(by, memory.shared(packed.panels()), memory.scratch(threads, packed.scratch()));
    });
  }
  const ProductJob<Real> job(whole, gemm ? gemm : products<Real>().gemm);
  by_team(team, multiplications, job.chunks, [&](ThreadTeam& by, int threads) {
    const auto& space = memory.scratch(threads, job.scratch);
    left.fill(by);
    right.fill(by);
    by.stage(job.chunks, [&](std::size_t chunk, int thread) { job.run(chunk, space[std::size_t(thread)].data()); });
  });
}

template void product<float>(Matrix, const Matrix&, const float*, float*, std::int64_t, ThreadTeam*, Gemm<float>);
template void product<double>(Matrix, const Matrix&, const double*, double*, std::int64_t, ThreadTeam*, Gemm<double>);

}  // namespace gs
