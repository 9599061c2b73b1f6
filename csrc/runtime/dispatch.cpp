#include "runtime/dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#include "runtime/cpu.hpp"

namespace gs {
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

#define GS_X(Table, name) , name##_table<Isa>()
template <class Isa> Kernels compiled() { return {Traits<Isa>::name GS_KERNELS(GS_X)}; }
#undef GS_X

// GS_ISAS comes from CMake, worst first, as GS_X(V2)GS_X(V3)GS_X(V4).
const std::vector<Kernels>& usable() {
  static const std::vector<Kernels> all = [] {
    std::vector<Kernels> found;
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

const Kernels* find(const std::string& name) {
  for (const Kernels& k : usable())
    if (name == k.isa) return &k;
  std::string known;
  for (const Kernels& k : usable()) known += std::string(known.empty() ? "" : ", ") + k.isa;
  throw std::invalid_argument("GRADSTEP_ISA must be an instruction set of this build and CPU (" + known + "); got " +
                              name + ".");
}

const Kernels*& current() {
  static const Kernels* chosen = [] {
    const char* forced = std::getenv("GRADSTEP_ISA");
    return forced && *forced ? find(forced) : &usable().back();
  }();
  return chosen;
}

}  // namespace

const Kernels& kernels() { return *current(); }

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const Kernels& k : usable()) names.push_back(k.isa);
  return names;
}

void use_isa(const std::string& name) { current() = find(name); }

}  // namespace gs
