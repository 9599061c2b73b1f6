#include "update/manner.hpp"

#include <algorithm>

#include "runtime/dispatch.hpp"
#include "update/staged.hpp"

namespace gs {
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

void Manner::measure(const Place& place, double scale, double* lanes) const {
  if (is_plain(place.w_dtype, place.g_dtype, scale)) {
    first(&first_update, {factors.keep, factors.scale * scale}, place.w, place.g, point(place, place.at).data(),
          place.n, lanes);
  } else if (real == Dtype::f64) {
    Staged<double>(*this, place).measure(scale, lanes);
  } else {
    Staged<float>(*this, place).measure(scale, lanes);
  }
}

void Manner::rest(const Place& place) const {
  if (real == Dtype::f64)
    Staged<double>(*this, place).rest();
  else
    Staged<float>(*this, place).rest();
}

void Manner::move(const Place& place, double scale) const {
  if (is_plain(place.w_dtype, place.g_dtype, scale)) {
    sweep(&update, {factors.keep, factors.scale * scale}, place.w, place.g, point(place, place.at).data(),
          Area(place.n));
  } else if (real == Dtype::f64) {
    Staged<double>(*this, place).move(scale);
  } else {
    Staged<float>(*this, place).move(scale);
  }
}

}  // namespace gs
