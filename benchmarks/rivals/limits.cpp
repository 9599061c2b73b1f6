// What this machine can do: sweeps over arrays (an optimizer's traffic), a copy, and multiply-adds, divisions and roots
// without memory.
//
// One process; each line of input is `KIND SIZE THREADS SECONDS`, where KIND is sweep:R:W (reads R arrays and writes
// the first W of them), copy, divider:D:R (D divisions and R roots of each number), fma (of floats), fma64 (of doubles)
// or handover (of a cache line from one of two threads to the other). Its answer is a line of JSON with the seconds of
// each sample: of one sweep, copy or divider over SIZE floats, of one floating-point operation (a multiply-add counts
// as two), or of one of SIZE hand-overs.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, chains = 12;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, chains = 10;
#else
constexpr int vector_bytes = 16, chains = 10;
#endif

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr std::size_t huge_page = std::size_t(1) << 21;

using Array = std::unique_ptr<float, void (*)(void*)>;

// n floats on huge pages, as NumPy asks for them, too; first touched by the threads that will use them.
Array array(std::ptrdiff_t n, int threads) {
  const std::size_t page = n * sizeof(float) < huge_page ? 64 : huge_page;
  const std::size_t bytes = (n * sizeof(float) + page - 1) / page * page;
  auto* data = static_cast<float*>(std::aligned_alloc(page, bytes));
#ifdef MADV_HUGEPAGE
  if (page == huge_page) madvise(data, bytes, MADV_HUGEPAGE);
#endif
#pragma omp parallel for num_threads(threads) schedule(static) if (parallel : threads > 1)
  for (std::ptrdiff_t i = 0; i < n; ++i) data[i] = 0.5f;
  return {data, std::free};
}

// arrays (R, n): all are read, the first W are written; from element `begin` up to `end`
template <int R, int W> void stretch(float* const* arrays, std::ptrdiff_t begin, std::ptrdiff_t end) {
  float* a[R];
  for (int k = 0; k < R; ++k) a[k] = arrays[k];
  float kept = 0;
#pragma omp simd reduction(+ : kept)
  for (std::ptrdiff_t i = begin; i < end; ++i) {
    float sum = 0;
#pragma GCC unroll 8
    for (int k = 0; k < R; ++k) sum += a[k][i];
    // Half of what was there and less than half of the mean of all: it stays below what it began with.
#pragma GCC unroll 8
    for (int k = 0; k < W; ++k) a[k][i] = 0.5f * a[k][i] + sum * (0.4f / R);
    if (W == 0) kept += sum;
  }
  // Where nothing is written the sum must not be left out.
  asm volatile("" ::"m"(kept));
}

template <int R, int W> void sweep(float* const* arrays, std::ptrdiff_t n, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (parallel : threads > 1)
  for (int t = 0; t < threads; ++t) {
    // Borders on whole lines of the cache.
    const auto border = [=](int i) { return i < threads ? n * i / threads / 16 * 16 : n; };
    stretch<R, W>(arrays, border(t), border(t + 1));
  }
}

using Sweep = void (*)(float* const*, std::ptrdiff_t, int);
constexpr int most = 8;

template <int R, int... W> Sweep sweep_of(int writes, std::integer_sequence<int, W...>) {
  Sweep found = nullptr;
  ((W == writes ? void(found = sweep<R, W>) : void()), ...);
  return found;
}

// Null where there is no such sweep.
template <int... R> Sweep find_sweep(int reads, int writes, std::integer_sequence<int, R...>) {
  Sweep found = nullptr;
  ((R + 1 == reads ? void(found = sweep_of<R + 1>(writes, std::make_integer_sequence<int, R + 2>())) : void()), ...);
  return found;
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

constexpr int near = 1024;  // floats of which a thread divides and takes roots: they stay in the first cache

// `rounds` on each thread of so many divisions and roots of each of `near` numbers
void divide(int divisions, int roots, std::ptrdiff_t rounds, int threads) {
#pragma omp parallel num_threads(threads) if (parallel : threads > 1)
  {
    alignas(64) float x[near];
    for (float& one : x) one = 1.5f;
    for (std::ptrdiff_t i = 0; i < rounds; ++i) {
      for (int k = 0; k < divisions; ++k) {
#pragma omp simd
        for (int j = 0; j < near; ++j) x[j] = 1 / x[j];
      }
      for (int k = 0; k < roots; ++k) {
#pragma omp simd
        for (int j = 0; j < near; ++j) x[j] = std::sqrt(x[j]);
      }
      asm volatile("" ::"r"(x) : "memory");  // all of it is wanted
    }
  }
}

// n times a number goes from one thread to another, and back
void hand_over(std::ptrdiff_t n) {
  alignas(64) std::atomic<std::ptrdiff_t> ball{0};
#pragma omp parallel num_threads(2)
  {
    std::ptrdiff_t mine = 0;
#ifdef _OPENMP
    mine = omp_get_thread_num();
#endif
    for (; mine < n; mine += 2) {
      while (ball.load(std::memory_order_acquire) != mine) {
      }
      ball.store(mine + 1, std::memory_order_release);
    }
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
    } else if (std::strcmp(kind, "handover") == 0) {
      samples = measure([=] { hand_over(n); }, seconds);
      for (double& s : samples) s /= double(n);
    } else if (int divisions, roots; std::sscanf(kind, "divider:%d:%d", &divisions, &roots) == 2) {
      const std::ptrdiff_t rounds = 64 + n / (std::ptrdiff_t(near) * threads);  // beside which the start is nothing
      samples = measure([=] { divide(divisions, roots, rounds, threads); }, seconds);
      for (double& s : samples) s *= double(n) / (double(near) * double(rounds) * threads);
    } else {
      int reads = 2, writes = 0;
      const bool sweeps = std::sscanf(kind, "sweep:%d:%d", &reads, &writes) == 2;
      const Sweep run = find_sweep(reads, writes, std::make_integer_sequence<int, most>());
      if (!run) {
        std::printf("{\"error\": \"has no %s\"}\n", kind);
        std::fflush(stdout);
        continue;
      }
      std::vector<Array> owned;
      std::vector<float*> arrays;
      for (int k = 0; k < reads; ++k) {
        owned.push_back(array(n, threads));
        arrays.push_back(owned.back().get());
      }
      if (sweeps)
        samples = measure([&] { run(arrays.data(), n, threads); }, seconds);
      else
        samples = measure([&] { copy(arrays[0], arrays[1], n, threads); }, seconds);
    }
    std::printf("{\"seconds\": [");
    for (std::size_t i = 0; i < samples.size(); ++i) std::printf("%s%.6g", i ? ", " : "", samples[i]);
    std::printf("]}\n");
    std::fflush(stdout);
  }
}
