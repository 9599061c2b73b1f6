// The gradients of a convolution's weights: sums of parts, or, of a large kernel, tiles over all samples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/convolution/conv_backward.hpp"

namespace gs {

/// The gradient of a weight, the sum of its parts in order.
template <class Real> class PartsGradJob : public GradJob<Real> {
 public:
  PartsGradJob(std::vector<GradParts<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue), terms_(std::move(terms)), blocks_(weight.attributes->size(), block) {
    this->cut(blocks_.count);
    this->scratch = block;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t at = blocks_.begin(chunk), n = blocks_.size(chunk);
    std::copy_n(terms_[0].at + at, n, scratch);
    for (std::size_t t = 0; t < terms_.size(); ++t)
      for (std::size_t part = t == 0; part < terms_[t].count; ++part)
        add_to(scratch, terms_[t].at + part * terms_[t].stride + at, n);
    this->update(chunk, at, scratch, MatrixLayout(n));
  }

  std::string name() const override { return "sum " + std::to_string(terms_[0].count); }

 private:
  static constexpr std::size_t block = 2048;
  const std::vector<GradParts<Real>> terms_;
  const Blocks blocks_;
};

/// A convolution whose kernel's gradient is made in tiles over all samples.
template <class Real> struct ConvTerm {
  Convolution conv;
  Rows x;
  Matrix<Real> dz;  // (batch * places, filters)
};

/// The gradient of a large kernel (window, channels, filters): the sum of x^T dz, in tiles of some filters and, of a
/// group, some numbers of the window with all channels; or, where there are many, some channels with all numbers of
/// the window: then those alone are copied of each sample.
template <class Real> class ConvGradJob : public GradJob<Real> {
 public:
  ConvGradJob(std::vector<ConvTerm<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        window_(terms[0].conv.window.size()),
        run_(terms[0].conv.window.channels / terms[0].conv.groups),
        groups_(terms[0].conv.groups),
        filters_(terms[0].conv.filters),
        by_channels_(run_ >= 128 && window_ > 1),
        share_(terms[0].conv.share()),
        panels_((share_ + width - 1) / width),
        rows_(blocks(384)) {
    // Each reads all samples: the taller the better, as long as there are enough of them.
    if (rows_.count * panels_ * groups_ < 16) rows_ = blocks(192);
    for (ConvTerm<Real>& term : terms) terms_.emplace_back(std::move(term), by_channels_ ? rows_.size(0) : 0);
    parts_ = by_channels_ ? window_ : 1;
    this->cut(rows_.count * panels_ * groups_, parts_);
    tile_ = align<Real>(rows_.size(0) * (by_channels_ ? window_ : run_) * std::min(width, share_));
    for (const Term& term : terms_)
      this->scratch = std::max(this->scratch, tile_ + term.read_scratch() + gemm_scratch(0, gemm_depth));
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t group = chunk % groups_, part = chunk / groups_;
    const std::size_t row = part / panels_, column = part % panels_ * width, first = rows_.begin(row);
    Tile t{0, window_, group * run_, run_, group * share_ + column, std::min(width, share_ - column)};
    if (by_channels_) {
      t.channel += first;
      t.channels = rows_.size(row);
    } else {
      t.tap = first;
      t.taps = rows_.size(row);
    }
    bool adds = false;
    for (const Term& term : terms_)
      if (!term.add(t, adds, scratch, scratch + tile_)) return;
    const std::size_t lines = t.taps * t.channels / parts_;  // side by side in the kernel
    for (std::size_t k = 0; k < parts_; ++k)
      this->update(chunk * parts_ + k, ((t.tap + k) * run_ + t.channel - group * run_) * filters_ + t.column,
                   scratch + k * lines * t.columns,
                   t.columns == filters_ ? MatrixLayout(lines * t.columns) : MatrixLayout(lines, t.columns, filters_));
  }

  std::string name() const override {
    return "learn window " + std::to_string(window_ * run_) + "x" + std::to_string(filters_);
  }

 private:
  struct Tile {
    std::size_t tap, taps;          // of the window
    std::size_t channel, channels;  // of a sample
    std::size_t column, columns;    // of the filters
  };
  /// Channels, or numbers of the window, in blocks of about so many rows of the kernel.
  Blocks blocks(std::size_t rows) const {
    const std::size_t n = by_channels_ ? run_ : window_, each = by_channels_ ? window_ : run_;
    return {n, std::max<std::size_t>(1, rows / each)};
  }

  class Term : public ConvJob<Real> {
   public:
    /// widest: channels of the largest tile, if tiles have some of them; else 0.
    Term(ConvTerm<Real> term, std::size_t widest)
        : ConvJob<Real>(of_tile(term, widest), term.x, 96),
          dz_(term.dz),
          batch_(term.x.count),
          channels_(term.conv.window.channels),
          copies_(widest > 0) {
      if (copies_)
        this->sample_ =
            align<Real>(this->strips_.in_rows() * bordered_stride(this->conv_.window, this->strips_.lead()));
      const std::size_t most = copies_ ? widest : channels_ / term.conv.groups;
      for (const std::size_t tap : this->patches_.taps)
        for (std::size_t c = 0; c < most; ++c) {
          at_[0].push_back(tap + c);
          if (c + 1 < most) at_[1].push_back(tap + c);
        }
    }
    std::size_t read_scratch() const { return this->together_ * this->sample_ + this->pointers_; }

    /// Adds a tile of the gradient to c; whether it is not cancelled.
    bool add(const Tile& t, bool& adds, Real* c, Real* scratch) const {
      const std::size_t n = this->conv_.filters, places = this->conv_.window.places();
      const std::size_t* const at =
          at_[t.channels * this->patches_.taps.size() != at_[0].size()].data() + t.tap * t.channels;
      for (std::size_t k = 0; k < batch_; k += this->together_)
        for (std::size_t s = 0; s < this->strips_.count(); ++s, adds = true) {
          const Strips::Strip strip = this->strips_.strip(s);
          const std::size_t count = std::min(this->together_, batch_ - k);
          Product<Real> q{{read(t, strip, k, count, scratch), source_of<Real>},
                          copies_ ? 0 : t.channel,
                          true,
                          dz_.at + (k * places + strip.begin) * n + t.column,
                          n,
                          false,
                          nullptr,
                          c,
                          t.columns,
                          t.taps * t.channels,
                          t.columns,
                          count * strip.places()};
          q.at = at;
          q.adds = adds;
          this->gemm_(q, scratch + read_scratch());
          if (ThreadTeam::is_cancelled()) return false;
        }
      return true;
    }
    void run(std::size_t, Real*) const override {}
    std::string name() const override { return {}; }

   private:
    static Convolution of_tile(const ConvTerm<Real>& term, std::size_t widest) {
      Convolution conv = term.conv;
      conv.groups = 1;
      if (widest) conv.window.channels = widest;
      return conv;
    }

    /// As ConvJob::read, of a tile's channels.
    const void* const* read(const Tile& t, const Strips::Strip& strip, std::size_t first, std::size_t count,
                            Real* scratch) const {
      if (!copies_) return ConvJob<Real>::read(strip, first, count, scratch);
      const void** const rows = reinterpret_cast<const void**>(scratch + this->together_ * this->sample_);
      const void** next = rows;
      for (std::size_t k = 0; k < count; ++k) {
        const Real* const sample = this->reader_.read_some(first + k, strip.in_first, strip.in_last, t.channel,
                                                           t.channels, channels_, scratch + k * this->sample_);
        for (std::size_t p = strip.begin; p < strip.end; ++p) *next++ = sample + this->patches_.places[p];
      }
      return rows;
    }

    const Matrix<Real> dz_;
    const std::size_t batch_, channels_;
    const bool copies_;
    std::vector<std::size_t> at_[2];  // of a tile's rows in a patch: of the most channels, and of one less
  };

  static constexpr std::size_t width = Grid::panel;  // filters of a tile
  const std::size_t window_, run_, groups_, filters_;
  const bool by_channels_;
  const std::size_t share_, panels_;  // filters of a group, and in how many panels
  Blocks rows_;
  std::size_t parts_ = 1, tile_ = 0;
  std::vector<Term> terms_;
};

}  // namespace gs
