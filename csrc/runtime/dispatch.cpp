#include "runtime/dispatch.hpp"

#include <cstdlib>
#include <stdexcept>
#include <type_traits>

#include "runtime/cpu.hpp"
#include "runtime/dispatch_minimize.hpp"

namespace gs {

// GS_AS_V3 comes from CMake: names of the tables that V4 takes from V3.
#define GS_X(name) \
  template <> decltype(Kernels::name) name##_table<V4>() noexcept { return name##_table<V3>(); }
GS_AS_V3
#undef GS_X

namespace {

template <class Isa> struct Traits;
template <> struct Traits<V2> {
  [[maybe_unused]] static constexpr const char* name = "x86-64-v2";
};
template <> struct Traits<V3> {
  [[maybe_unused]] static constexpr const char* name = "x86-64-v3";
};
template <> struct Traits<V4> {
  [[maybe_unused]] static constexpr const char* name = "x86-64-v4";
};
template <> struct Traits<Base> {
  [[maybe_unused]] static constexpr const char* name = "base";
};

/// All kernels of an instruction set.
struct Compiled {
  Kernels kernels;
  MinimizeKernels minimize;
};

// GS_ISAS comes from CMake, worst first, as GS_X(V2)GS_X(V3)GS_X(V4).
#define GS_X(Isa) || std::is_same_v<Isa, V3>
constexpr bool has_v3 = false GS_ISAS;
#undef GS_X

#define GS_X(Table, name) name##_table<Isa>(),
template <class Isa> Compiled compiled() {
  using Narrow = std::conditional_t<std::is_same_v<Isa, V4> && has_v3, V3, Isa>;
  return {{Traits<Isa>::name, GS_KERNELS(GS_X) depthwise_table<Narrow>()},
          {vectors_table<Isa>(), symmetric_table<Isa>()}};
}
#undef GS_X

const std::vector<Compiled>& usable() {
  static const std::vector<Compiled> all = [] {
    std::vector<Compiled> found;
#define GS_X(Isa) \
  if (cpu_has(Traits<Isa>::name)) found.push_back(compiled<Isa>());
    GS_ISAS
#undef GS_X
#define GS_X(Isa) built += std::string(built.empty() ? "" : ", ") + Traits<Isa>::name;
    std::string built;
    GS_ISAS
#undef GS_X
    if (found.empty())
      throw std::runtime_error("this build of gradstep is for CPUs with " + built + "; this one has not.");
    return found;
  }();
  return all;
}

const Compiled* find(const std::string& name) {
  for (const Compiled& k : usable())
    if (name == k.kernels.isa) return &k;
  std::string known;
  for (const Compiled& k : usable()) known += std::string(known.empty() ? "" : ", ") + k.kernels.isa;
  throw std::invalid_argument("GRADSTEP_ISA must be an instruction set of this build and CPU (" + known + "); got " +
                              name + ".");
}

const Compiled*& current() {
  static const Compiled* chosen = [] {
    const char* forced = std::getenv("GRADSTEP_ISA");
    return forced && *forced ? find(forced) : &usable().back();
  }();
  return chosen;
}

}  // namespace

const Kernels& kernels() { return current()->kernels; }

const MinimizeKernels& minimize_kernels() { return current()->minimize; }

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const Compiled& k : usable()) names.push_back(k.kernels.isa);
  return names;
}

void use_isa(const std::string& name) { current() = find(name); }

}  // namespace gs
