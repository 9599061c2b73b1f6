// Loops over rows for the losses of most models.
#include "kernels/layers/loss_rows.hpp"

namespace gs {
namespace {

constexpr CommonLossesTable table{losses_of(CommonLosses{})};

}  // namespace

template <> const CommonLossesTable& common_losses_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
