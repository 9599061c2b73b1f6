// The convolution in a step of a recurrent layer: of the states before it, of one row of a batch after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "graph/convolution/conv_backward.hpp"
#include "graph/convolution/conv_jobs.hpp"
#include "graph/matrix.hpp"

namespace gs {

/// What a step gives and takes back of rows of a batch, whose numbers of all steps that are kept lie one after another.
/// A row has a number among them.
template <class Real> class StepConvolution {
 public:
  /// h: pointers to the states before a step; w: the recurrent kernel; z (rows, places * filters); turned: the kernel
  /// as ConvBackwardJob reads it, and dh (rows, states): none where there is no way back.
  StepConvolution(const Convolution& conv, std::vector<const void*> h, const void* memory, const Real* w,
                  Matrix<Real> z, const Real* turned = nullptr, Matrix<Real> dh = {})
      : h_(std::move(h)),
        memory_(memory),
        conv_(conv),
        dh_(dh),
        forward_(conv, states(), w, nullptr, {z.at, z.at}),
        backward_(conv, states(), {z.at, z.at}, z.at, turned, nullptr, dh.at, {}, {}) {}

  // h * w -> z of rows [first, first + count)
  void forward(std::size_t first, std::size_t count, Real* scratch) const { forward_.run(first, count, scratch); }
  // dz, which lies in place of z -> dh of rows [first, first + count)
  const Real* backward(std::size_t first, std::size_t count, Real* scratch) const {
    for (std::size_t i = first; i < first + count; ++i) backward_.run(i, scratch);  // a chunk is a row
    return dh_.at + first * dh_.columns;
  }
  std::size_t scratch() const { return std::max(forward_.scratch, backward_.scratch); }
  /// The states before each step.
  Rows states() const { return {{h_.data(), source_of<Real>}, memory_, h_.size(), conv_.window.in()}; }

 private:
  const std::vector<const void*> h_;
  const void* const memory_;
  const Convolution conv_;
  const Matrix<Real> dh_;
  const ConvForwardJob<Real> forward_;
  const ConvBackwardJob<Real> backward_;
};

}  // namespace gs
