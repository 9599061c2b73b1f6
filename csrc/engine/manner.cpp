#include "engine/manner.hpp"

#include <algorithm>

#include "engine/dispatch.hpp"

namespace gs {
namespace {

// Elements that are staged at once: they, their gradient and state stay in the first cache. Whole blocks of int8 state.
constexpr std::size_t block = 512;

// Block by block: what is not of type Real side by side is made so, the rule moves it, and it is put back.
template <class Real> class Staged {
 public:
  Staged(const Manner& how, const Place& place) : how_(how), place_(place) {}

  void move(double scale) {
    blocks([&](std::byte* w, const std::byte* g) { step(w, g, scale); });
  }

  void measure(double scale, double* lanes) {
    blocks([&](std::byte* w, const std::byte* g) { first(w, g, scale, lanes); });
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

  void first(std::byte* w_at, const std::byte* g_at, double scale, double* lanes) {
    const Real* g = read(place_.g_dtype, g_at, g_);
    if (how_.sum >= 0) {  // as the second pass will have it, which alone adds to the slot
      if (g != g_) std::copy_n(g, n_, g_);
      dress_.add(g_, slot(how_.sum), n_);
      g = g_;
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    void* state[max_slots];
    for (std::size_t s = 0; s < how_.first_slots; ++s) state[s] = load(s);
    how_.first(&how_.first_update, factors, w, g, state, n_, lanes);
    for (std::size_t s = 0; s < how_.first_slots; ++s) store(s);
  }

  void step(std::byte* w_at, const std::byte* g_at, double scale) {
    const Real* g = read(place_.g_dtype, g_at, g_);
    if (how_.sum >= 0) {
      dress_.add(slot(how_.sum), g, n_);
      if (how_.only_sum) return;
      g = slot(how_.sum);
    }
    Real* w;
    const Factors factors = ready(w_at, scale, w, g);
    void* state[max_slots];
    for (std::size_t s = 0; s < how_.slots; ++s) state[s] = load(s);
    how_.sweep(&how_.update, factors, w, g, state, Area(n_));
    for (std::size_t s = 0; s < how_.slots; ++s) store(s);
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

  /// The weights, and the gradient as the rule takes it but for what is left in the factors.
  Factors ready(std::byte* w_at, double scale, Real*& w, const Real*& g) {
    w = place_.w_dtype == real ? reinterpret_cast<Real*>(w_at) : w_;
    read(place_.w_dtype, w_at, w);
    Factors factors{how_.factors.keep, how_.factors.scale * scale};
    if (how_.limit == inf && how_.couple == 0) return factors;
    dress_.prepare(g, w, g_, n_, factors.scale, how_.limit, how_.couple);
    g = g_;
    factors.scale = 1;
    return factors;
  }

  /// The numbers as they are, or decoded to `copy`.
  const Real* read(Dtype dtype, const std::byte* from, Real* copy) const {
    if (dtype == real) return reinterpret_cast<const Real*>(from);
    decode(dtype, from, copy, n_);
    return copy;
  }

  Real* slot(int s) const { return static_cast<Real*>(place_.state[s]) + at_; }
  std::uint16_t* words(std::size_t s) const { return static_cast<std::uint16_t*>(place_.state[s]) + at_; }
  std::uint8_t* codes(std::size_t s) const { return static_cast<std::uint8_t*>(place_.state[s]) + at_; }
  float* scales(std::size_t s) const { return place_.scales[s] + at_ / scale_block; }

  // Only parameters whose Real is float have state in another storage.
  Real* load(std::size_t s) {
    if (how_.storage == Storage::real) return slot(int(s));
    if (how_.storage == Storage::bf16)
      codec_.bf16.to_float(words(s), state_[s], n_);
    else
      codec_.decode8(codes(s), scales(s), reinterpret_cast<float*>(state_[s]), n_);
    return state_[s];
  }
  void store(std::size_t s) {
    if (how_.storage == Storage::bf16)
      codec_.bf16.from_float(state_[s], words(s), n_);
    else if (how_.storage == Storage::int8)
      codec_.encode8(reinterpret_cast<const float*>(state_[s]), codes(s), scales(s), n_);
  }

  const Manner& how_;
  const Place& place_;
  const CodecTable& codec_ = kernels().codec;
  const Dressing<Real>& dress_ = dressing<Real>();
  std::size_t n_ = 0, at_ = 0;
  alignas(64) Real w_[block], g_[block], state_[max_slots][block];
};

}  // namespace

void fill(Storage storage, Dtype real, void* slot, float* scales, std::size_t n, double start) {
  if (storage == Storage::real) {
    if (start == 0) return;  // as memory comes
    if (real == Dtype::f64)
      std::fill_n(static_cast<double*>(slot), n, start);
    else
      std::fill_n(static_cast<float*>(slot), n, float(start));
    return;
  }
  float same[scale_block];
  std::fill_n(same, scale_block, float(start));
  for (std::size_t i = 0; i < n; i += scale_block) {
    const std::size_t count = std::min(scale_block, n - i);
    if (storage == Storage::bf16)
      kernels().codec.bf16.from_float(same, static_cast<std::uint16_t*>(slot) + i, count);
    else
      kernels().codec.encode8(same, static_cast<std::uint8_t*>(slot) + i, scales + i / scale_block, count);
  }
}

void Manner::find_state(const Place& place, std::size_t count, void** here) const {
  for (std::size_t s = 0; s < count; ++s)
    here[s] = static_cast<std::byte*>(place.state[s]) + place.at * item_size(real);
}

void Manner::measure(const Place& place, double scale, double* lanes) const {
  if (is_plain(place.w_dtype, place.g_dtype)) {
    void* here[max_slots];
    find_state(place, first_slots, here);
    first(&first_update, {factors.keep, factors.scale * scale}, place.w, place.g, here, place.n, lanes);
  } else if (real == Dtype::f64) {
    Staged<double>(*this, place).measure(scale, lanes);
  } else {
    Staged<float>(*this, place).measure(scale, lanes);
  }
}

void Manner::move(const Place& place, double scale) const {
  if (is_plain(place.w_dtype, place.g_dtype)) {
    void* here[max_slots];
    find_state(place, slots, here);
    sweep(&update, {factors.keep, factors.scale * scale}, place.w, place.g, here, Area(place.n));
  } else if (real == Dtype::f64) {
    Staged<double>(*this, place).move(scale);
  } else {
    Staged<float>(*this, place).move(scale);
  }
}

}  // namespace gs
