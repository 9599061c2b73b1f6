// What this CPU can do.
#pragma once

#include <string_view>

namespace gs {

/// Whether the CPU and the system support an instruction set, by the name a compiler's -march gives it; "base" always.
bool cpu_has(std::string_view isa);

}  // namespace gs
