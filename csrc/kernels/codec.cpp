#include "kernels/codec.hpp"

#include "core/dtype.hpp"
#include "core/math.hpp"
#include "core/random.hpp"

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
  // Of each 128 elements of the array, 16 lanes with four words each, of two halves each.
  constexpr std::size_t lanes = 16, group = 8 * lanes;
  auto* RESTRICT words = static_cast<std::uint16_t*>(out);
  for (std::size_t done = 0; done < n;) {
    const std::size_t number = (first + done) / group, offset = (first + done) % group;
    std::uint32_t drawn[group];
#pragma omp simd
    for (std::size_t k = 0; k < lanes; ++k) {
      const auto four = philox({std::uint32_t(number * lanes + k), chance.array, std::uint32_t(chance.step),
                                std::uint32_t(number * lanes >> 32)},
                               chance.key);
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

// State of 8 bits: the fourth root of a number in equal steps of the scale, which is the step. Steps of the number are
// then fine where numbers are small: between the largest of its 256 and a ten-thousandth of that the error is at most
// 1.6 to 16 % (half of that if none is negative), where the same bits spent evenly reach 100 % at a two-hundredth; the
// smallest number is 3.8e-9 of the largest (2.4e-10). That is the purpose of the dynamic quantisation of Dettmers et
// al. 2022, arXiv:2110.02861, section 1.3 and their blocks, in a form that two roots compute.
// A negative scale says that the block has signs, in the highest bit of a code. Among numbers without signs none but 0
// becomes 0: a step divided by the root of a second moment that had vanished would be huge. An inf or nan makes nan of
// its whole block: nothing hides a divergence.
constexpr std::size_t chunk = 32;

void decode8(const std::uint8_t* RESTRICT codes, const float* scales, float* RESTRICT out, std::size_t n) {
  for (std::size_t begin = 0; begin < n; begin += scale_block) {
    const std::size_t count = n - begin < scale_block ? n - begin : scale_block;
    const float scale = *scales++;
    const std::uint32_t signs = scale < 0 ? 0x80u : 0, sizes = 0xffu ^ signs;
    const std::uint8_t* RESTRICT from = codes + begin;
    float* RESTRICT to = out + begin;
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) {
      const float fourth = float(std::int32_t(from[i] & sizes)) * scale, square = fourth * fourth;
      to[i] = from_bits<float>(to_bits(square * square) | (from[i] & signs) << 24);
    }
  }
}

void encode8(const float* RESTRICT in, std::uint8_t* RESTRICT codes, float* scales, std::size_t n) {
  for (std::size_t begin = 0; begin < n; begin += scale_block) {
    const std::size_t count = n - begin < scale_block ? n - begin : scale_block;
    const float* RESTRICT from = in + begin;
    std::uint8_t* RESTRICT to = codes + begin;
    float tops[chunk] = {}, lows[chunk] = {};
    const std::size_t whole = count / chunk * chunk;
    for (std::size_t i = 0; i < whole; i += chunk) {
#pragma omp simd
      for (std::size_t lane = 0; lane < chunk; ++lane) {
        tops[lane] = larger(tops[lane], magnitude(from[i + lane]));
        lows[lane] = smaller(lows[lane], from[i + lane]);
      }
    }
    float top = 0, low = 0;
    for (std::size_t i = whole; i < count; ++i) {
      top = larger(top, magnitude(from[i]));
      low = smaller(low, from[i]);
    }
    for (std::size_t lane = 0; lane < chunk; ++lane) {
      top = larger(top, tops[lane]);
      low = smaller(low, lows[lane]);
    }
    const bool negative = low < 0;
    const float most = negative ? 127 : 255, fourth = root(root(top)), step = fourth / most;
    const float by = top > 0 ? most / fourth : 0.0f, least = negative ? 0 : 1;
    *scales++ = top - top == 0 ? (negative ? -step : step) : float(__builtin_nan(""));
    const std::uint32_t signs = negative ? 0x80u : 0;
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) {
      const float size = root(root(magnitude(from[i]))) * by;
      const float nearest = at_most(at_least(size + 0.5f, least), most + 0.5f);
      const float kept = from[i] != 0 && nearest == nearest ? nearest : 0.0f;
      to[i] = std::uint8_t(std::uint32_t(std::int32_t(kept)) | (to_bits(from[i]) >> 24 & signs));
    }
  }
}

constexpr CodecTable table{half<Float16>(), half<Bfloat16>(), round_by_chance, decode8, encode8};

}  // namespace

template <> const CodecTable& codec_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
