// Quasi-Newton methods on many small problems, of which each goes its own way.
//
// Nocedal and Wright 2006, "Numerical Optimization", chapters 6 and 7; the line search brackets a point of the weak
// Wolfe conditions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "minimize/compiled.hpp"

namespace gs::minimize {

/// Why a problem has ended, by its position in `reasons`.
enum class Ended : std::int8_t { no, gtol, maxiter, line_search, nan };
inline constexpr const char* reasons[] = {"", "gtol", "maxiter", "line_search", "nan"};

/// K functions of n variables. Rounds: `ask` for the points whose values and gradients are wanted, then `tell` them; or
/// `solve`, where the function is machine code. The same numbers either way, at any number of threads.
class Many {
 public:
  struct Settings {
    std::size_t pairs;  // of L-BFGS; 0: BFGS with a dense matrix
    double gtol;
    std::int64_t maxiter;
    double eps;
    bool is_single;  // points are rounded to float32
  };
  /// x (count, n): the starts.
  Many(std::size_t count, std::size_t n, const double* x, const Settings& settings);

  /// The problems that have not ended.
  const std::vector<std::int64_t>& rows() const { return rows_; }
  /// Their next points, (k, n).
  void ask(double* points) const;
  /// Values (k,) and gradients (k, n) there.
  void tell(const double* f, const double* g);

  /// Solves all problems. data: user pointer of problem 0, that of problem i is data + i * stride; null: code's own.
  void solve(const MachineCode& code, const std::byte* data, std::size_t stride);

  // The lowest point of each problem, its value and gradient, iterations, calls, and why it ended.
  std::vector<double> x, f, g;
  std::vector<double> decrease;  // how much lower the model of the curvature expects the minimum to be; infinite: none
  std::vector<double> first;     // the value at the start
  std::vector<std::int64_t> nit, nfev;
  std::vector<Ended> ended;

  const std::size_t count, n;

 private:
  struct Search;
  struct Row;
  Row row(std::size_t i);
  void begin(Row& row, double f, const double* g);
  void take(Row& row, double f, const double* g);
  void keep(Row& row);
  void direct(Row& row);
  void forget(Row& row);
  void learn(Row& row, const double* s, const double* y);

  const Settings settings_;
  const std::size_t size_;        // doubles of a row's state
  std::vector<double> state_;     // (row)
  std::vector<Search> searches_;  // (row)
  std::vector<std::int64_t> rows_;
};

/// Where a problem is in its line search.
struct Many::Search {
  double f, slope, alpha;
  double low, low_f, low_slope;  // the end of the bracket with enough decrease
  double high, high_f;           // the bracket's other end; high is infinite until one is found
  double gamma;                  // of L-BFGS: the first matrix is that times the identity
  std::int32_t trials, pairs, oldest;
  bool is_fresh, has_begun;
};

}  // namespace gs::minimize
