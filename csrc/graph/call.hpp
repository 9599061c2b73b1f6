// A call of a layer in one pass: where its values lie, and what it keeps from forward to backward.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/schedule.hpp"
#include "graph/shape.hpp"

namespace gs {

/// The numbers of an input of a network, by pointers to parts of its samples that the data set is read through.
struct DataView {
  std::size_t columns;
  std::vector<const void*> pointers;  // (batch * numbers of a sample / columns)
};

/// What a value is: numbers of an input of the network, or a matrix; each stands for scale * number + offset.
template <class Real> struct Content {
  Matrix<Real> matrix;                    // without memory: of an input
  std::deque<DataView>* views = nullptr;  // of that input, by their columns
  Source source = source_of<Real>;
  double scale = 1, offset = 0;
  bool moves = true;                     // of a direction: whether it may be other than 0
  SparseBatch<Real>* entries = nullptr;  // of a sparse input of the network

  bool is_plain() const { return matrix && scale == 1 && offset == 0; }
};

/// A value of samples of n numbers as rows of `columns` numbers, to be read.
template <class Real>
Rows rows_of(Schedule<Real>& schedule, const Content<Real>& content, std::size_t n, std::size_t columns) {
  Rows rows;
  if (content.matrix) {
    rows = schedule.rows(reshaped(content.matrix, columns));
  } else if (SparseBatch<Real>* const x = content.entries) {
    if (!x->dense) {
      const Matrix<Real> dense = x->dense = {schedule.workspace(schedule.batch * n), schedule.batch, n};
      schedule.each_row(dense.rows, n, {{x}, {dense.at}}, [=](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) x->write(i, dense.at + i * n);
      });
    }
    rows = schedule.rows(reshaped(x->dense, columns));
  } else {
    rows = {{nullptr, content.source}, nullptr, schedule.batch * n / columns, columns};
    for (DataView& view : *content.views)
      if (view.columns == columns) rows.pointers.at = view.pointers.data();
    if (!rows.pointers.at) {
      content.views->push_back({columns, std::vector<const void*>(rows.count)});
      rows.pointers.at = content.views->back().pointers.data();
    }
  }
  rows.pointers.scale = content.scale;
  rows.pointers.offset = content.offset;
  return rows;
}

/// What a layer is given in `forward` and `backward`. A value of a batch is a matrix: of a row for each sample, or of
/// rows of as many columns as are asked for, such as the size of the last axis.
template <class Real> class Call {
 public:
  /// inputs: what they are; y: where the output is to lie; dxs: where the gradients by the inputs are to lie, none
  /// where nobody wants it.
  Call(Schedule<Real>& schedule, const std::vector<Content<Real>*>& inputs, const Shapes& shapes,
       const std::vector<Weight<Real>>& weights, Matrix<Real> y)
      : schedule_(schedule), inputs_(inputs), shapes_(shapes), weights_(weights), y_(y), content_{y} {}

  /// Input i, to be read.
  Rows x(std::size_t columns, std::size_t i = 0) const {
    return rows_of(schedule_, *inputs_[i], size_of(shapes_[i]), columns);
  }
  /// The entries of input i, of a sparse one; else null.
  SparseBatch<Real>* entries(std::size_t i = 0) const { return inputs_[i]->entries; }
  /// The same side by side: copied there if it lies otherwise.
  Matrix<Real> x_matrix(std::size_t columns, std::size_t i = 0) {
    const Content<Real>& input = *inputs_[i];
    if (input.is_plain()) return reshaped(input.matrix, columns);
    const std::string name = "input " + std::to_string(i);
    const bool is_new = !(whole_ ? whole_->saved_.count(part_ + name) : saved_.count(name));
    const Matrix<Real> copy = save(name, schedule_.batch * size_of(shapes_[i]), columns);
    if (is_new) schedule_.copy(x(size_of(shapes_[i]), i), reshaped(copy, size_of(shapes_[i])));
    return copy;
  }
  Matrix<Real> y(std::size_t columns) const { return reshaped(y_, columns); }
  const Weight<Real>* weight(std::size_t i) const { return &weights_[first_weight_ + i]; }

  // Of a call of directions: whether those of input i, and those of the weights, may be other than 0.
  bool x_moves(std::size_t i = 0) const { return inputs_[i]->moves; }
  bool weights_move() const { return first_weight_ < weights_.size() && weights_[first_weight_].w; }

  /// The gradient by the output, which backward may write over.
  Matrix<Real> dy(std::size_t columns) const { return reshaped(dy_, columns); }
  /// Where that by input i is to be written; none where nobody wants it.
  Matrix<Real> dx(std::size_t columns, std::size_t i = 0) const { return reshaped(dxs_[i], columns); }
  /// Of a backward pass: all that the gradients of the weights follow from is there, and those by the inputs are not.
  /// A layer with large weights says so, if it can.
  void weights_are_done() const {
    if (when_weights_are_done_) when_weights_are_done_();
  }

  /// Memory for n numbers by its name, the same in forward and backward.
  Matrix<Real> save(const std::string& name, std::size_t n, std::size_t columns) {
    if (whole_) return whole_->save(part_ + name, n, columns);
    Real*& at = saved_[name];
    if (!at) at = schedule_.workspace(n);
    return {at, n / columns, columns};
  }
  /// The same, as large as the output.
  Matrix<Real> save(const std::string& name, std::size_t columns) { return save(name, y_.size(), columns); }

  /// The same for a layer that is a part of this one: it has some of the inputs, the weights from `first_weight` on,
  /// and what it keeps under its own name.
  Call part(const std::string& name, const std::vector<std::size_t>& inputs, std::size_t first_weight, Matrix<Real> y) {
    std::vector<Content<Real>*> some;
    Shapes shapes;
    for (const std::size_t i : inputs) {
      some.push_back(inputs_[i]);
      shapes.push_back(shapes_[i]);
    }
    Call made(schedule_, some, shapes, weights_, y);
    made.first_weight_ = first_weight;
    made.whole_ = this;
    made.part_ = name + " ";
    return made;
  }

  /// The output is the input, times scale plus offset: whoever reads it does that.
  void pass(double scale = 1, double offset = 0) {
    content_ = *inputs_[0];
    content_.offset = content_.offset * scale + offset;
    content_.scale *= scale;
  }

  // -- for who makes the schedule --------------------------------------------------------------------------------

  const Content<Real>& content() const { return content_; }
  void go_back(Matrix<Real> dy, std::vector<Matrix<Real>> dxs, std::function<void()> when_weights_are_done = nullptr) {
    dy_ = dy;
    dxs_ = std::move(dxs);
    when_weights_are_done_ = std::move(when_weights_are_done);
  }
  std::size_t inputs() const { return inputs_.size(); }

 private:
  Schedule<Real>& schedule_;
  const std::vector<Content<Real>*> inputs_;
  const Shapes shapes_;
  const std::vector<Weight<Real>>& weights_;
  const Matrix<Real> y_;
  Content<Real> content_;
  Matrix<Real> dy_;
  std::vector<Matrix<Real>> dxs_;
  std::function<void()> when_weights_are_done_ = nullptr;
  std::map<std::string, Real*> saved_;
  std::size_t first_weight_ = 0;
  Call* whole_ = nullptr;  // what this is a part of
  std::string part_;
};

}  // namespace gs
