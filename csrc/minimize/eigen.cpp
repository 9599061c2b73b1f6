#include "minimize/eigen.hpp"

#include <algorithm>
#include <cmath>

namespace gs::minimize {
namespace {

constexpr int most_sweeps = 30;
// Of an element beside the two of the diagonal: what covariances are known to is far less, and axes of a matrix near A
// then take few rotations.
constexpr double small = 1e-4;

/// c = a b, all (n, n)
void multiply(const std::vector<double>& a, const std::vector<double>& b, std::vector<double>& c, std::size_t n) {
  c.assign(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k) {
      const double left = a[i * n + k], *const row = &b[k * n];
      double* const to = &c[i * n];
      for (std::size_t j = 0; j < n; ++j) to[j] += left * row[j];
    }
}

/// a, b = c a - s b, s a + c b
void rotate(double* a, double* b, double c, double s, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const double x = a[i], y = b[i];
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
}

/// A = axes A axes', where axes are the rows.
void transform(std::vector<double>& A, const std::vector<double>& axes, std::size_t n) {
  std::vector<double> turned, transposed(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) transposed[j * n + i] = axes[i * n + j];
  multiply(axes, A, turned, n);
  multiply(turned, transposed, A, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) A[i * n + j] = A[j * n + i];
}

}  // namespace

void eigen(std::vector<double>& A, std::vector<double>& axes, std::vector<double>& w, std::size_t n, bool from_axes) {
  if (from_axes) {
    transform(A, axes, n);
  } else {
    axes.assign(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) axes[i * n + i] = 1;
  }
  bool turned = true;
  for (int sweep = 0; turned && sweep < most_sweeps; ++sweep) {
    turned = false;
    for (std::size_t p = 0; p + 1 < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        double *const row = &A[p * n], *const other = &A[q * n];
        const double apq = row[q], app = row[p], aqq = other[q];
        if (std::fabs(apq) <= small * std::sqrt(std::fabs(app * aqq))) continue;
        turned = true;
        const double theta = (aqq - app) / (2 * apq);
        const double t = std::copysign(1.0, theta) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        rotate(row, other, c, s, n);
        for (std::size_t i = 0; i < n; ++i) {
          A[i * n + p] = row[i];
          A[i * n + q] = other[i];
        }
        row[p] = app - t * apq;
        other[q] = aqq + t * apq;
        row[q] = other[p] = 0;
        rotate(&axes[p * n], &axes[q * n], c, s, n);
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) w[i] = A[i * n + i];
}

}  // namespace gs::minimize
