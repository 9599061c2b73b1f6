// Dense.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/tangent.hpp"

namespace gs {

/// y = f(x w + b), along the last axis.
struct Dense {
  Shape shape;  // of the output
  std::size_t in, out;
  bool use_bias;
  ActivationUse activation;  // f

  static constexpr const char* name = "dense";
  template <class Settings>
  Dense(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        in(last_of(inputs[0])),
        out(settings.whole("units")),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    shape.back() = out;
  }
  Shape output() const { return shape; }
  Shapes weights() const { return use_bias ? Shapes{{in, out}, {out}} : Shapes{{in, out}}; }

  // x (rows, in), w (in, out), b (out) -> z = x w + b, y = f(z) (rows, out); z may be y
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> z = z_of(schedule, call);
    if (SparseBatch<Real>* const x = call.entries())
      sparse_product(schedule, call, *x, z);
    else
      schedule.product(call.x(in), call.weight(0), use_bias ? call.weight(1) : nullptr, z);
    schedule.activate(activation, z, call.y(out));
  }

  // dy (rows, out), which becomes dz in place -> dx = dz w^T (rows, in), dw = x^T dz, db = dz's rows summed
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(out);
    schedule.activation_grad(activation, z_of(schedule, call), call.y(out), dy);
    if (SparseTerm<Real>* const term = term_of(call)) {
      term->dz = dy.at;
      schedule.sparse_grad(*term, dy);
    } else if (call.weight(0)->trainable()) {
      schedule.weight_grad(call.x(in), dy, call.weight(0));
    }
    if (use_bias) schedule.bias_grad(dy, call.weight(1));
    call.weights_are_done();
    if (const Matrix<Real> dx = call.dx(in)) schedule.input_grad(dy, call.weight(0), dx);
  }

  // dx, dw, db -> dz = dx w + x dw + db, dy = f'(z) dz (rows, out)
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = d.y(out);
    const bool moves = d.x_moves();
    product_tangent(schedule, call, d, call.x(in), moves ? d.x(in) : Rows{}, moves, 0, use_bias ? d.weight(1) : nullptr,
                    dy, "by weights");
    activation_tangent(schedule, activation, z_of(schedule, call), call.y(out), dy);
  }

 private:
  /// The same of a sparse x: rows of w that the batch reads take the steps that they have not taken yet.
  template <class Real>
  void sparse_product(Schedule<Real>& schedule, Call<Real>& call, SparseBatch<Real>& x, Matrix<Real> z) const {
    const Weight<Real>& w = *call.weight(0);
    if (schedule.training && w.trainable() && !w.is_curved) {
      x.terms.push_back(std::make_unique<SparseTerm<Real>>(SparseTerm<Real>{x, w}));
      if (RowSteps* const steps = w.by_rows) {
        steps->columns = out;
        schedule.each_row(in, std::min(out, most_chunks * 8192 / in), {{&x, steps}, {w.w}},
                          [=](std::size_t first, std::size_t count) { steps->catch_up(first, first + count); });
        schedule.once({{w.w}, {steps}}, [=] { steps->caught_up(); });
      }
    }
    const Real* const start = use_bias ? call.weight(1)->w : nullptr;
    schedule.run(std::make_unique<SparseProductJob<Real>>(x, w.w, start, z), {{&x, w.w, start}, {z.at}});
  }
  static constexpr std::size_t most_chunks = 256;

  template <class Real> SparseTerm<Real>* term_of(const Call<Real>& call) const {
    if (const SparseBatch<Real>* const x = call.entries())
      for (const auto& term : x->terms)
        if (&term->w == call.weight(0)) return term.get();
    return nullptr;
  }

  template <class Real> Matrix<Real> z_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    const bool keeps = schedule.training && kernels().map.of[activation.index].uses_input;
    return keeps ? call.save("z", out) : call.y(out);
  }
};

}  // namespace gs
