// What is done around a rule, where it is more than the rule: by blocks that stay in the first cache.
#pragma once

#include <algorithm>
#include <cstddef>

#include "runtime/dispatch.hpp"
#include "update/manner.hpp"

namespace gs {

/// Elements that are staged at once: they and their gradient stay in the first cache. Whole blocks of int8 state.
inline constexpr std::size_t block = 512;

// Block by block: what is not of type Real side by side is made so, the rule moves it, and it is put back.
template <class Real> class Staged {
 public:
  Staged(const Manner& how, const Place& place) : how_(how), place_(place) {}

  void move(double scale) {
    write(scale, [&](Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
      how_.sweep(&how_.update, factors, w, g, how_.point(place_, at).data(), Area(n));
    });
  }

  void rest() {
    blocks([&](std::byte* w_at, const std::byte*) {
      Real* const w = place_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
      decoded(place_.w_dtype, w_at, w);
      follow(w);
      if (how_.overwrite) put_back(w, w_at);
    });
  }

  void measure(double scale, double* lanes) {
    read(scale, [&](const Real* w, const Real* g, const Factors& factors, std::size_t at, std::size_t n) {
      how_.first(&how_.first_update, factors, w, g, how_.point(place_, at).data(), n, lanes);
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
    for (std::size_t i = 0; i < place_.n; i += block) {
      n_ = std::min(block, place_.n - i);
      at_ = place_.at + i;
      visit(place_.w + i * item_size(place_.w_dtype), place_.g + i * item_size(place_.g_dtype));
    }
  }

  template <class Work> void first(std::byte* w_at, const std::byte* g_at, double scale, Work work) {
    const Real* g = decoded(place_.g_dtype, g_at, g_);
    if (how_.sum >= 0) {  // as the second pass will have it, which alone adds to the slot
      if (g != g_) std::copy_n(g, n_, g_);
      dress_.add(g_, slot(how_.sum), n_);
      g = g_;
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    work(w, g, factors, at_, n_);
  }

  template <class Work> void step(std::byte* w_at, const std::byte* g_at, double scale, Work work) {
    const Real* g = decoded(place_.g_dtype, g_at, g_);
    if (how_.sum >= 0) {
      dress_.add(slot(how_.sum), g, n_);
      if (how_.only_sum) return;
      g = slot(how_.sum);
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    work(w, g, factors, at_, n_);
    if (how_.sum >= 0) std::fill_n(slot(how_.sum), n_, Real(0));
    if (how_.average >= 0) follow(w);
    put_back(w, w_at);
  }

  /// The average takes up the weights, and they may be set to it.
  void follow(Real* w) {
    dress_.average(slot(how_.average), w, n_, how_.average_keep);
    if (how_.overwrite) std::copy_n(slot(how_.average), n_, w);
  }

  void put_back(const Real* w, std::byte* w_at) {
    if (place_.w_dtype == real) return;
    if (how_.stochastic)
      codec_.round_by_chance(reinterpret_cast<const float*>(w), w_at, n_, at_, {how_.seed, how_.t, place_.number});
    else
      half_codec(place_.w_dtype).from_float(w, w_at, n_);
  }

  /// The weights, and the gradient as the rule takes it but for what is left in the factors.
  Factors ready(std::byte* w_at, double scale, Real*& w, const Real*& g) {
    w = place_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
    decoded(place_.w_dtype, w_at, w);
    Factors factors{how_.factors.keep, how_.factors.scale * scale};
    while (!holds(real, factors.scale)) {
      const double part = factors.scale * factors.scale < 1 ? 0x1p-64 : 0x1p64;
      dress_.prepare(g, w, g_, n_, part, inf, 0);
      g = g_;
      factors.scale /= part;
    }
    if (how_.limit == inf && how_.couple == 0) return factors;
    dress_.prepare(g, w, g_, n_, factors.scale, how_.limit, how_.couple);
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

  Real* slot(int s) const { return static_cast<Real*>(place_.state[s]) + at_; }
  const Manner& how_;
  const Place& place_;
  const CodecTable& codec_ = kernels().codec;
  const Dressing<Real>& dress_ = dressing<Real>();
  std::size_t n_ = 0, at_ = 0;
  alignas(64) Real w_[block], g_[block];
};

}  // namespace gs
