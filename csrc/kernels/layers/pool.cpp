#include "kernels/layers/pool.hpp"

#include <limits>
#include <type_traits>

#include "core/portable.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

/// The numbers of a window at one place: those of the input that it lies over.
struct Place {
  std::size_t at, first,
      size[3];  // where in the sample the first of them is; its number in the window; how many of them

  HD std::size_t count() const { return size[0] * size[1] * size[2]; }
};

// work(place) for each place of a sample
template <class Work> HD void each_place(const Window& w, const Work& work) {
  Place place{};
  std::size_t begin[3]{}, number[3]{}, at[3];
  const auto along = [&](int k) INLINED {
    const WindowAxis& a = w.axis[k];
    const std::ptrdiff_t start = std::ptrdiff_t(at[k] * a.stride) - std::ptrdiff_t(a.before);
    number[k] = start < 0 ? std::size_t(-start) : 0;
    begin[k] = start < 0 ? 0 : std::size_t(start);
    const std::size_t left = a.in - begin[k], most = a.size - number[k];
    place.size[k] = left < most ? left : most;
  };
  for (at[0] = 0; at[0] < w.axis[0].out; ++at[0]) {
    along(0);
    for (at[1] = 0; at[1] < w.axis[1].out; ++at[1]) {
      along(1);
      for (at[2] = 0; at[2] < w.axis[2].out; ++at[2]) {
        along(2);
        place.at = ((begin[0] * w.axis[1].in + begin[1]) * w.axis[2].in + begin[2]) * w.channels;
        place.first = (number[0] * w.axis[1].size + number[1]) * w.axis[2].size + number[2];
        work(place);
      }
    }
  }
}

// work(where it begins in the sample, its number in the window) for each vector of channels of a place
template <class Work> HD void each_number(const Window& w, const Place& place, const Work& work) {
  const std::size_t channels = w.channels, line = w.axis[2].in * channels, plane = w.axis[1].in * line;
  for (std::size_t i = 0; i < place.size[0]; ++i)
    for (std::size_t j = 0; j < place.size[1]; ++j) {
      std::size_t at = place.at + i * plane + j * line;
      const std::size_t first = place.first + (i * w.axis[1].size + j) * w.axis[2].size;
      for (std::size_t k = 0; k < place.size[2]; ++k, at += channels) work(at, first + k);
    }
}

// work(first channel) for blocks of channels, a vector each; then one by one
template <class Real, class Vectors, class Single>
HD void each_block(std::size_t n, const Vectors& vectors, const Single& single) {
  std::size_t c = 0;
  for (; c + Simd<Real>::lanes <= n; c += Simd<Real>::lanes) vectors(c);
  for (; c < n; ++c) single(c);
}

/// Indices of a vector's channels, as wide as its numbers; and as they lie in memory.
template <class Real> using Indices = decltype(typename Simd<Real>::Vector{} > typename Simd<Real>::Vector{});
template <class Real, class Index> struct Stored {
  typedef Index Vector
      __attribute__((vector_size(Simd<Real>::lanes * sizeof(Index)), aligned(sizeof(Index)), may_alias));
};

// Whether a stays the largest beside b.
template <class Number> HD auto stays(Number a, Number b) { return (b <= a) | (a != a); }

template <bool indexed, class Index, class Real>
HD void max_front(const Window& w, const Real* x, std::size_t count, Real* y, Index* index) {
  using Vector = typename Simd<Real>::Vector;
  using Narrow = typename Stored<Real, Index>::Vector;
  using Wide = Indices<Real>;
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, x += w.in()) {
    each_place(w, [&](const Place& place) INLINED {
      const auto vectors = [&](std::size_t c) INLINED {
        using Number = std::decay_t<decltype(Wide{}[0])>;
        Vector best = Vector{} - std::numeric_limits<Real>::infinity();
        Wide which = Wide{} + Number(place.first);  // where nothing is larger than -infinity
        each_number(w, place, [&](std::size_t from, std::size_t number) INLINED {
          const Vector here = load(x + from + c);
          const Wide same = stays(best, here);
          best = same ? best : here;
          if (indexed) which = same ? which : Wide{} + Number(number);
        });
        store(y + c, best);
        if (indexed) *reinterpret_cast<Narrow*>(index + c) = __builtin_convertvector(which, Narrow);
      };
      const auto single = [&](std::size_t c) INLINED {
        Real best = -std::numeric_limits<Real>::infinity();
        std::size_t which = place.first;
        each_number(w, place, [&](std::size_t from, std::size_t number) INLINED {
          const Real here = x[from + c];
          const bool same = stays(best, here);
          best = same ? best : here;
          which = same ? which : number;
        });
        y[c] = best;
        if (indexed) index[c] = Index(which);
      };
      each_block<Real>(n, vectors, single);
      y += n;
      if (indexed) index += n;
    });
  }
}

template <class Real> void max_forward(const Window& w, const Real* x, std::size_t count, Real* y, void* index) {
  if (!index)
    max_front<false>(w, x, count, y, static_cast<std::uint8_t*>(nullptr));
  else if (index_size(w) == 1)
    max_front<true>(w, x, count, y, static_cast<std::uint8_t*>(index));
  else
    max_front<true>(w, x, count, y, static_cast<std::uint32_t*>(index));
}

template <bool disjoint, class Index, class Real>
HD void max_back(const Window& w, const Real* dy, const Index* index, std::size_t count, Real* dx) {
  using Vector = typename Simd<Real>::Vector;
  using Narrow = typename Stored<Real, Index>::Vector;
  using Wide = Indices<Real>;
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, dx += w.in()) {
    each_place(w, [&](const Place& place) INLINED {
      const auto vectors = [&](std::size_t c) INLINED {
        const Vector d = load(dy + c);
        const Wide which = __builtin_convertvector(*reinterpret_cast<const Narrow*>(index + c), Wide);
        each_number(w, place, [&](std::size_t to, std::size_t number) INLINED {
          const Vector here = which == typename std::decay_t<decltype(which[0])>(number) ? d : Vector{};
          store(dx + to + c, disjoint ? here : load(dx + to + c) + here);
        });
      };
      const auto single = [&](std::size_t c) INLINED {
        each_number(w, place, [&](std::size_t to, std::size_t number) INLINED {
          const Real here = index[c] == number ? dy[c] : Real(0);
          dx[to + c] = disjoint ? here : dx[to + c] + here;
        });
      };
      each_block<Real>(n, vectors, single);
      dy += n;
      index += n;
    });
  }
}

template <class Index, class Real>
HD void max_back(const Window& w, const Real* dy, const void* index, std::size_t count, Real* dx) {
  const Index* const which = static_cast<const Index*>(index);
  w.is_disjoint() ? max_back<true>(w, dy, which, count, dx) : max_back<false>(w, dy, which, count, dx);
}

template <class Real>
void max_backward(const Window& w, const Real* dy, const void* index, std::size_t count, Real* dx) {
  index_size(w) == 1 ? max_back<std::uint8_t>(w, dy, index, count, dx)
                     : max_back<std::uint32_t>(w, dy, index, count, dx);
}

template <class Real> void mean_forward(const Window& w, const Real* x, std::size_t count, Real* y) {
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, x += w.in()) {
    each_place(w, [&](const Place& place) INLINED {
      const Real of = Real(place.count());
      const auto vectors = [&](std::size_t c) INLINED {
        typename Simd<Real>::Vector sum{};
        each_number(w, place, [&](std::size_t from, std::size_t) INLINED { sum += load(x + from + c); });
        store(y + c, sum / of);
      };
      const auto single = [&](std::size_t c) INLINED {
        Real sum = 0;
        each_number(w, place, [&](std::size_t from, std::size_t) INLINED { sum += x[from + c]; });
        y[c] = sum / of;
      };
      each_block<Real>(n, vectors, single);
      y += n;
    });
  }
}

template <class Real> void mean_backward(const Window& w, const Real* dy, std::size_t count, Real* dx) {
  const std::size_t n = w.channels;
  const bool covers = w.covers();
  for (std::size_t s = 0; s < count; ++s, dx += w.in()) {
    each_place(w, [&](const Place& place) INLINED {
      const Real of = Real(place.count());
      using Vector = typename Simd<Real>::Vector;
      const auto vectors = [&](std::size_t c) INLINED {
        const auto part = load(dy + c) / of;
        each_number(w, place, [&](std::size_t to, std::size_t) INLINED {
          store(dx + to + c, (covers ? Vector{} : load(dx + to + c)) + part);
        });
      };
      const auto single = [&](std::size_t c) INLINED {
        const Real part = dy[c] / of;
        each_number(w, place,
                    [&](std::size_t to, std::size_t) INLINED { dx[to + c] = (covers ? Real(0) : dx[to + c]) + part; });
      };
      each_block<Real>(n, vectors, single);
      dy += n;
    });
  }
}

template <class Real>
constexpr PoolLoops<Real> loops{max_forward<Real>, max_backward<Real>, mean_forward<Real>, mean_backward<Real>};
constexpr PoolTable table{loops<float>, loops<double>};

}  // namespace

template <> const PoolTable& pool_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
