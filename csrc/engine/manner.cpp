#include "engine/manner.hpp"

#include <algorithm>

#include "engine/dispatch.hpp"
#include "engine/staged.hpp"

namespace gs {

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
