// What a linear model minimizes, over all rows at once:
//
//   scale sum_i s_i L(y_i, x_i w + b)  +  l2 |w|^2 / 2  +  l2_intercept b^2 / 2
//
// with its gradient and its Hessian's products, each in one pass over the rows.
#pragma once

#include <vector>

#include "linear/design.hpp"
#include "runtime/buffer.hpp"

namespace gs {

struct ObjectiveSettings {
  SumLoss loss = SumLoss::log_loss;
  double at = 0;  // the width of an epsilon-insensitive loss or of Huber's
  double scale = 1, l2 = 0, l2_intercept = 0;
  bool fit_intercept = true;
  std::size_t outputs = 1;       // classes of softmax
  bool keeps_curvature = false;  // for hessian_product
};

/// Of coefficients (outputs, columns + 1), the intercepts behind, or (outputs, columns) without; Huber's scale comes
/// last. The same bits at any number of threads.
template <class Real> class LinearObjective {
 public:
  /// y, s (rows); s: what each row counts, or null.
  LinearObjective(const Design<Real>& design, const double* y, const double* s, const ObjectiveSettings& settings);

  const Design<Real> design;
  const ObjectiveSettings settings;
  const std::size_t size;  // coefficients in all

  /// Gives the value at w, its gradient in g, and in `diagonal` (size; null: not wanted) that of the Hessian at sums of
  /// zero, and 1 for Huber's scale. Throws std::out_of_range where the matrix has a column out of range.
  double value(const double* w, double* g, double* diagonal = nullptr);
  /// out = H v, where H is the Hessian at the w of the last value.
  void hessian_product(const double* v, double* out);
  /// p (outputs, rows): the sums of the rows with w.
  void margins(const double* w, double* p);
  /// g (columns) = x^T r, r (rows)
  void transposed(const double* r, double* g);
  /// s L'' (rows) at the w of the last value: of one output.
  const double* curvature() const { return curvature_.data(); }

 private:
  struct Room;  // of a block
  template <class Middle> double pass(const double* w, double* g, const Middle& middle, double* squares = nullptr);
  void penalize(const double* w, double* g) const;
  template <class Work> bool in_team(std::size_t chunks, const Work& work);
  bool add_squares(std::size_t first, std::size_t count, double* to) const;
  void find_diagonal(std::vector<double>& squares, double* out) const;

  const std::size_t stride_;  // coefficients of an output
  const DesignRows<Real> rows_;
  const double *const y_, *const s_;
  const std::vector<double> ones_;
  std::vector<double> partial_;        // (chunks, size)
  std::vector<Buffer<double>> rooms_;  // (threads)
  std::vector<double> curvature_;      // (outputs, rows)
};

/// Sums of squares: rows' numbers and `extras` more numbers a row, less `centre` (columns + extras), each row times the
/// root of d (rows; null: 1) -> out (m, m) = z^T z, m = columns + extras. extra (rows, extras), or null: ones. The same
/// bits at any number of threads.
template <class Real>
void gram(const Design<Real>& design, const double* d, const double* extra, std::size_t extras, const double* centre,
          double* out);

}  // namespace gs
