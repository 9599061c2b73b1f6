#include "kernels/layers/depthwise.hpp"

#include "kernels/simd.hpp"

namespace gs {
namespace {

// vectors(first channel, which vector of its filters) for blocks of as many channels as a vector has; for the rest
// single(number of the filter, its channel)
template <class Real, class Vectors, class Single>
HD void each_filter(const Depthwise& d, const Vectors& vectors, const Single& single) {
  std::size_t c = 0;
  for (; c + Simd<Real>::lanes <= d.channels; c += Simd<Real>::lanes)
    for (std::size_t v = 0; v < d.each; ++v) vectors(c, v);
  for (; c < d.channels; ++c)
    for (std::size_t k = 0; k < d.each; ++k) single(c * d.each + k, c);
}

/// Channels for the filters of a vector: those that are loaded, or, of `each` filters a channel, some of them repeated.
template <class Real, bool repeats> struct Channels {
  using Vector = typename Simd<Real>::Vector;
  using Index = decltype(Vector{} > Vector{});
  Index of{};  // (filter): which of the channels

  HD Channels(const Depthwise& d, std::size_t v) {
    if (!repeats) return;
    Vector filter{};
    for (int i = 0; i < Simd<Real>::lanes; ++i) filter[i] = Real(i) + Real(0.5);
    of = __builtin_convertvector((filter + Real(v * Simd<Real>::lanes)) / Real(d.each), Index);
  }
  HD Vector operator()(const Real* x) const {
    const Vector channels = load(x);
    if (!repeats) return channels;
#if defined(__has_builtin) && __has_builtin(__builtin_shuffle)
    return __builtin_shuffle(channels, of);
#else
    Vector made{};
    for (int i = 0; i < Simd<Real>::lanes; ++i) made[i] = channels[of[i]];
    return made;
#endif
  }
};

template <class Real> HD const Real* at(const void* const* x, std::size_t place) {
  return static_cast<const Real*>(x[place]);
}

template <class Real, int height, bool repeats>
HD void forward_vectors(const Depthwise& d, const void* const* x, const Real* w, const Real* b, std::size_t c,
                        std::size_t v, Real* z) {
  const std::size_t n = d.channels * d.each, f = c * d.each + v * Simd<Real>::lanes;
  const Channels<Real, repeats> channels(d, v);
  typename Simd<Real>::Vector sum[height];
#pragma GCC unroll 4
  for (int i = 0; i < height; ++i) sum[i] = b ? load(b + f) : typename Simd<Real>::Vector{};
  for (std::size_t t = 0; t < d.n_taps; ++t) {
    const auto right = load(w + t * n + f);
#pragma GCC unroll 4
    for (int i = 0; i < height; ++i) sum[i] += channels(at<Real>(x, std::size_t(i)) + d.taps[t] + c) * right;
  }
#pragma GCC unroll 4
  for (int i = 0; i < height; ++i) store(z + std::size_t(i) * n + f, sum[i]);
}

template <class Real, bool repeats>
void forward(const Depthwise& d, const void* const* x, std::size_t places, const Real* w, const Real* b, Real* z) {
  const std::size_t n = d.channels * d.each;
  for (std::size_t p = 0; p < places;) {
    const std::size_t height = places - p >= 4 ? 4 : 1;
    const auto vectors = [&](std::size_t c, std::size_t v) INLINED {
      height == 4 ? forward_vectors<Real, 4, repeats>(d, x + p, w, b, c, v, z)
                  : forward_vectors<Real, 1, repeats>(d, x + p, w, b, c, v, z);
    };
    const auto single = [&](std::size_t k, std::size_t c) INLINED {
      for (std::size_t i = 0; i < height; ++i) {
        Real sum = b ? b[k] : Real(0);
        for (std::size_t t = 0; t < d.n_taps; ++t) sum += at<Real>(x, p + i)[d.taps[t] + c] * w[t * n + k];
        z[i * n + k] = sum;
      }
    };
    each_filter<Real>(d, vectors, single);
    p += height;
    z += height * n;
  }
}

template <class Real>
void forward(const Depthwise& d, const void* const* x, std::size_t places, const Real* w, const Real* b, Real* z) {
  d.each == 1 ? forward<Real, false>(d, x, places, w, b, z) : forward<Real, true>(d, x, places, w, b, z);
}

template <class Real>
void input_grad(const Depthwise& d, const Real* dz, std::size_t places, const Real* w, const std::size_t* at,
                Real* dx) {
  const std::size_t n = d.channels * d.each;
  for (std::size_t p = 0; p < places; ++p, dz += n) {
    Real* const place = dx + at[p];
    const auto vectors = [&](std::size_t c, std::size_t k) INLINED {
      auto left = load(dz + c);
      if (d.each > 1)
        for (int i = 0; i < Simd<Real>::lanes; ++i) left[i] = dz[(c + std::size_t(i)) * d.each + k];
      for (std::size_t t = 0; t < d.n_taps; ++t) {
        Real* const to = place + d.taps[t] + c;
        store(to, load(to) + left * load(w + (t * d.each + k) * d.channels + c));
      }
    };
    const auto single = [&](std::size_t k, std::size_t c) INLINED {
      const Real* const turned = w + (k - c * d.each) * d.channels + c;
      for (std::size_t t = 0; t < d.n_taps; ++t) place[d.taps[t] + c] += dz[k] * turned[t * n];
    };
    each_filter<Real>(d, vectors, single);
  }
}

// Of numbers [first, first + count) of the window, so many that their sums stay in registers.
template <class Real, std::size_t count, bool repeats>
HD void weight_grad_vectors(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds,
                            std::size_t first, std::size_t c, std::size_t v, Real* dw) {
  const std::size_t n = d.channels * d.each, f = c * d.each + v * Simd<Real>::lanes;
  const Channels<Real, repeats> channels(d, v);
  typename Simd<Real>::Vector sum[count];
  std::size_t tap[count];
#pragma GCC unroll 4
  for (std::size_t t = 0; t < count; ++t) {
    tap[t] = d.taps[first + t] + c;
    sum[t] = adds ? load(dw + (first + t) * n + f) : typename Simd<Real>::Vector{};
  }
  for (std::size_t p = 0; p < places; ++p) {
    const auto right = load(dz + p * n + f);
    const Real* const place = at<Real>(x, p);
#pragma GCC unroll 4
    for (std::size_t t = 0; t < count; ++t) sum[t] += channels(place + tap[t]) * right;
  }
#pragma GCC unroll 4
  for (std::size_t t = 0; t < count; ++t) store(dw + (first + t) * n + f, sum[t]);
}

template <class Real, bool repeats>
void weight_grad(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds, Real* dw) {
  const std::size_t n = d.channels * d.each;
  const auto vectors = [&](std::size_t c, std::size_t v) INLINED {
    std::size_t t = 0;
    for (; t + 4 <= d.n_taps; t += 4) weight_grad_vectors<Real, 4, repeats>(d, x, places, dz, adds, t, c, v, dw);
    for (; t < d.n_taps; ++t) weight_grad_vectors<Real, 1, repeats>(d, x, places, dz, adds, t, c, v, dw);
  };
  const auto single = [&](std::size_t k, std::size_t c) INLINED {
    for (std::size_t t = 0; t < d.n_taps; ++t) {
      Real sum = adds ? dw[t * n + k] : Real(0);
      for (std::size_t p = 0; p < places; ++p) sum += at<Real>(x, p)[d.taps[t] + c] * dz[p * n + k];
      dw[t * n + k] = sum;
    }
  };
  each_filter<Real>(d, vectors, single);
}

template <class Real>
void weight_grad(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds, Real* dw) {
  d.each == 1 ? weight_grad<Real, false>(d, x, places, dz, adds, dw)
              : weight_grad<Real, true>(d, x, places, dz, adds, dw);
}

template <class Real> constexpr DepthwiseLoops<Real> loops{forward<Real>, input_grad<Real>, weight_grad<Real>};
constexpr DepthwiseTable table{loops<float>, loops<double>};

}  // namespace

template <> const DepthwiseTable& depthwise_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
