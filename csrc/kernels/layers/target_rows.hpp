// Targets of rows, by pointers to them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "losses/all.hpp"

namespace gs {
namespace {

template <bool labels, class Real> struct TargetRows {
  const void* const* at;
  HD auto operator()(std::size_t i) const {
    if constexpr (labels)
      return Label<Real>{*static_cast<const volatile std::int64_t*>(at[i])};  // once, for another may write it
    else
      return Values<Real>{static_cast<const Real*>(at[i])};
  }
};

}  // namespace
}  // namespace gs
