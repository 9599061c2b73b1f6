// The fields of a rule or a loss with their types erased.
#pragma once

namespace gs {

struct FieldInfo {
  const char* name;
  const char* doc;
  double start, low, high;
  bool low_open, high_open;

  /// False for NaN.
  bool admits(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
};

/// defaults: an object of the field's owner.
template <class Owner, class F> FieldInfo info(const Owner& defaults, const F& f) {
  return {f.name, f.doc, defaults.*f.member, f.low, f.high, f.low_open, f.high_open};
}

}  // namespace gs
