#include "update/backup.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/dispatch.hpp"
#include "update/factored.hpp"

namespace gs {
namespace {

double number(Dtype dtype, const std::byte* at) {
  double x = 0;
  if (dtype == Dtype::f64)
    std::memcpy(&x, at, sizeof x);
  else if (dtype == Dtype::f32)
    x = double(*reinterpret_cast<const float*>(at));
  else
    decode<double>(dtype, at, &x, 1);
  return x;
}

}  // namespace

Backup::Backup(Optimizer& optimizer, const std::vector<ParamGrad>& grads) : grads_(grads.size()) {
  const Rule& rule = optimizer.rule;
  const Storage storage = optimizer.options.storage;
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Parameter& p = *grads[i].parameter;
    const std::size_t size = p.layout.size;
    keep(i, Kind::numbers, p.dtype, p.data, size, p.layout.contiguous ? nullptr : &p.layout);
    for (std::size_t s = 0; s < p.state.size(); ++s) {
      std::size_t count = size;
      if (rule.factored && s < rule.slots.size()) {
        count = 1;
        for (const std::int64_t n : factor_shape(p.layout.shape, s)) count *= std::size_t(n);
      }
      if (p.is_matrix && s == 1 && (rule.orthogonal || rule.has_factors())) count = 0;
      if (rule.has_factors() && s > 1 && s < rule.slots.size()) count = 0;  // which a step does not write
      const bool less = s < rule.slots.size() && storage != Storage::real;
      keep(i, less && storage == Storage::int8 ? Kind::codes : Kind::numbers, less ? Dtype::bf16 : real_of(p.dtype),
           p.state[s], count);
    }
    for (float* const scales : p.scales)
      keep(i, Kind::scales, Dtype::f32, scales, (size + scale_block - 1) / scale_block);
    for (double* const scalar : p.scalars) keep(i, Kind::numbers, Dtype::f64, scalar, 1);
  }
  if (!grads.empty()) keep(0, Kind::numbers, Dtype::f64, optimizer.scalars.data(), optimizer.scalars.size());
}

void Backup::keep(std::size_t grad, Kind kind, Dtype dtype, void* from, std::size_t count, const Layout* layout) {
  const std::size_t item = kind == Kind::codes ? 1 : item_size(dtype);
  copies_.push_back({grad, kind, dtype, static_cast<std::byte*>(from), layout, count, item, {}});
  copies_.back().bytes = read(copies_.back());
}

std::vector<std::byte> Backup::read(const Copy& copy) {
  std::vector<std::byte> bytes(copy.count * copy.item);
  if (copy.count == 0) return bytes;
  if (copy.layout)
    gather(*copy.layout, copy.from, copy.item, 0, copy.count, bytes.data());
  else
    std::memcpy(bytes.data(), copy.from, bytes.size());
  return bytes;
}

std::size_t Backup::overflowed() const {
  for (const Copy& copy : copies_) {
    if (copy.kind == Kind::codes) continue;  // their scales say it
    const std::vector<std::byte> now = read(copy);
    for (std::size_t i = 0; i < now.size(); i += copy.item) {
      const double x = number(copy.dtype, &now[i]), before = number(copy.dtype, &copy.bytes[i]);
      const auto good = [&](double value) { return std::isfinite(value) && (copy.kind != Kind::scales || value >= 0); };
      if (!good(x) && good(before)) return copy.grad;
    }
  }
  return grads_;
}

void Backup::restore() const {
  for (const Copy& copy : copies_) {
    if (copy.count == 0) continue;
    if (copy.layout)
      scatter(*copy.layout, copy.from, copy.item, 0, copy.count, copy.bytes.data());
    else
      std::memcpy(copy.from, copy.bytes.data(), copy.bytes.size());
  }
}

}  // namespace gs
