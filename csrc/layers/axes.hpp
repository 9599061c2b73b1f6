// What layers have in common that work along some axes of a value: it is turned so that these are the last ones.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "layers/views.hpp"

namespace gs {

/// A value of which some axes are the columns of a matrix and the others, and the batch, its rows. Where they are the
/// last ones anyway, the matrices of a call are used as they lie; else copies.
class AxesLast {
 public:
  /// axes: of a sample, from 0.
  AxesLast(const Shape& shape, const Shape& axes) : size_(size_of(shape)), turn_(axes_last(shape, axes)) {
    for (const std::size_t axis : axes) columns_ *= shape[axis];
  }

  std::size_t columns() const { return columns_; }
  /// Of a sample.
  std::size_t rows() const { return size_ / columns_; }

  /// Input 0, to be read.
  template <class Real> Rows x(Schedule<Real>& schedule, Call<Real>& call) const {
    if (turn_.is_identity()) return call.x(columns_);
    const Matrix<Real> turned = of_input(call);
    copy(schedule, turn_, call.x_matrix(size_), reshaped(turned, size_));
    return schedule.rows(turned);
  }
  /// Where the output is to be written. When that is done, it is to be put where it belongs.
  template <class Real> Matrix<Real> y(Call<Real>& call) const {
    return turn_.is_identity() ? call.y(columns_) : call.save("turned y", columns_);
  }
  template <class Real> void put_y(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!turn_.is_identity()) copy(schedule, turn_.reversed(), reshaped(y(call), size_), call.y(size_));
  }

  /// The gradient by the output, which may be written over.
  template <class Real> Matrix<Real> dy(Schedule<Real>& schedule, Call<Real>& call) const {
    if (turn_.is_identity()) return call.dy(columns_);
    const Matrix<Real> turned = call.save("turned dy", columns_);
    copy(schedule, turn_, call.dy(size_), reshaped(turned, size_));
    return turned;
  }
  /// Where that by the input is to be written, none where nobody wants it; and to be put where it belongs.
  template <class Real> Matrix<Real> dx(Call<Real>& call) const {
    const Matrix<Real> wanted = call.dx(columns_);
    return turn_.is_identity() || !wanted ? wanted : of_input(call);
  }
  template <class Real> void put_dx(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> wanted = call.dx(size_);
    if (wanted && !turn_.is_identity()) copy(schedule, turn_.reversed(), reshaped(of_input(call), size_), wanted);
  }

 private:
  template <class Real> Matrix<Real> of_input(Call<Real>& call) const { return call.save("turned x", columns_); }

  std::size_t size_, columns_ = 1;
  Views turn_;
};

}  // namespace gs
