// The backward pass of a convolution, and of its pool: gradients by its input, and parts of those by its weights.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "graph/convolution/conv_jobs.hpp"

namespace gs {

/// w (window, n, out) -> turned (window, groups, out / groups, n), parts [first, first + count) of window x groups
template <class Real>
void turn(const Real* w, std::size_t first, std::size_t count, std::size_t n, std::size_t groups, std::size_t out,
          Real* turned) {
  const std::size_t share = out / groups;
  Real* to = turned + first * n * share;
  for (std::size_t k = first; k < first + count; ++k) {
    const Real* const from = w + k / groups * n * out + k % groups * share;
    for (std::size_t j = 0; j < share; ++j)
      for (std::size_t i = 0; i < n; ++i) *to++ = from[i * out + j];
  }
}

/// Gradients of a kernel and a bias in parts, which blocks of samples leave and an update sums in order.
template <class Real> struct GradParts {
  Real* at = nullptr;  // null: not wanted
  std::size_t count = 0, stride = 0;
};

/// dy, and y and perhaps z and index -> dx (batch, in), and parts of dw and db. What is not wanted is null.
template <class Real> class ConvBackwardJob : public ConvJob<Real> {
 public:
  /// turned (window, groups, out / groups, channels / groups), of a depthwise one (window, out / groups, groups): w,
  /// for dx; start (channels): what dx begins with, or null: zeros.
  ConvBackwardJob(const Convolution& conv, const Rows& x, const ConvValues<Real>& values, const Real* dy,
                  const Real* turned, const Real* start, Real* dx, const GradParts<Real>& dw, const GradParts<Real>& db)
      : ConvJob<Real>(conv, x, std::clamp<std::size_t>(6400 / conv.filters, 64, 128)),
        values_(values),
        dy_(dy),
        turned_(turned),
        start_(start),
        dx_(dx),
        dw_(dw),
        db_(db),
        blocks_(x.count, dw.at || db.at ? (x.count + most_parts - 1) / most_parts : 1) {
    const std::size_t places = this->together_ * this->strips_.most(), n = conv.filters;
    this->chunks = blocks_.count;
    is_linear_ = conv.activation.template is<Linear>();
    dz_ = conv.pool || !is_linear_ ? align<Real>(places * n) : 0;
    pooled_ = conv.pool && !is_linear_ ? align<Real>(this->together_ * conv.pool->window.places() * n) : 0;
    border_ = dx && conv.window.has_border() ? this->together_ * align<Real>(conv.window.bordered()) : 0;
    sums_ = align<Real>(n);
    own_ = this->read_scratch() + dz_ + pooled_ + border_ + sums_ + this->pointers_ +
           std::max(gemm_scratch(0, gemm_depth), dx ? gemm_scratch(places, conv.share()) : 0);
    own_ = align<Real>(own_);
    this->scratch = own_;
  }

  /// Elements of scratch for dx where only the job that follows reads it.
  std::size_t between() const { return align<Real>(this->together_ * this->conv_.window.in()); }
  /// Whether its blocks of samples are those of another job.
  bool is_cut_as(const ConvBackwardJob& other) const {
    return blocks_.n == other.blocks_.n && blocks_.count == other.blocks_.count;
  }
  /// From now on dx is left in scratch, for the job of the convolution whose output's gradient it is; that job is run
  /// on the same samples right after.
  void follow(std::unique_ptr<ConvBackwardJob> next) { next_ = std::move(next); }

  static constexpr std::size_t most_parts = 8;

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t first = blocks_.begin(chunk);
    run(first, first + blocks_.size(chunk), chunk, dy_, scratch);
  }

  std::string name() const override {
    return std::string("back ") + (dw_.at ? "and learn " : "") + this->sizes() + (next_ ? ", " + next_->name() : "");
  }

 private:
  using Strip = Strips::Strip;

  // Samples [first, last) of a block; dy: where that of sample 0 would begin.
  void run(std::size_t first, std::size_t last, std::size_t chunk, const Real* dy, Real* scratch) const {
    const std::size_t in = this->conv_.window.in(), bordered = this->conv_.window.bordered();
    for (std::size_t k = first; k < last; k += this->together_) {
      const std::size_t count = std::min(this->together_, last - k);
      Real* const to = next_ ? scratch + own_ : dx_ ? dx_ + k * in : nullptr;
      Real* const dx = border_ ? scratch + this->read_scratch() + dz_ + pooled_ : to;
      if (dx) begin_dx(dx, count * bordered);
      for (std::size_t s = 0; s < this->strips_.count() && !ThreadTeam::is_cancelled(); ++s)
        run(this->strips_.strip(s), k, count, chunk, k > blocks_.begin(chunk) || s > 0, dy, dx, scratch);
      for (std::size_t i = 0; border_ && i < count; ++i) this->reader_.strip(dx + i * bordered, to + i * in);
      if (next_) next_->run(k, k + count, chunk, to - k * in, to + between());
    }
  }

  void run(const Strip& strip, std::size_t first, std::size_t count, std::size_t chunk, bool adds, const Real* dy,
           Real* dx, Real* scratch) const {
    Real* const rest = scratch + this->read_scratch() + dz_ + pooled_ + border_;
    const Real* const dz = dz_of(strip, first, count, chunk, adds, dy, scratch, rest);
    if (dw_.at) learn(strip, first, count, dz, dw_.at + chunk * dw_.stride, adds, scratch, rest + sums_);
    if (!dx) return;
    if (this->is_depthwise()) {
      for (std::size_t k = 0; k < count; ++k)
        depthwise_loops<Real>(this->conv_.groups)
            .input_grad(this->depthwise(), dz + k * strip.places() * this->conv_.filters, strip.places(), turned_,
                        this->patches_.places.data() + strip.begin, dx + k * this->conv_.window.bordered());
      return;
    }
    const void** const rows = reinterpret_cast<const void**>(rest + sums_);
    for (std::size_t p = 0; p < count * strip.places(); ++p) rows[p] = dz + p * this->conv_.filters;
    for (std::size_t k = 0; k < count; ++k)
      spread(strip, rows + k * strip.places(), dx + k * this->conv_.window.bordered(), rest + sums_ + this->pointers_);
  }

  void begin_dx(Real* dx, std::size_t n) const {
    if (!start_) return void(std::fill_n(dx, n, Real(0)));
    const std::size_t channels = this->conv_.window.channels;
    for (std::size_t i = 0; i < n; i += channels) std::copy_n(start_, channels, dx + i);
  }

  /// The gradient by z of a strip, in scratch if it lies nowhere yet; db on the way.
  const Real* dz_of(const Strip& strip, std::size_t first, std::size_t count, std::size_t chunk, bool adds,
                    const Real* dy, Real* scratch, Real* sums) const {
    const Convolution& conv = this->conv_;
    const std::size_t n = conv.filters;
    const std::size_t places = count * (conv.pool ? strip.pooled_end - strip.pooled_begin : strip.places());
    const std::size_t at = first * conv.out() + (conv.pool ? strip.pooled_begin : strip.begin) * n;
    Real *const here = scratch + this->read_scratch(), *const pooled = here + dz_;
    dy += at;
    if (!is_linear_) {
      Real* const to = conv.pool ? pooled : here;
      kernels().map.of[conv.activation.index].backward[dtype_of<Real>()](conv.activation.settings.data(),
                                                                         conv.pool ? nullptr : values_.z + at,
                                                                         values_.y + at, dy, to, this->layout(places));
      dy = to;
    }
    if (db_.at) {
      Real* const db = db_.at + chunk * db_.stride;
      kernels().reduce.column_sums[dtype_of<Real>()](dy, n, places, n, adds ? sums : db);
      if (adds) add_to(db, sums, n);
    }
    if (!conv.pool) return dy;
    const Window window = this->strips_.pool(strip);
    if (!window.covers()) std::fill_n(here, count * strip.places() * n, Real(0));
    if (conv.pool->mean)
      pool_loops<Real>().mean_backward(window, dy, count, here);
    else
      pool_loops<Real>().max_backward(window, dy, values_.index + at * index_size(window), count, here);
    return here;
  }

  void learn(const Strip& strip, std::size_t first, std::size_t count, const Real* dz, Real* dw, bool adds,
             Real* scratch, Real* rest) const {
    const void* const* const rows = this->read(strip, first, count, scratch);
    const std::size_t n = this->conv_.filters, share = this->conv_.share();
    if (this->is_depthwise())
      return depthwise_loops<Real>(this->conv_.groups)
          .weight_grad(this->depthwise(), rows, count * strip.places(), dz, adds, dw);
    for (std::size_t group = 0; group < this->conv_.groups; ++group) {
      Product<Real> q{{rows, source_of<Real>},
                      group * this->patches_.run,
                      true,
                      dz + group * share,
                      n,
                      false,
                      nullptr,
                      dw + group * share,
                      n,
                      this->patches_.at.size(),
                      share,
                      count * strip.places()};
      q.at = this->patches_.at.data();
      q.adds = adds;
      this->gemm_(q, rest);
    }
  }

  /// What each number of the window gives to dx, one after another.
  void spread(const Strip& strip, const void* const* rows, Real* dx, Real* scratch) const {
    const Window& w = this->conv_.window;
    const WindowAxis *const d = w.axis, *const h = d + 1, *const v = d + 2;
    const std::size_t n = this->conv_.share(), run = this->patches_.run, plane = h->out * v->out;
    const bool cut = this->strips_.lead() == 0;  // along the planes
    const std::size_t lines = cut ? plane : strip.places();
    for (std::size_t i = 0; i * lines < strip.places(); ++i)
      for (std::size_t tap = 0; tap < this->patches_.taps.size(); ++tap)
        for (std::size_t group = 0; group < this->conv_.groups; ++group) {
          Product<Real> q{{rows + i * lines, source_of<Real>},
                          group * n,
                          false,
                          turned_ + (tap * this->conv_.groups + group) * n * run,
                          run,
                          false,
                          nullptr,
                          dx + this->patches_.places[strip.begin + i * lines] + this->patches_.taps[tap] + group * run,
                          v->stride * w.channels,
                          lines,
                          run,
                          n};
          q.adds = true;
          q.line = this->strips_.lead() == 2 ? 0 : v->out;
          q.line_stride = h->stride * bordered_stride(w, 1);
          this->gemm_(q, scratch);
        }
  }

  const ConvValues<Real> values_;
  const Real *const dy_, *const turned_, *const start_;
  Real* const dx_;
  const GradParts<Real> dw_, db_;
  const Blocks blocks_;
  bool is_linear_;
  std::size_t dz_, pooled_, border_, sums_, own_;  // elements of scratch
  std::unique_ptr<ConvBackwardJob> next_;
};

}  // namespace gs
