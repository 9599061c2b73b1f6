// Memory that is read and written in each step of a run.
#pragma once

#include <cstddef>

namespace gs {

/// How many bytes to ask a `Buffer` for, in place of so many: a whole huge page for somewhat less than half of one and
/// more, which a smaller buffer would not be given.
std::size_t size_of_lasting(std::size_t bytes);

}  // namespace gs
