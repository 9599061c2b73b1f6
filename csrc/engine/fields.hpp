// The fields of a rule or a loss with their types erased.
#pragma once

namespace gs {

struct FieldInfo {
  const char* name;
  const char* doc;
  double start, low, high;
  bool low_open, high_open;
};

/// defaults: an object of the field's owner.
template <class Owner, class F> FieldInfo info(const Owner& defaults, const F& f) {
  return {f.name, f.doc, defaults.*f.member, f.low, f.high, f.low_open, f.high_open};
}

bool in_range(const FieldInfo& field, double value);

/// Throws std::invalid_argument if the value is out of the field's range or not a number.
void check_field(const FieldInfo& field, double value);

}  // namespace gs
