#include "train/curvature/curvature.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "core/dual.hpp"

namespace gs {
namespace {

// curve(form, targets, y, v, n, scale, root, to): what CurvatureRows says, of one row.

/// h v of one element, or the root of h times v.
template <class Real> Real along(double h, Real v, bool root) { return Real((root ? gs::root(h) : h) * double(v)); }

/// A sum over elements: the derivative of the formula of its derivative, or 0 where that is negative.
template <class Term, bool mean, class Target, class Real>
void curve(const OverRow<Term, mean>& form, const Target& t, const Real* y, const Real* v, std::size_t n, double scale,
           bool root, Real* to) {
  const double share = mean ? scale / double(n) : scale;
  for (std::size_t k = 0; k < n; ++k) {
    const Dual slope = form.Term::derivative(Dual(double(t(k))), Dual(double(y[k]), 1));
    to[k] = along(share * std::max(slope.slope, 0.0), v[k], root);
  }
}

/// sum t (diag(p) - p p^T) v of logits. A root of the matrix is diag(r) - p r^T with r = sqrt(p).
template <class Target, class Real>
void curve(const CategoricalCrossentropyOfLogits&, const Target& t, const Real* z, const Real* v, std::size_t n,
           double scale, bool root, Real* to) {
  double top = double(z[0]), sum = 0, weight = 0, mean = 0;
  for (std::size_t k = 1; k < n; ++k) top = std::max(top, double(z[k]));
  for (std::size_t k = 0; k < n; ++k) {
    sum += exp(double(z[k]) - top);
    weight += double(t(k));
  }
  const auto p = [&](std::size_t k) { return exp(double(z[k]) - top) / sum; };
  for (std::size_t k = 0; k < n; ++k) mean += along(p(k), double(v[k]), root);
  const double factor = root ? gs::root(std::max(scale * weight, 0.0)) : scale * weight;
  for (std::size_t k = 0; k < n; ++k) to[k] = Real(factor * (along(p(k), double(v[k]), root) - p(k) * mean));
}

/// Of outputs, divided by their sum: diag(t / p^2) over its square. What the sum adds is negative, and 0 for
/// directions that leave it as it is, as those of a softmax do.
template <class Target, class Real>
void curve(const CategoricalCrossentropy&, const Target& t, const Real* y, const Real* v, std::size_t n, double scale,
           bool root, Real* to) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += double(y[k]);
  for (std::size_t k = 0; k < n; ++k) {
    const double p = double(y[k]) / sum;
    to[k] = is_clipped(p) ? Real(0) : along(scale * double(t(k)) / (double(y[k]) * double(y[k])), v[k], root);
  }
}

/// (1 - q) p^(q - 2) of the label.
template <class Real>
void curve(const CategoricalGeneralizedCrossEntropy& form, const Label<Real>& t, const Real* y, const Real* v,
           std::size_t n, double scale, bool root, Real* to) {
  std::fill_n(to, n, Real(0));
  if (std::uint64_t(t.label) >= n) return;
  const double p = double(y[t.label]);
  to[t.label] = along(scale * (1 - form.q) * power(p, form.q - 2), v[t.label], root);
}

/// -alpha (1 - p)^gamma log(p) of probabilities: its second derivative by p, or 0 where that is negative.
struct FocalTerm : CategoricalFocalCrossentropy {
  explicit FocalTerm(const CategoricalFocalCrossentropy& form) : CategoricalFocalCrossentropy(form) {}
  double curvature(double p) const { return std::max(derivative(Dual(p, 1)).slope, 0.0); }
};

/// Of outputs, divided by their sum: as of the cross-entropy, without what the sum adds.
template <class Target, class Real>
void curve(const CategoricalFocalCrossentropy& form, const Target& t, const Real* y, const Real* v, std::size_t n,
           double scale, bool root, Real* to) {
  const FocalTerm term(form);
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += double(y[k]);
  for (std::size_t k = 0; k < n; ++k)
    to[k] = along(scale * double(t(k)) * term.curvature(double(y[k]) / sum) / (sum * sum), v[k], root);
}

/// Of logits: J diag(t f'') J of a softmax, J = diag(p) - p p^T, which is no part of what is not convex.
template <class Target, class Real>
void curve(const CategoricalFocalCrossentropyOfLogits& form, const Target& t, const Real* z, const Real* v,
           std::size_t n, double scale, bool root, Real* to) {
  const FocalTerm term(form);
  double top = double(z[0]), sum = 0, mean = 0, all = 0;
  for (std::size_t k = 1; k < n; ++k) top = std::max(top, double(z[k]));
  for (std::size_t k = 0; k < n; ++k) sum += exp(double(z[k]) - top);
  const auto p = [&](std::size_t k) { return exp(double(z[k]) - top) / sum; };
  for (std::size_t k = 0; k < n && !root; ++k) mean += p(k) * double(v[k]);
  const auto middle = [&](std::size_t k) {
    const double first = root ? double(v[k]) : p(k) * (double(v[k]) - mean);
    return along(scale * double(t(k)) * term.curvature(p(k)), first, root);
  };
  for (std::size_t k = 0; k < n; ++k) all += p(k) * middle(k);
  for (std::size_t k = 0; k < n; ++k) to[k] = Real(p(k) * (middle(k) - all));
}

/// Minus the cosine c of the angle between t and y of length r. With unit vectors a along y and b across it towards t,
/// and s the sine, the Hessian times r^2 is c across both and [[0, s], [s, c]] in their plane, which has one positive
/// eigenvalue: that and c, if it is positive, are kept.
template <class Target, class Real>
void curve(const CosineSimilarity&, const Target& t, const Real* y, const Real* v, std::size_t n, double scale,
           bool root, Real* to) {
  double tt = 0, yy = 0, ty = 0, yv = 0, tv = 0;
  for (std::size_t k = 0; k < n; ++k) {
    tt += double(t(k)) * double(t(k));
    yy += double(y[k]) * double(y[k]);
    ty += double(t(k)) * double(y[k]);
    yv += double(y[k]) * double(v[k]);
    tv += double(t(k)) * double(v[k]);
  }
  const double r = gs::root(yy), of_t = 1 / std::max(gs::root(tt), epsilon);
  if (!(r > epsilon)) return void(std::fill_n(to, n, Real(0)));  // there it is a line
  const double c = ty * of_t / r, s = gs::root(std::max(tt * of_t * of_t - c * c, 0.0)), share = scale / yy;
  const double most = (c + gs::root(c * c + 4 * s * s)) / 2, length = gs::root(s * s + most * most);
  const double along_a = yv / r, along_b = s > 0 ? (tv * of_t - c * along_a) / s : 0;
  // The eigenvector of the plane, in a and b.
  const double wa = length > 0 ? s / length : 0, wb = length > 0 ? most / length : 0;
  const auto factor = [&](double h) { return root ? gs::root(h) : h; };
  const double across = factor(share * std::max(c, 0.0)), kept = factor(share * most) * (wa * along_a + wb * along_b);
  for (std::size_t k = 0; k < n; ++k) {
    const double a = double(y[k]) / r, b = s > 0 ? (double(t(k)) * of_t - c * a) / s : 0;
    to[k] = Real(across * (double(v[k]) - along_a * a - along_b * b) + kept * (wa * a + wb * b));
  }
}

/// Lines.
template <class Target, class Real>
void curve(const CategoricalHinge&, const Target&, const Real*, const Real*, std::size_t n, double, bool, Real* to) {
  std::fill_n(to, n, Real(0));
}

template <class Form, bool shortcut, class Target, class Real>
auto curve(const Smooth<Form, shortcut>& form, const Target& t, const Real* y, const Real* v, std::size_t n,
           double scale, bool root, Real* to)
    -> decltype(curve(static_cast<const Form&>(form), t, y, v, n, scale, root, to)) {
  const Real share = Real(form.label_smoothing);
  const Affine<Real, Target> smoothed{t, 1 - share, share * Form::template even<Real>(n)};
  curve(static_cast<const Form&>(form), smoothed, y, v, n, scale, root, to);
}

template <class Form, class Real>
void curve(const Sparse<Form>& form, const Label<Real>& t, const Real* y, const Real* v, std::size_t n, double scale,
           bool root, Real* to) {
  if (double(t.label) == form.ignore_class) return void(std::fill_n(to, n, Real(0)));
  curve(static_cast<const Form&>(form), t, y, v, n, scale, root, to);
}

template <class Form, class Target, class Real, class = void> constexpr bool is_curved = false;
template <class Form, class Target, class Real>
constexpr bool is_curved<Form, Target, Real,
                         decltype(curve(std::declval<const Form&>(), std::declval<const Target&>(),
                                        static_cast<const Real*>(nullptr), static_cast<const Real*>(nullptr),
                                        std::size_t(), double(), bool(), static_cast<Real*>(nullptr)))> = true;

template <class Form> constexpr bool is_hinge = false;
template <class Term> constexpr bool is_hinge<HingeOf<Term>> = true;

template <bool labels, class Real> auto target_of(const void* at) {
  if constexpr (labels)
    return Label<Real>{*static_cast<const volatile std::int64_t*>(at)};  // once, for another may write it
  else
    return Values<Real>{static_cast<const Real*>(at)};
}

template <class Form, bool labels, class Real>
void curvature_rows(const double* settings, const void* const* targets, const Real* y, const Real* v, std::size_t rows,
                    std::size_t n, const double* scales, bool root, Real* to) {
  const Form form = with_values<Form>(settings);
  Real factor = 1, offset = 0;
  if constexpr (is_hinge<Form>) {
    const auto is_bit = [](Real t) { return t == 0 || t == 1; };
    const auto has_bits = [&](const void* row) {
      return std::all_of(static_cast<const Real*>(row), static_cast<const Real*>(row) + n, is_bit);
    };
    if (std::all_of(targets, targets + rows, has_bits)) factor = 2, offset = -1;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const auto t = target_of<labels, Real>(targets[i]);
    const std::size_t at = i * n;
    if constexpr (is_hinge<Form>)
      curve(form, Affine<Real, decltype(target_of<labels, Real>(nullptr))>{t, factor, offset}, y + at, v + at, n,
            scales[i], root, to + at);
    else
      curve(form, t, y + at, v + at, n, scales[i], root, to + at);
  }
}

template <class Form, bool labels, class Real> constexpr CurvatureRows<Real> rows_of_form() {
  if constexpr (is_curved<Form, decltype(target_of<labels, Real>(nullptr)), Real>)
    return curvature_rows<Form, labels, Real>;
  else
    return nullptr;
}

template <class Real> struct OfForms {
  CurvatureRows<Real> of_outputs, of_logits;
};
template <class Real, class... All> constexpr std::array<OfForms<Real>, sizeof...(All)> all(TypeList<All...>) {
  return {OfForms<Real>{rows_of_form<typename All::OfOutputs, All::targets != TargetKind::numbers, Real>(),
                        rows_of_form<typename All::OfLogits, All::targets != TargetKind::numbers, Real>()}...};
}

}  // namespace

template <class Real> CurvatureRows<Real> curvature_of(const LossUse& loss) {
  static constexpr auto table = all<Real>(Losses{});
  const auto& forms = table[std::size_t(loss.info->index)];
  return loss.of_logits ? forms.of_logits : forms.of_outputs;
}

template CurvatureRows<float> curvature_of(const LossUse&);
template CurvatureRows<double> curvature_of(const LossUse&);

}  // namespace gs
