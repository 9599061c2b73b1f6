// Numbers below the normal range: tens of times slower than others on many CPUs, and worth nothing in training, where
// moments decay through them on their way to 0.
#pragma once

#include <cstdint>

namespace gs {

/// While one is alive, subnormals are read and written as 0 on this thread, or are not; then its setting is back.
class FlushSubnormals {
 public:
  explicit FlushSubnormals(bool flushes = true) : before_(get()) { set(flushes ? before_ | flush : before_ & ~flush); }
  ~FlushSubnormals() { set(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;

 private:
#if defined(__x86_64__)
  using Control = unsigned;
  static constexpr Control flush = 1u << 15 | 1u << 6;  // MXCSR: results, operands
  static Control get() { return __builtin_ia32_stmxcsr(); }
  static void set(Control control) { __builtin_ia32_ldmxcsr(control); }
#elif defined(__aarch64__)
  using Control = std::uint64_t;
  static constexpr Control flush = std::uint64_t(1) << 24;  // FPCR.FZ: both
  static Control get() {
    Control control;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void set(Control control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#else
  using Control = int;
  static constexpr Control flush = 0;
  static Control get() { return 0; }
  static void set(Control) {}
#endif

  const Control before_;
};

}  // namespace gs
