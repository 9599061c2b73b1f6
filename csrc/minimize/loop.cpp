#include "minimize/loop.hpp"

#include <algorithm>
#include <chrono>

namespace gs::minimize {
namespace {

constexpr std::int64_t most_rises = 20;    // in a row, before a far higher value counts as divergence
constexpr std::int64_t most_unmoved = 10;  // iterations without a change, before a run counts as stalled
constexpr std::int64_t window = 100;  // iterations in which f must fall by more than rounding, or the gradient halve
constexpr double quick = 2e-6;        // seconds an iteration, below which the clock is read at every 16th

/// When iterations were: the clock is read at each, or, where they are quick, now and then.
class Times {
 public:
  explicit Times(Record& record) : record_(record) {}
  /// After an iteration was noted.
  void add() {
    if (--wait_ > 0) return;
    const double now = seconds() - record_.begin;
    fill(now);
    const double each = stride_ > 0 ? (now - last_) / double(stride_) : 1;
    stride_ = wait_ = each < quick ? 16 : 1;
    last_ = now;
  }
  ~Times() {
    if (known_ < record_.iterations.size()) fill(seconds() - record_.begin);
  }

 private:
  /// Those since the clock was read last were evenly spaced.
  void fill(double now) {
    const std::size_t count = record_.iterations.size();
    for (std::size_t i = known_; i < count; ++i)
      record_.iterations[i].time = last_ + (now - last_) * double(i + 1 - known_) / double(count - known_);
    known_ = count;
  }

  Record& record_;
  double last_ = 0;
  std::int64_t stride_ = 0, wait_ = 0;
  std::size_t known_ = 0;  // entries whose time is known
};

double length(const Vector& x, std::size_t size) { return std::sqrt(dot(x, x, size)); }

[[noreturn]] void small(const char* reason, const char* what, double change) { throw Stop(reason, text(what, change)); }

}  // namespace

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Stop run(Function& function, Method& method, Point& point, const Rules& rules, Record& record,
         const std::function<bool(const Point&, std::int64_t)>& callback) try {
  const std::size_t size = function.vectors.size();
  Times times(record);
  const auto add = [&](double gnorm, double step) {
    record.iterations.push_back({point.f, gnorm, step, point.alpha, 0});
    times.add();
    if (record.keeps_points) record.points.push_back(point.x);
  };
  const double first = point.f;
  double gnorm = method.optimality(function, point);
  add(gnorm, 0);
  if (gnorm <= rules.gtol) throw Stop("gtol");
  std::int64_t since = 0;
  double best = point.f, mark = point.f, least = gnorm;  // mark, least: at the begin of the window
  double smallest = inf;                                 // gradient in the window
  for (std::int64_t n = 0;;) {
    if (double(n) >= rules.maxiter) throw Stop("maxiter");
    Point next = method.step(function, point);
    ++n;
    const bool has_gradients = next.g && point.g;
    if (next.ss != next.ss) {
      const Change moved = has_gradients ? change(next.x, point.x, next.g, point.g, size)
                                         : change(next.x, point.x, next.x, next.x, size);
      next.ss = moved.ss;
      if (has_gradients) {
        next.turn = moved.turn;
        next.largest = moved.largest;
      }
    }
    gnorm = method.optimality(function, next);
    smallest = std::min(smallest, gnorm);
    const double step = std::sqrt(next.ss);
    if (has_gradients) record.turns = next.turn < 0 ? record.turns + 1 : 0;
    record.rises = next.f > point.f ? record.rises + 1 : 0;
    record.unmoved = step == 0 ? record.unmoved + 1 : 0;
    const double before = point.f;
    point = std::move(next);
    add(gnorm, step);
    if (callback && callback(point, n)) throw Stop("callback");
    if (gnorm <= rules.gtol) throw Stop("gtol");
    if (rules.ftol > 0 && point.f <= before &&
        before - point.f <= rules.ftol * std::max({std::fabs(before), std::fabs(point.f), 1.0}))
      small("ftol", "f changed by %.2g in the last iteration", before - point.f);
    if (rules.xtol > 0 && step <= rules.xtol * std::max(1.0, length(point.x, size)))
      small("xtol", "x changed by %.2g in the last iteration", step);
    if (record.rises >= most_rises && point.f > first + 1e3 * std::max(1.0, std::fabs(first)))
      throw Stop("diverged", "f rose " + std::to_string(record.rises) + " times in a row, " +
                                 text("from %.6g to %.6g", best, point.f));
    if (record.unmoved >= most_unmoved && method.has_gradients && !method.makes_runs)
      throw Stop("stalled", "x has not changed for " + std::to_string(most_unmoved) + " iterations");
    if (n % window == 0 && point.g && !method.makes_runs) {
      const double fell = mark - function.lowest();
      if (fell <= 10 * function.eps * std::fabs(mark) && smallest > least / 2)
        throw Stop(
            "stalled",
            "in " + std::to_string(window) + text(" iterations f fell by %.2g only, and the gradient did not", fell),
            method.left(function, point));
      mark = function.lowest();
      least = std::min(least, smallest);
    }
    if (n % window == 0) smallest = inf;
    if (point.f < best) {
      since = n;
      best = point.f;
    } else if (double(n - since) >= rules.patience) {
      throw Stop("stalled", text("f has not been below %.6g for ", best) + std::to_string(n - since) + " iterations");
    }
  }
} catch (const Stop& stop) {
  return stop;
}

}  // namespace gs::minimize
