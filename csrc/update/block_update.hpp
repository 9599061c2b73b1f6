// Updates in blocks that stay in the first cache, for types to cast, accumulation, clipping and averages around the
// rule.
#pragma once

#include <algorithm>
#include <cstddef>

#include "runtime/dispatch.hpp"
#include "update/update_kernel.hpp"

namespace gs {

/// Elements of a block: they and their gradient stay in the first cache. Whole blocks of int8 state.
inline constexpr std::size_t block = 512;

// Block by block: what is not of type Real side by side is cast or copied in, the rule updates it, and it is put back.
template <class Real> class BlockUpdate {
 public:
  BlockUpdate(const UpdateKernel& kernel, const ParamSlice& slice) : kernel_(kernel), slice_(slice) {}

  void apply(double scale) {
    write(scale, [&](Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
      kernel_.sweep(&kernel_.update, factors, w, g, kernel_.state_at(slice_, at).data(), MatrixLayout(n));
    });
  }

  void average_only() {
    blocks([&](std::byte* w_at, const std::byte*) {
      Real* const w = slice_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
      decoded(slice_.w_dtype, w_at, w);
      update_average(w);
      if (kernel_.overwrite) put_back(w, w_at);
    });
  }

  void measure(double scale, double* lanes) {
    read(scale, [&](const Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
      kernel_.first(&kernel_.first_update, factors, w, g, kernel_.state_at(slice_, at).data(), n, lanes);
    });
  }

  /// work(w, g, factors, position, count) for each block; w and g stay as they are.
  template <class Work> void read(double scale, Work work) {
    blocks([&](std::byte* w, const std::byte* g) { first(w, g, scale, work); });
  }

  /// The same, the gradient used up: w is put back.
  template <class Work> void write(double scale, Work work) {
    blocks([&](std::byte* w, const std::byte* g) { step(w, g, scale, work); });
  }

 private:
  static constexpr Dtype real = Dtype(dtype_of<Real>());

  // visit(w, g) of each block
  template <class Visit> void blocks(Visit visit) {
    for (std::size_t i = 0; i < slice_.n; i += block) {
      n_ = std::min(block, slice_.n - i);
      at_ = slice_.at + i;
      visit(slice_.w + i * item_size(slice_.w_dtype), slice_.g + i * item_size(slice_.g_dtype));
    }
  }

  template <class Work> void first(std::byte* w_at, const std::byte* g_at, double scale, Work work) {
    const Real* g = decoded(slice_.g_dtype, g_at, g_);
    if (kernel_.sum >= 0) {  // as the second pass will have it, which alone adds to the slot
      if (g != g_) std::copy_n(g, n_, g_);
      transforms_.add(g_, slot(kernel_.sum), n_);
      g = g_;
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    work(w, g, factors, at_, n_);
  }

  template <class Work> void step(std::byte* w_at, const std::byte* g_at, double scale, Work work) {
    const Real* g = decoded(slice_.g_dtype, g_at, g_);
    if (kernel_.sum >= 0) {
      transforms_.add(slot(kernel_.sum), g, n_);
      if (kernel_.only_sum) return;
      g = slot(kernel_.sum);
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    work(w, g, factors, at_, n_);
    if (kernel_.sum >= 0) std::fill_n(slot(kernel_.sum), n_, Real(0));
    if (kernel_.average >= 0) update_average(w);
    put_back(w, w_at);
  }

  /// The average takes up the weights, and they may be set to it.
  void update_average(Real* w) {
    transforms_.average(slot(kernel_.average), w, n_, kernel_.average_keep);
    if (kernel_.overwrite) std::copy_n(slot(kernel_.average), n_, w);
  }

  void put_back(const Real* w, std::byte* w_at) {
    if (slice_.w_dtype == real) return;
    if (kernel_.stochastic && slice_.w_dtype == Dtype::bf16)
      codec_.round_by_chance(reinterpret_cast<const float*>(w), w_at, n_, at_,
                             {kernel_.seed, kernel_.t, slice_.number});
    else
      half_codec(slice_.w_dtype).from_float(w, w_at, n_);
  }

  /// The weights, and the gradient as the rule takes it but for what is left in the factors.
  Factors ready(std::byte* w_at, double scale, Real*& w, const Real*& g) {
    w = slice_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
    decoded(slice_.w_dtype, w_at, w);
    Factors factors{kernel_.factors.decay, kernel_.factors.scale * scale};
    while (!holds(real, factors.scale)) {
      const double part = factors.scale * factors.scale < 1 ? 0x1p-64 : 0x1p64;
      transforms_.prepare(g, w, g_, n_, part, inf, 0);
      g = g_;
      factors.scale /= part;
    }
    if (kernel_.limit == inf && kernel_.couple == 0) return factors;
    transforms_.prepare(g, w, g_, n_, factors.scale, kernel_.limit, kernel_.couple);
    g = g_;
    factors.scale = 1;
    return factors;
  }

  /// The numbers as they are, or decoded to `copy`.
  const Real* decoded(Dtype dtype, const std::byte* from, Real* copy) const {
    if (dtype == real) return reinterpret_cast<const Real*>(from);
    decode(dtype, from, copy, n_);
    return copy;
  }

  Real* slot(int s) const { return static_cast<Real*>(slice_.state[s]) + at_; }
  const UpdateKernel& kernel_;
  const ParamSlice& slice_;
  const CodecTable& codec_ = kernels().codec;
  const GradientTransforms<Real>& transforms_ = gradient_transforms<Real>();
  std::size_t n_ = 0, at_ = 0;
  alignas(64) Real w_[block], g_[block];
};

}  // namespace gs
