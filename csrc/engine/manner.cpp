#include "engine/manner.hpp"

#include <algorithm>

#include "engine/dispatch.hpp"

namespace gs {
namespace {

// Elements that are staged at once: they and their gradient stay in the first cache. Whole blocks of int8 state.
constexpr std::size_t block = 512;

// Block by block: what is not of type Real side by side is made so, the rule moves it, and it is put back.
template <class Real> class Staged {
 public:
  Staged(const Manner& how, const Place& place) : how_(how), place_(place) {}

  void move(double scale) {
    for (std::size_t i = 0; i < place_.n; i += block) {
      n_ = std::min(block, place_.n - i);
      at_ = place_.at + i;
      step(place_.w + i * item_size(place_.w_dtype), place_.g + i * item_size(place_.g_dtype), scale);
    }
  }

 private:
  static constexpr Dtype real = Dtype(dtype_of<Real>());

  // w, g: of this block
  void step(std::byte* w_at, const std::byte* g_at, double scale) {
    const Real* g = read(place_.g_dtype, g_at, g_);
    if (how_.sum >= 0) {
      dress_.add(slot(how_.sum), g, n_);
      if (how_.only_sum) return;
      g = slot(how_.sum);
    }
    Real* w = place_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
    read(place_.w_dtype, w_at, w);
    Factors factors{how_.factors.keep, how_.factors.scale * scale};
    if (how_.limit != inf || how_.couple != 0) {
      dress_.prepare(g, w, g_, n_, factors.scale, how_.limit, how_.couple);
      g = g_;
      factors.scale = 1;
    }
    how_.sweep(&how_.update, factors, w, g, how_.point(place_, at_).data(), Area(n_));
    if (how_.sum >= 0) std::fill_n(slot(how_.sum), n_, Real(0));
    if (how_.average >= 0) {
      dress_.average(slot(how_.average), w, n_, how_.average_keep);
      if (how_.overwrite) std::copy_n(slot(how_.average), n_, w);
    }
    if (place_.w_dtype == real) return;
    if (how_.stochastic)
      codec_.round_by_chance(reinterpret_cast<float*>(w), w_at, n_, at_, {how_.seed, how_.t, place_.number});
    else
      half_codec(place_.w_dtype).from_float(w, w_at, n_);
  }

  /// The numbers as they are, or decoded to `copy`.
  const Real* read(Dtype dtype, const std::byte* from, Real* copy) const {
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

}  // namespace

void read(Storage storage, const void* slot, const float* scales, std::size_t n, bool has_signs, float* out) {
  if (storage == Storage::bf16)
    kernels().codec.bf16.to_float(slot, out, n);
  else
    kernels().codec.decode8(static_cast<const std::uint8_t*>(slot), scales, out, n, has_signs);
}

void fill(Storage storage, Dtype real, void* slot, float* scales, std::size_t n, double start, bool has_signs) {
  if (start == 0) return;  // as memory comes
  if (storage == Storage::int8)
    kernels().codec.fill8(float(start), has_signs, static_cast<std::uint8_t*>(slot), scales, n);
  else if (storage == Storage::bf16)
    std::fill_n(static_cast<std::uint16_t*>(slot), n, Bfloat16::encode(float(start)));
  else if (real == Dtype::f64)
    std::fill_n(static_cast<double*>(slot), n, start);
  else
    std::fill_n(static_cast<float*>(slot), n, float(start));
}

Manner::Pointers Manner::point(const Place& place, std::size_t at) const {
  Pointers state;
  const std::size_t item = storage == Storage::int8 ? 1 : storage == Storage::bf16 ? 2 : item_size(real);
  for (std::size_t s = 0; s < slots; ++s) state[s] = static_cast<std::byte*>(place.state[s]) + at * item;
  if (storage == Storage::real) return state;
  std::size_t next = slots;
  if (storage == Storage::int8)
    for (std::size_t s = 0; s < slots; ++s) state[next++] = place.scales[s] + at / scale_block;
  state[next] = const_cast<Dither*>(dither.get());
  state[next + 1] = reinterpret_cast<void*>(at);
  return state;
}

void Manner::move(const Place& place, double scale) const {
  if (is_plain(place.w_dtype, place.g_dtype)) {
    sweep(&update, {factors.keep, factors.scale * scale}, place.w, place.g, point(place, place.at).data(),
          Area(place.n));
  } else if (real == Dtype::f64) {
    Staged<double>(*this, place).move(scale);
  } else {
    Staged<float>(*this, place).move(scale);
  }
}

}  // namespace gs
