#include "kernels/cuda/layers.hpp"

#include <array>

#include "kernels/cuda/launch.hpp"

namespace gs {
namespace {

/// body.at(i) for each i below n, a thread each.
template <class Body> struct Each {
  Body body;
  std::size_t n;
  HD void each(std::size_t block, unsigned thread) const {
    const std::size_t i = block * block_threads + thread;
    if (i < n) body.at(i);
  }
};
template <class Body> DeviceError for_each(const Body& body, std::size_t n) {
  if (n == 0) return 0;
  return for_each_thread(Each<Body>{body, n}, (n + block_threads - 1) / block_threads, DeviceStream(0));
}

/// work(Real{}) with the type that is computed in.
template <class Work> DeviceError with_real(Dtype real, Work work) {
  return real == Dtype::f64 ? work(double()) : work(float());
}

template <class Number, class Real> struct Gather {
  const Number* x;
  const std::int64_t* ids;
  std::size_t n;
  Real* y;
  HD void at(std::size_t i) const { y[i] = Real(x[std::size_t(ids[i / n]) * n + i % n]); }
};

template <class Number, class Real>
DeviceError gather(const void* x, const std::int64_t* ids, std::size_t rows, std::size_t n, void* y) {
  return for_each(Gather<Number, Real>{static_cast<const Number*>(x), ids, n, static_cast<Real*>(y)}, rows * n);
}

template <class Real> struct Rescale {
  const Real* x;
  Real scale, offset;
  Real* y;
  HD void at(std::size_t i) const { y[i] = scale * x[i] + offset; }
};

template <class Real> struct Fill {
  Real value;
  Real* y;
  HD void at(std::size_t i) const { y[i] = value; }
};

/// A bias and an activation: of one element, or of one row.
template <class Activation, class Real> struct Activate {
  Activation f;
  const Real *x, *bias;
  std::size_t n;
  Real *z, *y;

  HD void at(std::size_t i) const {
    if constexpr (Activation::rowwise) {
      for (std::size_t j = i * n; j < (i + 1) * n; ++j) {
        const Real sum = bias ? x[j] + bias[j - i * n] : x[j];
        y[j] = sum;
        if (z) z[j] = sum;
      }
      f.forward(y + i * n, y + i * n, n);
    } else {
      const Real sum = bias ? x[i] + bias[i % n] : x[i];
      if (z) z[i] = sum;
      y[i] = f.value(sum);
    }
  }
};

template <class Activation, class Real> struct ActivationGrad {
  Activation f;
  const Real *z, *y;
  std::size_t n;
  Real* dy;

  HD void at(std::size_t i) const {
    const Real* const x = Activation::uses_input ? z : y;  // where the input is not used it was not kept
    if constexpr (Activation::rowwise)
      f.backward(x + i * n, y + i * n, dy + i * n, dy + i * n, n);
    else
      dy[i] = dy[i] * f.derivative(x[i], y[i]);
  }
};

template <class Activation> constexpr std::size_t threads_of(std::size_t rows, std::size_t n) {
  return Activation::rowwise ? rows : rows * n;
}

template <class Activation, class Real>
DeviceError forward(const double* settings, const void* x, const void* bias, std::size_t rows, std::size_t n, void* z,
                    void* y) {
  const Activate<Activation, Real> body{with_settings<Activation>(settings),
                                        static_cast<const Real*>(x),
                                        static_cast<const Real*>(bias),
                                        n,
                                        static_cast<Real*>(z),
                                        static_cast<Real*>(y)};
  return for_each(body, threads_of<Activation>(rows, n));
}

template <class Activation, class Real>
DeviceError backward(const double* settings, const void* z, const void* y, std::size_t rows, std::size_t n, void* dy) {
  const ActivationGrad<Activation, Real> body{with_settings<Activation>(settings), static_cast<const Real*>(z),
                                              static_cast<const Real*>(y), n, static_cast<Real*>(dy)};
  return for_each(body, threads_of<Activation>(rows, n));
}

struct OfActivation {
  bool uses_input;
  DeviceError (*forward[2])(const double*, const void*, const void*, std::size_t, std::size_t, void*, void*);
  DeviceError (*backward[2])(const double*, const void*, const void*, std::size_t, std::size_t, void*);
};
template <class... All> constexpr auto rows_of(TypeList<All...>) {
  return std::array<OfActivation, sizeof...(All)>{OfActivation{
      All::uses_input, {forward<All, float>, forward<All, double>}, {backward<All, float>, backward<All, double>}}...};
}
constexpr auto table = rows_of(Activations{});

const OfActivation& of(const ActivationUse& activation) { return table[std::size_t(activation.index)]; }

/// The columns of a row that have one counter.
template <class Real> struct Dropped {
  const Real* x;
  std::size_t n, quarter;
  const std::int64_t* ids;
  Draw draw;
  Real* y;

  HD void at(std::size_t i) const {
    const std::size_t row = i / quarter, counter = i % quarter;
    const auto words = draw_four(counter, std::uint64_t(ids[row]), draw);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t j = k * quarter + counter;
      if (j < n) y[row * n + j] = keep(x[row * n + j], words[k], Real(draw.scale), draw);
    }
  }
};

}  // namespace

DeviceError device_gather(Dtype real, const void* x, Source source, const std::int64_t* ids, std::size_t rows,
                          std::size_t n, void* y) noexcept {
  return with_real(real, [&](auto zero) {
    using Real = decltype(zero);
    switch (source) {
      case Source::f32:
        return gather<float, Real>(x, ids, rows, n, y);
      case Source::u8:
        return gather<std::uint8_t, Real>(x, ids, rows, n, y);
      case Source::i32:
        return gather<std::int32_t, Real>(x, ids, rows, n, y);
      case Source::i64:
        return gather<std::int64_t, Real>(x, ids, rows, n, y);
      default:
        return gather<double, Real>(x, ids, rows, n, y);
    }
  });
}

DeviceError device_rescale(Dtype real, const void* x, double scale, double offset, std::size_t n, void* y) noexcept {
  return with_real(real, [&](auto zero) {
    using Real = decltype(zero);
    return for_each(Rescale<Real>{static_cast<const Real*>(x), Real(scale), Real(offset), static_cast<Real*>(y)}, n);
  });
}

DeviceError device_ones(Dtype real, std::size_t n, void* y) noexcept {
  return with_real(real, [&](auto zero) {
    using Real = decltype(zero);
    return for_each(Fill<Real>{1, static_cast<Real*>(y)}, n);
  });
}

bool device_uses_input(const ActivationUse& activation) noexcept { return of(activation).uses_input; }

DeviceError device_activate(Dtype real, const ActivationUse& activation, const void* x, const void* bias,
                            std::size_t rows, std::size_t n, void* z, void* y) noexcept {
  return of(activation).forward[int(real)](activation.settings.data(), x, bias, rows, n, z, y);
}

DeviceError device_activation_grad(Dtype real, const ActivationUse& activation, const void* z, const void* y,
                                   std::size_t rows, std::size_t n, void* dy) noexcept {
  return of(activation).backward[int(real)](activation.settings.data(), z, y, rows, n, dy);
}

DeviceError device_drop(Dtype real, const void* x, std::size_t rows, std::size_t n, const std::int64_t* ids,
                        const Draw& draw, void* y) noexcept {
  return with_real(real, [&](auto zero) {
    using Real = decltype(zero);
    const std::size_t quarter = quarter_of(n);
    const Dropped<Real> body{static_cast<const Real*>(x), n, quarter, ids, draw, static_cast<Real*>(y)};
    return for_each(body, rows * quarter);
  });
}

}  // namespace gs
