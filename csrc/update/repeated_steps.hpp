// Steps of one parameter again and again, of which each differs from the last by the rule's constants alone.
#pragma once

#include <cstdint>
#include <new>
#include <vector>

#include "runtime/buffer.hpp"
#include "runtime/subnormals.hpp"
#include "update/chunks.hpp"
#include "update/optimizer.hpp"

namespace gs {

class RepeatedSteps {
 public:
  /// Whether the steps of this parameter, the only one with a gradient, are such.
  static bool fit(const Optimizer& optimizer, const Parameter& parameter) {
    const Rule& rule = optimizer.rule;
    const Options& options = optimizer.options;
    const bool is_simple =
        rule.at && !rule.factored && !rule.orthogonal && !rule.fallback.at && !optimizer.needs_whole();
    const bool is_real = options.storage == Storage::real && !options.stochastic && !options.average;
    return is_simple && is_real && optimizer.hyperparameter_tables.empty() && parameter.decays && !parameter.pending &&
           parameter.layout.contiguous && parameter.layout.size < parallel_size;
  }

  /// size: how many numbers of each array are moved; more than the parameter has where there is room behind them, so
  /// that they fill whole vectors.
  RepeatedSteps(Optimizer& optimizer, const Parameter& parameter, std::size_t size)
      : optimizer_(optimizer), parameter_(parameter), size_(size), values_(optimizer.groups[parameter.group].values) {
    optimizer.load_hyperparameters();
    kernel_ = optimizer.update_kernel(parameter);
    made_ = optimizer.steps(parameter);
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(parameter.data) % alignment == 0;
    calls_sweep_ = is_aligned && kernel_.is_plain(parameter.dtype, parameter.dtype, 1);
  }

  /// gradient: of the parameter's type, `size` numbers.
  void step(const std::byte* gradient) {
    const Parameter& p = parameter_;
    if (made_ != optimizer_.steps(p)) make_constants();
    kernel_.t = std::uint64_t(optimizer_.t);
    {
      const FlushSubnormals flush;
      if (calls_sweep_)
        kernel_.sweep(&kernel_.update, kernel_.factors, p.data, gradient, p.state.data(), MatrixLayout(size_));
      else
        kernel_.apply({p.data, p.dtype, gradient, p.dtype, p.state.data(), p.scales.data(), 0, size_, p.number});
    }
    optimizer_.count_step(p);
    optimizer_.count();
    // Of the next step already: they are made while whoever steps does something else.
    make_constants();
  }

 private:
  void make_constants() {
    made_ = optimizer_.steps(parameter_);
    // In their place: to copy what has just been written in parts would wait for it.
    new (&kernel_.update) AnyUpdate(optimizer_.rule.at(values_.data(), made_ + 1, kernel_.real));
  }

  Optimizer& optimizer_;
  const Parameter& parameter_;
  const std::size_t size_;
  const std::vector<double> values_;
  UpdateKernel kernel_;
  bool calls_sweep_ = false;  // nothing else is asked of the kernel
  std::int64_t made_ = 0;     // steps before that for which its constants are
};

}  // namespace gs
