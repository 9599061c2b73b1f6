// What this machine can do: a sweep of seven streams (Adam's traffic), a copy, and multiply-adds without memory.
//
// One process; each line of input is `KIND SIZE THREADS SECONDS`, where KIND is sweep, copy, fma (of floats) or fma64
// (of doubles). Its answer is a line of JSON with the seconds of each sample: of one sweep or copy over SIZE floats, or
// of one floating-point operation (a multiply-add counts as two).
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, chains = 12;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, chains = 10;
#else
constexpr int vector_bytes = 16, chains = 10;
#endif

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// n floats, first touched by the threads that will use them.
std::unique_ptr<float, void (*)(void*)> array(std::ptrdiff_t n, int threads) {
  const std::size_t bytes = (n * sizeof(float) + 63) / 64 * 64;
  auto* data = static_cast<float*>(std::aligned_alloc(64, bytes));
#pragma omp parallel for num_threads(threads) schedule(static) if (parallel : threads > 1)
  for (std::ptrdiff_t i = 0; i < n; ++i) data[i] = 0.5f;
  return {data, std::free};
}

// w, m, v (n) in and out, g (n) in
void sweep(float* __restrict w, const float* __restrict g, float* __restrict m, float* __restrict v, std::ptrdiff_t n,
           int threads) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (parallel : threads > 1)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    m[i] = 0.5f * m[i] + g[i];
    v[i] = 0.5f * v[i] + g[i];
    w[i] = 0.5f * w[i] + m[i] + v[i];
  }
}

void copy(float* __restrict to, const float* __restrict from, std::ptrdiff_t n, int threads) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (parallel : threads > 1)
  for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = from[i];
}

// n rounds on each thread of `chains` independent vector multiply-adds
template <class Real> void fma(std::ptrdiff_t n, int threads) {
  typedef Real Vector __attribute__((vector_size(vector_bytes)));
#pragma omp parallel num_threads(threads) if (parallel : threads > 1)
  {
    Vector sums[chains];
    for (int c = 0; c < chains; ++c) sums[c] = Vector{} + Real(1e-3) * c;
    Vector a = Vector{} + Real(0.999), b = Vector{} + Real(1e-3);
    // The compiler must not know what is multiplied.
    asm volatile("" : "+x"(a), "+x"(b));
    for (std::ptrdiff_t i = 0; i < n; ++i) {
#pragma GCC unroll 16
      for (int c = 0; c < chains; ++c) sums[c] = a * sums[c] + b;
    }
    for (int c = 0; c < chains; ++c) asm volatile("" ::"x"(sums[c]));
  }
}

template <class Run> std::vector<double> measure(Run run, double seconds) {
  double begin = now();
  int warm = 0;
  while (now() - begin < 0.1 * seconds || warm < 2) run(), ++warm;
  // A sample lasts a tenth of a millisecond or more: the clock takes tens of nanoseconds.
  const int repeats = 1 + int(1e-4 * warm / (now() - begin));
  std::vector<double> samples;
  const double end = now() + seconds;
  do {
    begin = now();
    for (int r = 0; r < repeats; ++r) run();
    samples.push_back((now() - begin) / repeats);
  } while (now() < end);
  return samples;
}

}  // namespace

int main() {
  char kind[16];
  long long size;
  int threads;
  double seconds;
  while (std::scanf("%15s %lld %d %lf", kind, &size, &threads, &seconds) == 4) {
    const std::ptrdiff_t n = size;
    std::vector<double> samples;
    if (std::strncmp(kind, "fma", 3) == 0) {
      const bool wide = std::strcmp(kind, "fma64") == 0;
      samples = measure([=] { wide ? fma<double>(n, threads) : fma<float>(n, threads); }, seconds);
      const double lanes = double(vector_bytes) / (wide ? sizeof(double) : sizeof(float));
      for (double& s : samples) s /= 2 * lanes * chains * double(n) * threads;
    } else {
      auto w = array(n, threads), g = array(n, threads), m = array(n, threads), v = array(n, threads);
      if (std::strcmp(kind, "sweep") == 0)
        samples = measure([&] { sweep(w.get(), g.get(), m.get(), v.get(), n, threads); }, seconds);
      else
        samples = measure([&] { copy(w.get(), g.get(), n, threads); }, seconds);
    }
    std::printf("{\"seconds\": [");
    for (std::size_t i = 0; i < samples.size(); ++i) std::printf("%s%.6g", i ? ", " : "", samples[i]);
    std::printf("]}\n");
    std::fflush(stdout);
  }
}
