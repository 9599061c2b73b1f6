// The forward pass of a convolution, and of its pool: products whose rows are the numbers of a sample under a window,
// read where they lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "graph/convolution/convolution.hpp"
#include "graph/convolution/patches.hpp"
#include "graph/jobs.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// What the jobs of a convolution have in common: strips of samples, and in scratch the samples with their borders and
/// pointers to what lies under the window at each place.
template <class Real> class ConvJob : public Job<Real> {
 public:
  ConvJob(const Convolution& conv, const Rows& x, std::size_t least)
      : conv_(conv),
        patches_(conv.window, conv.groups),
        strips_(conv_, least),
        reader_(x, conv.window),
        gemm_(products<Real>().gemm) {
    // Samples that are small go several at a time, but not so many that few threads have something to do.
    const std::size_t places = strips_.most();
    if (strips_.count() == 1)
      together_ = std::clamp<std::size_t>((least + places - 1) / places, 1, std::max<std::size_t>(1, x.count / 16));
    sample_ = reader_.scratch(strips_.in_rows());
    pointers_ = align<Real>(together_ * places * (sizeof(void*) / sizeof(Real)));
  }

 protected:
  using Strip = Strips::Strip;

  /// Pointers to a strip's patches in samples [first, first + count); scratch: together_ * sample_ + pointers_.
  const void* const* read(const Strip& strip, std::size_t first, std::size_t count, Real* scratch) const {
    const void** const rows = reinterpret_cast<const void**>(scratch + together_ * sample_);
    const void** next = rows;
    for (std::size_t k = 0; k < count; ++k) {
      const Real* const sample = reader_.read(first + k, strip.in_first, strip.in_last, scratch + k * sample_);
      for (std::size_t p = strip.begin; p < strip.end; ++p) *next++ = sample + patches_.places[p];
    }
    return rows;
  }
  std::size_t read_scratch() const { return together_ * sample_ + pointers_; }
  /// How an activation takes so many places.
  MatrixLayout layout(std::size_t places) const {
    const std::size_t n = conv_.filters;
    return kernels().map.of[conv_.activation.index].rowwise ? MatrixLayout(places, n, n) : MatrixLayout(places * n);
  }
  /// Whether it is depthwise: each channel is convolved with separate filters.
  bool is_depthwise() const { return conv_.groups > 1 && patches_.run == 1; }
  Depthwise depthwise() const { return {patches_.taps.data(), patches_.taps.size(), conv_.groups, conv_.share()}; }
  std::string sizes() const {
    return std::to_string(patches_.at.size()) + "x" + std::to_string(conv_.filters) + (conv_.pool ? " and pool" : "");
  }

  const Convolution conv_;
  const Patches patches_;
  const Strips strips_;
  const SampleReader<Real> reader_;
  const Gemm<Real> gemm_;
  std::size_t together_ = 1, sample_, pointers_;  // samples; elements
};

/// Where a convolution's values lie; without memory: nobody wants it.
template <class Real> struct ConvValues {
  Real* z = nullptr;  // (batch, places, filters); the same as y: it is not wanted
  Real* y = nullptr;  // (batch, places, filters), or of the pool
  std::byte* index = nullptr;
};

/// x (in), w (window, channels / groups, filters), b (filters) -> y = f(x * w + b), or its pooling.
template <class Real> class ConvForwardJob : public ConvJob<Real> {
 public:
  /// panels: the kernel in panels, one after another, or null: it is read where it lies.
  ConvForwardJob(const Convolution& conv, const Rows& x, const Real* w, const Real* b, const ConvValues<Real>& values,
                 const Real* panels = nullptr)
      : ConvJob<Real>(conv, x, std::clamp<std::size_t>(8192 / conv.filters, 96, 512)),
        w_(w),
        b_(b),
        panels_(panels),
        values_(values) {
    // A sample at a time, or, where there are few, parts of one.
    if (this->strips_.count() > 1) parts_ = Blocks(this->strips_.count(), (this->strips_.count() * x.count + 15) / 16);
    batch_ = x.count;
    this->chunks = (batch_ + this->together_ - 1) / this->together_ * parts_.count;
    z_ = conv.pool ? align<Real>(this->together_ * this->strips_.most() * conv.filters) : 0;
    this->scratch = this->read_scratch() + z_ + gemm_scratch(0, this->patches_.at.size());
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t part = chunk % parts_.count, first = chunk / parts_.count * this->together_;
    const std::size_t count = std::min(this->together_, batch_ - first);
    for (std::size_t s = 0; s < parts_.size(part) && !ThreadTeam::is_cancelled(); ++s)
      run(this->strips_.strip(parts_.begin(part) + s), first, count, scratch);
  }

  /// Samples [first, first + count), whatever the chunks are.
  void run(std::size_t first, std::size_t count, Real* scratch) const {
    for (std::size_t k = 0; k < count; k += this->together_)
      for (std::size_t s = 0; s < this->strips_.count() && !ThreadTeam::is_cancelled(); ++s)
        run(this->strips_.strip(s), first + k, std::min(this->together_, count - k), scratch);
  }

  std::string name() const override { return "convolve " + this->sizes(); }

 private:
  using Strip = Strips::Strip;

  void run(const Strip& strip, std::size_t first, std::size_t count, Real* scratch) const {
    const Convolution& conv = this->conv_;
    const std::size_t places = count * strip.places(), n = conv.filters, share = conv.share();
    const void* const* const rows = this->read(strip, first, count, scratch);
    Real* const after = scratch + this->read_scratch();
    const std::size_t at = (first * conv.window.places() + strip.begin) * n;
    Real* const z = conv.pool ? after : values_.z + at;
    if (this->is_depthwise()) depthwise_loops<Real>(conv.groups).forward(this->depthwise(), rows, places, w_, b_, z);
    for (std::size_t group = 0; group < conv.groups && !this->is_depthwise(); ++group) {
      const std::size_t column = group * share;
      Product<Real> q{{rows, source_of<Real>},
                      group * this->patches_.run,
                      false,
                      w_ + column,
                      n,
                      false,
                      b_ ? b_ + column : nullptr,
                      z + column,
                      n,
                      places,
                      share,
                      this->patches_.at.size()};
      q.at = this->patches_.at.data();
      if (panels_)
        multiply(q, after + z_);
      else
        this->gemm_(q, after + z_);
    }
    Real* const y = conv.pool ? z : values_.y + at;
    if (!conv.activation.template is<Linear>() || y != z)
      kernels().map.of[conv.activation.index].forward[dtype_of<Real>()](conv.activation.settings.data(), z, y,
                                                                        this->layout(places));
    if (!conv.pool) return;
    const std::size_t to = first * conv.out() + strip.pooled_begin * n;
    const Window window = this->strips_.pool(strip);
    if (conv.pool->mean)
      pool_loops<Real>().mean_forward(window, y, count, values_.y + to);
    else
      pool_loops<Real>().max_forward(window, y, count, values_.y + to,
                                     values_.index ? values_.index + to * index_size(window) : nullptr);
  }

  // q with the kernel in panels, by blocks of the depth.
  void multiply(Product<Real> q, Real* scratch) const {
    const std::size_t wide = products<Real>().panel_columns, depth = q.depth;
    const Blocks depths(depth, gemm_depth);
    const std::size_t* const at = q.at;
    q.in_panels = true;
    q.ldb = depth;
    for (std::size_t k = 0; k < depths.count; ++k) {
      q.b = panels_ + depths.begin(k) * wide;
      q.at = at + depths.begin(k);
      q.depth = depths.size(k);
      q.adds = k > 0;
      this->gemm_(q, scratch);
    }
  }

  const Real *const w_, *const b_, *const panels_;
  const ConvValues<Real> values_;
  Blocks parts_{1, 1};
  std::size_t batch_, z_;
};

}  // namespace gs
