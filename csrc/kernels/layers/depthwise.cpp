#include "kernels/layers/depthwise.hpp"

#include "kernels/simd.hpp"

namespace gs {
namespace {

// vectors(first channel) for blocks of channels that have a filter each, a vector a block; else, and for the rest,
// single(number of the filter, its channel)
template <class Real, class Vectors, class Single>
HD void each_filter(const Depthwise& d, const Vectors& vectors, const Single& single) {
  std::size_t c = 0;
  if (d.each == 1)
    for (; c + Simd<Real>::lanes <= d.channels; c += Simd<Real>::lanes) vectors(c);
  for (; c < d.channels; ++c)
    for (std::size_t k = 0; k < d.each; ++k) single(c * d.each + k, c);
}

template <class Real> HD const Real* at(const void* const* x, std::size_t place) {
  return static_cast<const Real*>(x[place]);
}

template <class Real, int height>
HD void forward_vectors(const Depthwise& d, const void* const* x, const Real* w, const Real* b, std::size_t c,
                        Real* z) {
  typename Simd<Real>::Vector sum[height];
#pragma GCC unroll 4
  for (int i = 0; i < height; ++i) sum[i] = b ? load(b + c) : typename Simd<Real>::Vector{};
  for (std::size_t t = 0; t < d.n_taps; ++t) {
    const auto right = load(w + t * d.channels + c);
#pragma GCC unroll 4
    for (int i = 0; i < height; ++i) sum[i] += load(at<Real>(x, std::size_t(i)) + d.taps[t] + c) * right;
  }
#pragma GCC unroll 4
  for (int i = 0; i < height; ++i) store(z + std::size_t(i) * d.channels + c, sum[i]);
}

template <class Real>
void forward(const Depthwise& d, const void* const* x, std::size_t places, const Real* w, const Real* b, Real* z) {
  const std::size_t n = d.channels * d.each;
  for (std::size_t p = 0; p < places;) {
    const std::size_t height = places - p >= 4 ? 4 : 1;
    const auto vectors = [&](std::size_t c) INLINED {
      height == 4 ? forward_vectors<Real, 4>(d, x + p, w, b, c, z) : forward_vectors<Real, 1>(d, x + p, w, b, c, z);
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
void input_grad(const Depthwise& d, const Real* dz, std::size_t places, const Real* w, const std::size_t* at,
                Real* dx) {
  const std::size_t n = d.channels * d.each;
  for (std::size_t p = 0; p < places; ++p, dz += n) {
    Real* const place = dx + at[p];
    const auto vectors = [&](std::size_t c) INLINED {
      const auto left = load(dz + c);
      for (std::size_t t = 0; t < d.n_taps; ++t) {
        Real* const to = place + d.taps[t] + c;
        store(to, load(to) + left * load(w + t * n + c));
      }
    };
    const auto single = [&](std::size_t k, std::size_t c) INLINED {
      for (std::size_t t = 0; t < d.n_taps; ++t) place[d.taps[t] + c] += dz[k] * w[t * n + k];
    };
    each_filter<Real>(d, vectors, single);
  }
}

// Of numbers [first, first + count) of the window, so many that their sums stay in registers.
template <class Real, std::size_t count>
HD void weight_grad_vectors(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds,
                            std::size_t first, std::size_t c, Real* dw) {
  const std::size_t n = d.channels;
  typename Simd<Real>::Vector sum[count];
  std::size_t tap[count];
#pragma GCC unroll 4
  for (std::size_t t = 0; t < count; ++t) {
    tap[t] = d.taps[first + t] + c;
    sum[t] = adds ? load(dw + (first + t) * n + c) : typename Simd<Real>::Vector{};
  }
  for (std::size_t p = 0; p < places; ++p) {
    const auto right = load(dz + p * n + c);
    const Real* const place = at<Real>(x, p);
#pragma GCC unroll 4
    for (std::size_t t = 0; t < count; ++t) sum[t] += load(place + tap[t]) * right;
  }
#pragma GCC unroll 4
  for (std::size_t t = 0; t < count; ++t) store(dw + (first + t) * n + c, sum[t]);
}

template <class Real>
void weight_grad(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds, Real* dw) {
  const std::size_t n = d.channels * d.each;
  const auto vectors = [&](std::size_t c) INLINED {
    std::size_t t = 0;
    for (; t + 4 <= d.n_taps; t += 4) weight_grad_vectors<Real, 4>(d, x, places, dz, adds, t, c, dw);
    for (; t < d.n_taps; ++t) weight_grad_vectors<Real, 1>(d, x, places, dz, adds, t, c, dw);
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

template <class Real> constexpr DepthwiseLoops<Real> loops{forward<Real>, input_grad<Real>, weight_grad<Real>};
constexpr DepthwiseTable table{loops<float>, loops<double>};

}  // namespace

template <> const DepthwiseTable& depthwise_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
