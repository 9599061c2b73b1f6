#include "kernels/pool.hpp"

#include "core/portable.hpp"

namespace gs {
namespace {

/// The numbers of a window at one place: those of the input that it lies over, from `first` to before `last` of its own
/// along each axis.
struct Place {
  std::ptrdiff_t start[3];  // of the window, in the input; before its edge if negative
  std::size_t first[3], last[3];

  std::size_t count() const { return (last[0] - first[0]) * (last[1] - first[1]) * (last[2] - first[2]); }
};

// work(place, number of the place) for each place of a sample
template <class Work> HD void each_place(const Window& w, const Work& work) {
  Place place;
  std::size_t number = 0, at[3];
  const auto along = [&](int k) INLINED {
    const WindowAxis& a = w.axis[k];
    const std::ptrdiff_t start = std::ptrdiff_t(at[k] * a.stride) - std::ptrdiff_t(a.before);
    place.start[k] = start;
    place.first[k] = start < 0 ? std::size_t(-start) : 0;
    const std::size_t left = std::size_t(std::ptrdiff_t(a.in) - start);
    place.last[k] = left < a.size ? left : a.size;
  };
  for (at[0] = 0; at[0] < w.axis[0].out; ++at[0]) {
    along(0);
    for (at[1] = 0; at[1] < w.axis[1].out; ++at[1]) {
      along(1);
      for (at[2] = 0; at[2] < w.axis[2].out; ++at[2]) {
        along(2);
        work(place, number++);
      }
    }
  }
}

// work(where it begins in the sample, its number in the window) for each vector of channels of a place
template <class Work> HD void each_number(const Window& w, const Place& place, const Work& work) {
  for (std::size_t i = place.first[0]; i < place.last[0]; ++i)
    for (std::size_t j = place.first[1]; j < place.last[1]; ++j)
      for (std::size_t k = place.first[2]; k < place.last[2]; ++k) {
        const std::size_t d = std::size_t(place.start[0] + std::ptrdiff_t(i)),
                          h = std::size_t(place.start[1] + std::ptrdiff_t(j)),
                          v = std::size_t(place.start[2] + std::ptrdiff_t(k));
        work(((d * w.axis[1].in + h) * w.axis[2].in + v) * w.channels, (i * w.axis[1].size + j) * w.axis[2].size + k);
      }
}

template <class Real>
void max_forward(const Window& w, const Real* x, std::size_t count, Real* y, std::uint32_t* index) {
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, x += w.in()) {
    each_place(w, [&](const Place& place, std::size_t) INLINED {
      bool begins = true;
      each_number(w, place, [&](std::size_t from, std::size_t number) INLINED {
        const Real* RESTRICT const at = x + from;
        const auto here = std::uint32_t(number);
        Real* RESTRICT const best = y;
        std::uint32_t* RESTRICT const which = index;
        if (begins) {
          for (std::size_t c = 0; c < n; ++c) best[c] = at[c];
          for (std::size_t c = 0; which && c < n; ++c) which[c] = here;
          begins = false;
        } else if (which) {
#pragma omp simd
          for (std::size_t c = 0; c < n; ++c) {
            const bool larger = (at[c] > best[c]) | ((at[c] != at[c]) & (best[c] == best[c]));
            best[c] = larger ? at[c] : best[c];
            which[c] = larger ? here : which[c];
          }
        } else {
#pragma omp simd
          for (std::size_t c = 0; c < n; ++c)
            best[c] = ((at[c] > best[c]) | ((at[c] != at[c]) & (best[c] == best[c]))) ? at[c] : best[c];
        }
      });
      y += n;
      if (index) index += n;
    });
  }
}

template <bool disjoint, class Real>
HD void max_back(const Window& w, const Real* dy, const std::uint32_t* index, std::size_t count, Real* dx) {
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, dx += w.in()) {
    each_place(w, [&](const Place& place, std::size_t) INLINED {
      each_number(w, place, [&](std::size_t to, std::size_t number) INLINED {
        Real* RESTRICT const at = dx + to;
        const auto here = std::uint32_t(number);
#pragma omp simd
        for (std::size_t c = 0; c < n; ++c) at[c] = (disjoint ? Real(0) : at[c]) + (index[c] == here ? dy[c] : Real(0));
      });
      dy += n;
      index += n;
    });
  }
}

template <class Real>
void max_backward(const Window& w, const Real* dy, const std::uint32_t* index, std::size_t count, Real* dx) {
  w.is_disjoint() ? max_back<true>(w, dy, index, count, dx) : max_back<false>(w, dy, index, count, dx);
}

template <class Real> void mean_forward(const Window& w, const Real* x, std::size_t count, Real* y) {
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, x += w.in()) {
    each_place(w, [&](const Place& place, std::size_t) INLINED {
      for (std::size_t c = 0; c < n; ++c) y[c] = 0;
      each_number(w, place, [&](std::size_t from, std::size_t) INLINED {
        const Real* RESTRICT const at = x + from;
        Real* RESTRICT const sum = y;
#pragma omp simd
        for (std::size_t c = 0; c < n; ++c) sum[c] += at[c];
      });
      const Real of = Real(place.count());
      for (std::size_t c = 0; c < n; ++c) y[c] /= of;
      y += n;
    });
  }
}

template <class Real> void mean_backward(const Window& w, const Real* dy, std::size_t count, Real* dx) {
  const std::size_t n = w.channels;
  for (std::size_t s = 0; s < count; ++s, dx += w.in()) {
    each_place(w, [&](const Place& place, std::size_t) INLINED {
      const Real of = Real(place.count());
      each_number(w, place, [&](std::size_t to, std::size_t) INLINED {
        Real* RESTRICT const at = dx + to;
#pragma omp simd
        for (std::size_t c = 0; c < n; ++c) at[c] += dy[c] / of;
      });
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
