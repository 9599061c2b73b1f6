// Losses and accuracies of rows on a GPU, and their sums over batches. All is queued on the default stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.hpp"
#include "kernels/cuda/device.hpp"
#include "losses/all.hpp"

namespace gs {

/// Whether a loss sees the whole batch at once; such losses are not computed here.
bool device_sees_batch(int loss) noexcept;

/// Rows of an output and what they are scored against, on the device.
struct DeviceRows {
  const void* targets;      // of a data set: rows of numbers, or an int64 label each
  const std::int64_t* ids;  // (rows): which of them
  const void* y;            // (rows, n)
  std::size_t rows, n;
};

/// settings: of the loss's fields, on the host, or null for its defaults; scales (rows) -> values (rows), and unless dy
/// is null dy (rows, n), as LossRows. scales may be null where dy is.
DeviceError device_loss(Dtype real, int loss, bool of_logits, const double* settings, const DeviceRows& rows,
                        const double* scales, double* values, void* dy) noexcept;
/// -> values (rows)
DeviceError device_accuracy(Dtype real, int accuracy, const DeviceRows& rows, double* values) noexcept;

/// Adds factor times the sum of scales[i] values[i] (of values[i], without scales) to total, in a fixed order.
DeviceError device_add(const double* scales, const double* values, std::size_t rows, double factor,
                       double* total) noexcept;

}  // namespace gs
