#include "update/update_kernel.hpp"

#include <algorithm>

#include "runtime/dispatch.hpp"
#include "update/block_update.hpp"

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

UpdateKernel::Pointers UpdateKernel::state_at(const ParamSlice& slice, std::size_t at) const {
  Pointers state;
  const std::size_t item = storage == Storage::int8 ? 1 : storage == Storage::bf16 ? 2 : item_size(real);
  for (std::size_t s = 0; s < slots; ++s) state[s] = static_cast<std::byte*>(slice.state[s]) + at * item;
  if (storage == Storage::real) return state;
  std::size_t next = slots;
  if (storage == Storage::int8)
    for (std::size_t s = 0; s < slots; ++s) state[next++] = slice.scales[s] + at / scale_block;
  state[next] = const_cast<Dither*>(dither.get());
  state[next + 1] = reinterpret_cast<void*>(at);
  return state;
}

void UpdateKernel::measure(const ParamSlice& slice, double scale, double* lanes) const {
  if (is_plain(slice.w_dtype, slice.g_dtype, scale)) {
    first(&first_update, {factors.decay, factors.scale * scale}, slice.w, slice.g, state_at(slice, slice.at).data(),
          slice.n, lanes);
  } else if (real == Dtype::f64) {
    BlockUpdate<double>(*this, slice).measure(scale, lanes);
  } else {
    BlockUpdate<float>(*this, slice).measure(scale, lanes);
  }
}

void UpdateKernel::average_only(const ParamSlice& slice) const {
  if (real == Dtype::f64)
    BlockUpdate<double>(*this, slice).average_only();
  else
    BlockUpdate<float>(*this, slice).average_only();
}

void UpdateKernel::apply(const ParamSlice& slice, double scale) const {
  if (is_plain(slice.w_dtype, slice.g_dtype, scale)) {
    sweep(&update, {factors.decay, factors.scale * scale}, slice.w, slice.g, state_at(slice, slice.at).data(),
          MatrixLayout(slice.n));
  } else if (real == Dtype::f64) {
    BlockUpdate<double>(*this, slice).apply(scale);
  } else {
    BlockUpdate<float>(*this, slice).apply(scale);
  }
}

}  // namespace gs
