// A call of a recurrent layer: its sizes, where its numbers lie over the steps, and the products of a step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "activations/all.hpp"
#include "graph/matrix.hpp"
#include "graph/recurrence/step_convolution.hpp"
#include "kernels/layers/cell.hpp"
#include "kernels/layers/map.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// Rows of numbers for each step of each row of a batch; or, in inference, of the last one or two steps alone.
template <class Real> struct Series {
  Real* at = nullptr;
  std::size_t pitch = 0, step = 0;     // from row to row, and from step to step
  std::size_t kept = ~std::size_t(0);  // the bits of a step's number that say where it lies

  StridedRows<Real> of(std::size_t t, std::size_t row) const { return {at + (t & kept) * step + row * pitch, pitch}; }
};

/// How far apart rows of at least n numbers are to lie: an odd number of cache lines, so that they share no set.
template <class Real> constexpr std::size_t odd_pitch(std::size_t n) {
  constexpr std::size_t line = 64 / sizeof(Real);
  return ((n + line - 1) / line | 1) * line;
}

/// A matrix (depth, columns) as panels of 64 columns one after another, zeros beyond the last one.
template <class Real> struct Panels {
  static constexpr std::size_t width = 64;
  Real* at = nullptr;
  std::size_t depth = 0, columns = 0;

  std::size_t count() const { return (columns + width - 1) / width; }
  std::size_t size() const { return count() * depth * width; }
  Real* panel(std::size_t p) const { return at + p * depth * width; }
};
constexpr std::size_t padded(std::size_t columns) { return (columns + 63) / 64 * 64; }

/// What panels are made of: part of a weight (rows, columns), or that transposed, from line `line` of their depth on.
template <class Real> struct Packing {
  const Real* from;
  std::size_t ld, rows, columns;
  bool transposed;
  Panels<Real>* to;
  std::size_t line;

  static void pack(const Packing& part, const Panels<Real>& to, std::size_t p) {
    constexpr std::size_t width = Panels<Real>::width;
    const auto& [from, ld, rows, columns, transposed, unused, line] = part;
    const std::size_t first = p * width, wide = std::min(width, to.columns - first);
    Real* at = to.panel(p) + line * width;
    if (!transposed) {
      for (std::size_t i = 0; i < rows; ++i, at += width) std::copy_n(from + i * ld + first, wide, at);
      return;
    }
    constexpr std::size_t few = 16;  // lines that stay in the nearest cache
    for (std::size_t k = 0; k < columns; k += few)
      for (std::size_t i = 0; i < wide; ++i)
        for (std::size_t j = k; j < std::min(k + few, columns); ++j) at[j * width + i] = from[(first + i) * ld + j];
  }
};

template <class Real> struct Recurrence {
  static constexpr std::size_t most_rows = 32;  // of a chunk

  std::size_t batch = 0, steps = 0, inputs = 0, units = 0;
  std::size_t columns = 0;      // numbers that backward needs of a step, besides the states
  std::size_t back_column = 0;  // of the gates, from which on they have to do with the recurrent kernel
  std::size_t block = 0;        // rows of a chunk
  bool training = false, go_backwards = false, return_sequences = false, return_state = false, zero_output = false;
  bool keeps_inner = false;
  ActivationUse activation, recurrent_activation;

  // Over the steps: [x | h before], both as dropped; gates, in backward their gradients; gates before their
  // activations, where those need them; c before, and after the last step; its activation; h as xh has it, where that
  // is dropped; r h, of a GRU that resets before its product.
  Series<Real> xh, gates, inner, c, act_c, h, reset_h;
  Panels<Real> forward_x, forward_h, forward_reset, back_x, back_h, back_reset, bias_x, bias_h;
  Real *drop_x = nullptr, *drop_h = nullptr;  // (batch, inputs), (batch, units): factors; null: none are dropped

  // Of a cell that convolves: its filters, of which there are as many at each place of h; the convolution of a step's
  // h; and in the tangent pass that of h by the direction of the kernel, which gives `by_kernel`, unless that is still.
  std::size_t filters = 0;
  std::shared_ptr<const StepConvolution<Real>> conv, conv_by_kernel;
  Series<Real> by_kernel;
  std::size_t places() const { return units / filters; }
  /// The number of a row of the batch among those of the steps that are kept.
  std::size_t number(std::size_t t, std::size_t row) const { return (t & gates.kept) * batch + row; }

  /// The step of the sequence that is computed as number t.
  std::size_t time(std::size_t t) const { return go_backwards ? steps - 1 - t : t; }
  bool is_fused() const { return activation.is<Tanh>() && recurrent_activation.is<Sigmoid>(); }
  /// h before step t; and the same as the products read it.
  StridedRows<Real> state(std::size_t t, std::size_t row) const { return drop_h ? h.of(t, row) : read_state(t, row); }
  StridedRows<Real> read_state(std::size_t t, std::size_t row) const { return {xh.of(t, row).at + inputs, xh.pitch}; }

  // a (rows, depth) times panels, and a bias or none -> c (rows, as wide as the panels)
  void multiply(StridedRows<Real> a, std::size_t rows, const Panels<Real>& b, const Real* start, StridedRows<Real> c,
                Real* scratch) const {
    const void* at[most_rows];
    for (std::size_t i = 0; i < rows; ++i) at[i] = a.row(i);
    for (std::size_t p = 0; p < b.count(); ++p) {
      const std::size_t column = p * b.width;
      gemm_({{at, source_of<Real>},
             0,
             false,
             b.panel(p),
             b.width,
             false,
             start ? start + column : nullptr,
             c.at + column,
             c.stride,
             rows,
             b.width,
             b.depth},
            scratch);
    }
  }
  std::size_t multiply_scratch() const {
    if (conv) return std::max(conv->scratch(), conv_by_kernel ? conv_by_kernel->scratch() : 0);
    return gemm_scratch(block, std::max({forward_x.depth, forward_h.depth, back_h.depth, back_x.depth}));
  }

  // What gradients of a step's gates, from row `first` of the batch on, give to the h that it read -> to (rows, units)
  void state_grad(std::size_t t, std::size_t first, std::size_t rows, StridedRows<Real> to, Real* scratch) const {
    const StridedRows<Real> dz = gates.of(t, first);
    if (!conv) return multiply({dz.at + back_column, dz.stride}, rows, back_h, nullptr, to, scratch);
    const Real* const dh = conv->backward(number(t, first), rows, scratch);
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(dh + i * units, units, to.row(i));
  }
  // The same of x -> to (rows, inputs); of a cell that convolves x is a part of the gates
  void input_grad(std::size_t t, std::size_t first, std::size_t rows, StridedRows<Real> to, Real* scratch) const {
    const StridedRows<Real> dz = gates.of(t, first);
    if (!conv) return multiply(dz, rows, back_x, nullptr, to, scratch);
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(dz.row(i), inputs, to.row(i));
  }

  // z (rows, n) -> f(z), in place
  static void activate(const ActivationUse& f, StridedRows<Real> z, std::size_t rows, std::size_t n) {
    kernels().map.of[f.index].forward[dtype_of<Real>()](f.settings.data(), z.at, z.at, {rows, n, z.stride});
  }
  // dy (rows, n) times the derivative of f at z, where y = f(z), in place; all of one stride
  static void differentiate(const ActivationUse& f, const Real* z, const Real* y, StridedRows<Real> dy,
                            std::size_t rows, std::size_t n) {
    kernels().map.of[f.index].backward[dtype_of<Real>()](f.settings.data(), z, y, dy.at, dy.at, {rows, n, dy.stride});
  }

 private:
  Gemm<Real> gemm_ = products<Real>().gemm;
};

template <class Real> void copy_rows(StridedRows<Real> from, StridedRows<Real> to, std::size_t rows, std::size_t n) {
  for (std::size_t i = 0; i < rows; ++i) std::copy_n(from.row(i), n, to.row(i));
}

}  // namespace gs
