// Loops over rows for the other losses.
#include "kernels/layers/loss_rows.hpp"

namespace gs {
namespace {

constexpr RareLossesTable table{losses_of(RareLosses{})};

}  // namespace

template <> const RareLossesTable& rare_losses_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
