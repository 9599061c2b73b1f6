#include "kernels/updates/codec.hpp"

#include "core/dtype.hpp"
#include "core/random.hpp"
#include "kernels/products/packed.hpp"

namespace gs {
namespace {

template <class Half, class Real> void decode(const void* in, void* out, std::size_t n) {
  const auto* RESTRICT words = static_cast<const std::uint16_t*>(in);
  Real* RESTRICT x = static_cast<Real*>(out);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) x[i] = Half::decode(words[i]);
}

template <class Half> void encode(const void* in, void* out, std::size_t n) {
  const auto* RESTRICT x = static_cast<const float*>(in);
  auto* RESTRICT words = static_cast<std::uint16_t*>(out);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) words[i] = Half::encode(x[i]);
}

template <class Half> constexpr HalfCodec half() { return {decode<Half, float>, decode<Half, double>, encode<Half>}; }

void round_by_chance(const float* RESTRICT in, void* out, std::size_t n, std::size_t first, const Chance& chance) {
  constexpr std::size_t lanes = Chance::lanes, group = Chance::group;
  auto* RESTRICT words = static_cast<std::uint16_t*>(out);
  for (std::size_t done = 0; done < n;) {
    const std::size_t number = (first + done) / group, offset = (first + done) % group;
    std::uint32_t drawn[group];
#pragma omp simd
    for (std::size_t k = 0; k < lanes; ++k) {
      const auto four = chance.words(number * lanes + k);
      for (std::size_t word = 0; word < 4; ++word) {
        drawn[word * lanes + k] = four[word] & 0xffffu;
        drawn[(word + 4) * lanes + k] = four[word] >> 16;
      }
    }
    const std::size_t count = n - done < group - offset ? n - done : group - offset;
    for (std::size_t i = 0; i < count; ++i) words[done + i] = Bfloat16::encode(in[done + i], drawn[offset + i]);
    done += count;
  }
}

void decode8(const std::uint8_t* codes, const float* scales, float* out, std::size_t n, bool has_signs) {
  for (std::size_t begin = 0; begin < n; begin += scale_block) {
    const std::size_t count = n - begin < scale_block ? n - begin : scale_block;
    has_signs ? unpack<true>(codes + begin, *scales, out + begin, count)
              : unpack<false>(codes + begin, *scales, out + begin, count);
    ++scales;
  }
}

void fill8(float number, bool has_signs, std::uint8_t* codes, float* scales, std::size_t n) {
  float same[scale_block], dither[scale_block] = {};
  for (float& x : same) x = number;
  for (std::size_t begin = 0; begin < n; begin += scale_block) {
    const std::size_t count = n - begin < scale_block ? n - begin : scale_block;
    *scales++ =
        has_signs ? pack<true>(same, dither, codes + begin, count) : pack<false>(same, dither, codes + begin, count);
  }
}

constexpr CodecTable table{half<Float16>(), half<Bfloat16>(), round_by_chance, decode8, fill8};

}  // namespace

template <> const CodecTable& codec_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
