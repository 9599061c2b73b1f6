// The jobs of a convolution: products whose rows are the numbers of a sample under a window, read where they lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/jobs.hpp"
#include "graph/matrix.hpp"
#include "kernels/window.hpp"

namespace gs {

/// What lies under a window at each of its places in each sample: pointers to where it begins, and runs of numbers from
/// there. With groups, those of a group begin `run` numbers after those of the one before.
struct Patches {
  std::vector<const void*> places;
  std::vector<std::size_t> run_at;
  std::size_t run = 0, groups = 1;
  std::size_t between = 0;  // numbers between neighbours

  std::size_t depth() const { return run_at.size() * run; }
};

/// Those of samples (bordered) that lie `size` numbers apart.
template <class Real> Patches patches_of(const Real* samples, std::size_t count, const Window& w, std::size_t groups) {
  Patches p;
  const WindowAxis *const d = w.axis, *const h = d + 1, *const v = d + 2;
  const std::size_t row = v->bordered() * w.channels, plane = h->bordered() * row;
  for (std::size_t s = 0; s < count; ++s)
    for (std::size_t i = 0; i < d->out; ++i)
      for (std::size_t j = 0; j < h->out; ++j)
        for (std::size_t k = 0; k < v->out; ++k)
          p.places.push_back(samples + s * w.bordered() + i * d->stride * plane + j * h->stride * row +
                             k * v->stride * w.channels);
  p.groups = groups;
  p.between = v->stride * w.channels;
  p.run = w.channels / groups;
  for (std::size_t i = 0; i < d->size; ++i)
    for (std::size_t j = 0; j < h->size; ++j)
      for (std::size_t k = 0; k < v->size; ++k)
        p.run_at.push_back(i * d->dilation * plane + j * h->dilation * row + k * v->dilation * w.channels);
  // Runs that follow one another are one, as far as all of them do.
  for (const std::size_t many : {w.size(), h->size * v->size, v->size}) {
    bool follow = many > 1;
    for (std::size_t r = 0; follow && r < p.run_at.size(); ++r)
      follow = p.run_at[r] == p.run_at[r - r % many] + r % many * p.run;
    if (!follow) continue;
    for (std::size_t r = 0; r * many < p.run_at.size(); ++r) p.run_at[r] = p.run_at[r * many];
    p.run_at.resize(p.run_at.size() / many);
    p.run *= many;
    break;
  }
  return p;
}

/// Samples with zeros around them.
template <class Real> class BorderJob : public Job<Real> {
 public:
  /// to: zeros, of which the border is never written.
  BorderJob(const Rows& x, const Window& window, Real* to) : x_(x), window_(window), to_(to) {
    this->chunks = x.count;
    this->scratch = window.in();
  }

  void run(std::size_t chunk, Real* scratch) const override {
    IndirectionBuffer from = x_.pointers;
    from.at += chunk;
    const Real* sample = scratch;
    if (from.template is_plain<Real>())
      sample = static_cast<const Real*>(from.at[0]);
    else
      products<Real>().gather(from, 1, window_.in(), scratch, window_.in());
    copy(window_, sample, to_ + chunk * window_.bordered(), false);
  }

  std::string name() const override { return "border"; }

  /// x (in) -> y (bordered), all but the border; or back.
  static void copy(const Window& w, const Real* x, Real* y, bool back) {
    const WindowAxis *const d = w.axis, *const h = d + 1, *const v = d + 2;
    const std::size_t n = v->in * w.channels, row = v->bordered() * w.channels;
    for (std::size_t i = 0; i < d->in; ++i)
      for (std::size_t j = 0; j < h->in; ++j, x += n) {
        Real* const to = y + ((i + d->before) * h->bordered() + j + h->before) * row + v->before * w.channels;
        if (back)
          std::copy(to, to + n, const_cast<Real*>(x));
        else
          std::copy(x, x + n, to);
      }
  }

 private:
  const Rows x_;
  const Window window_;
  Real* const to_;
};

/// A product for each group, of its share of the columns.
template <class Real> class GroupsJob : public Job<Real> {
 public:
  explicit GroupsJob(const std::vector<Product<Real>>& groups) {
    for (const Product<Real>& q : groups) jobs_.push_back(std::make_unique<ProductJob<Real>>(q));
    this->chunks = jobs_.size() * jobs_[0]->chunks;
    this->scratch = jobs_[0]->scratch;
  }
  void run(std::size_t chunk, Real* scratch) const override {
    jobs_[chunk / jobs_[0]->chunks]->run(chunk % jobs_[0]->chunks, scratch);
  }
  std::string name() const override { return std::to_string(jobs_.size()) + " x " + jobs_[0]->name(); }

 private:
  std::vector<std::unique_ptr<ProductJob<Real>>> jobs_;
};

/// What the gradient of a kernel is the sum of.
template <class Real> struct PatchTerm {
  const Patches* x;
  Matrix<Real> dz;  // (places, out)
};

/// The gradient of a kernel (depth, out): sums of x^T dz, in tiles that lie in one run and in one group.
template <class Real> class ConvGradJob : public GradJob<Real> {
 public:
  ConvGradJob(std::vector<PatchTerm<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        terms_(std::move(terms)),
        share_(terms_[0].dz.columns / terms_[0].x->groups),
        grid_(terms_[0].x->run, share_, 48, 128),
        deep_(terms_[0].x->between * sizeof(Real) < 1024 ? 64 : gemm_depth),
        gemm_(products<Real>().gemm) {
    const Patches& x = *terms_[0].x;
    this->cut(x.run_at.size() * x.groups * grid_.chunks());
    tile_ = align<Real>(grid_.rows.size(0) * grid_.columns.size(0));
    this->scratch = tile_ + gemm_scratch(grid_.rows.size(0), gemm_depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const Patches& x = *terms_[0].x;
    const auto b = grid_.block(chunk % grid_.chunks());
    const std::size_t part = chunk / grid_.chunks(), r = part / x.groups, group = part % x.groups;
    const std::size_t out = terms_[0].dz.columns, column = group * share_ + b.column;
    bool adds = false;
    for (const PatchTerm<Real>& term : terms_) {
      const std::size_t places = term.x->places.size();
      for (std::size_t first = 0; first < places; first += deep_) {
        const std::size_t depth = std::min(deep_, places - first);
        Product<Real> q{{term.x->places.data() + first, source_of<Real>},
                        x.run_at[r] + group * x.run + b.row,
                        true,
                        term.dz.at + first * out + column,
                        out,
                        false,
                        nullptr,
                        scratch,
                        b.columns,
                        b.rows,
                        b.columns,
                        depth};
        q.adds = adds;
        gemm_(q, scratch + tile_);
        adds = true;
        if (ThreadTeam::is_cancelled()) return;
      }
    }
    this->update(chunk, (r * x.run + b.row) * out + column, scratch,
                 b.columns == out ? MatrixLayout(b.rows * b.columns) : MatrixLayout(b.rows, b.columns, out));
  }

  std::string name() const override {
    return "learn window " + std::to_string(terms_[0].x->depth()) + "x" + std::to_string(terms_[0].dz.columns);
  }

 private:
  const std::vector<PatchTerm<Real>> terms_;
  const std::size_t share_;  // columns of a group
  const Grid grid_;
  // Places a product: of so few, rows are read where they lie, unless so far apart that they share sets of the cache.
  const std::size_t deep_;
  std::size_t tile_ = 0;
  const Gemm<Real> gemm_;
};

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

/// dz (batch * places, out), turned (window, out, in / groups) -> dx (batch, in): what each number of the window gives,
/// one after another, a sample at a time.
template <class Real> class ConvInputGradJob : public Job<Real> {
 public:
  ConvInputGradJob(const Rows& dz, const Real* turned, const Window& window, std::size_t groups, Matrix<Real> dx)
      : dz_(dz), turned_(turned), window_(window), groups_(groups), dx_(dx), gemm_(products<Real>().gemm) {
    this->chunks = dx.rows;
    border_ = window.has_border() ? align<Real>(window.bordered()) : 0;
    const std::size_t lines = window.axis[1].out * window.axis[2].out;
    this->scratch = border_ + gemm_scratch(lines, dz.columns / groups);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const Window& w = window_;
    const WindowAxis *const d = w.axis, *const h = d + 1, *const v = d + 2;
    const std::size_t row = v->bordered() * w.channels, plane = h->bordered() * row;
    const std::size_t share = w.channels / groups_, out = dz_.columns / groups_, lines = h->out * v->out;
    Real* const sample = dx_.at + chunk * dx_.columns;
    Real* const to = border_ ? scratch : sample;
    std::fill_n(to, w.bordered(), Real(0));
    const auto add = [&](std::size_t i, std::size_t number, std::size_t at, std::size_t group) {
      IndirectionBuffer rows = dz_.pointers;
      rows.at += (chunk * d->out + i) * lines;
      Product<Real> q{rows,
                      group * out,
                      false,
                      turned_ + (number * groups_ + group) * out * share,
                      share,
                      false,
                      nullptr,
                      to + i * d->stride * plane + at + group * share,
                      v->stride * w.channels,
                      lines,
                      share,
                      out};
      q.adds = true;
      q.line = v->out;
      q.line_stride = h->stride * row;
      gemm_(q, scratch + border_);
    };
    for (std::size_t i = 0; i < d->out && !ThreadTeam::is_cancelled(); ++i) {
      std::size_t number = 0;
      for (std::size_t a = 0; a < d->size; ++a)
        for (std::size_t b = 0; b < h->size; ++b)
          for (std::size_t c = 0; c < v->size; ++c, ++number) {
            const std::size_t at = a * d->dilation * plane + b * h->dilation * row + c * v->dilation * w.channels;
            for (std::size_t group = 0; group < groups_; ++group) add(i, number, at, group);
          }
    }
    if (border_) BorderJob<Real>::copy(w, sample, to, true);
  }

  std::string name() const override { return "back window"; }

 private:
  const Rows dz_;
  const Real* const turned_;
  const Window window_;
  const std::size_t groups_;
  const Matrix<Real> dx_;
  std::size_t border_;  // elements
  const Gemm<Real> gemm_;
};

}  // namespace gs
