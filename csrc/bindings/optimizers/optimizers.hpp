// The optimizer as Python holds it: the engine's, plus references that keep its arrays alive.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "update/optimizer.hpp"

namespace gs {

class PyOptimizer {
 public:
  PyOptimizer(const std::string& rule, const std::map<std::string, double>& values, const py::dict& options);

  double get(const std::string& field, std::size_t group) const;
  void set(const std::string& field, double value, std::size_t group);

  /// From now on a field's values come from make(first, count): at least `count` of them, for the steps taken after
  /// `first` others.
  void schedule(const std::string& field, py::object make, std::size_t group);

  /// A group of parameters with values of its own for these fields; its number.
  std::size_t add_group(const std::map<std::string, double>& values);
  /// Forgets the groups after the first `length`, which hold no parameters.
  void truncate_groups(std::size_t length);
  bool is_own(const std::string& field, std::size_t group) const;
  /// Has the values of such fields ready for this many steps; throws if one is out of bounds. To be called while Busy,
  /// for making them runs Python code.
  void prepare(std::size_t steps) {
    for (std::size_t i = 0; i < sources_.size(); ++i) prepare(i, std::int64_t(steps));
  }

  /// groups, decays, fallbacks: an element a parameter, or none: the first group, true, false. fallbacks: whether it
  /// counts as no matrix for a rule that makes matrices orthogonal. layers: inputs and outputs of its Dense layer, for
  /// a rule that finds the curvature of those (Parameter).
  std::vector<std::size_t> add(const std::vector<py::object>& arrays, const std::vector<std::string>& labels,
                               const std::vector<std::size_t>& groups, const std::vector<bool>& decays,
                               const std::vector<bool>& fallbacks,
                               const std::vector<std::pair<std::size_t, std::size_t>>& layers);
  /// Forgets the parameters after the first `length`, and their state.
  void truncate(std::size_t length);
  std::ptrdiff_t find(const py::array& array) const;
  /// Whether nobody but its optimizer holds an array, or the memory that it is a view of; held: how often that does.
  bool is_abandoned(std::size_t index, std::size_t held) const;
  /// Goes on with another array of the same shape and dtype in the place of one.
  void replace(std::size_t index, const py::array& array, const std::string& label);
  py::dict state(std::size_t index) const;
  /// A copy of one of the rule's slots of a parameter, as numbers, whatever it is kept in.
  py::array numbers(std::size_t index, const std::string& slot) const;

  /// Throws if the array has been resized, reshaped, reallocated, made read-only or given another dtype since.
  void check_unmoved(std::size_t index, const std::string& label) const;
  /// The parameter, if a gradient is one of those that steps mostly get: of its shape and dtype, in C order, away from
  /// all parameters; and itself in C order where it was. Null: `check_unmoved` and `check_gradient` say what is wrong,
  /// if anything is. gradient: a numpy array.
  const Parameter* fitting(std::size_t index, PyObject* gradient);
  /// Whether an array is, element for element, one that is updated.
  bool is_itself(std::size_t index, const py::array& array) const;
  /// Throws unless the gradient fits the parameter and overlaps none; its type.
  Dtype check_gradient(const Parameter& parameter, const py::array& gradient, const std::string& label) const;

  /// Throws unless a row-sparse gradient fits the parameter and this optimizer; rows and values as RowSparse has them.
  std::unique_ptr<RowGradient> check_rows(const Parameter& parameter, const py::object& shape, const py::array& rows,
                                          const py::array& values, const std::string& label) const;
  /// Brings all rows of all parameters up to date, as `engine.step` does where it must.
  void flush();
  /// The same for some rows of one.
  void flush_rows(std::size_t index, const py::array& rows);

  /// While one is alive another thread may hold the interpreter, but not step or add.
  class Busy {
   public:
    explicit Busy(PyOptimizer& optimizer) : flag_(optimizer.busy_) { flag_ = true; }
    ~Busy() { flag_ = false; }
    Busy(const Busy&) = delete;

   private:
    bool& flag_;
  };
  /// Throws if it is in the middle of a step, or halted.
  void check_idle() const;

  /// Of a parameter: no other of this optimizer has had it, though another may come to the same place.
  std::uint64_t serial(std::size_t index) const { return serials_.at(index); }
  std::uint64_t forgotten() const { return forgotten_; }  // how often parameters were

  std::string halted;  // why no step may be taken now; empty: one may
  Optimizer engine;
  std::deque<Parameter> parameters;                                   // runs point to them while others are added
  std::vector<py::array> arrays;                                      // (parameter)
  std::vector<std::vector<std::pair<std::string, py::array>>> slots;  // (parameter): names and arrays of the state

 private:
  void check_new(const std::vector<py::object>& arrays, const std::vector<std::string>& labels) const;
  struct Extent {
    const std::byte *first, *last;
    std::size_t index;
  };
  const FieldInfo& field(const std::string& name, std::size_t& at) const;
  const Group& group(std::size_t index) const;
  std::vector<Wanted> wanted_state(const Parameter& parameter) const;
  void prepare(std::size_t table, std::int64_t steps);
  /// Whether memory is that of no parameter, nor between the elements of one.
  bool is_apart(const std::byte* first, const std::byte* last) const;
  /// Sorts the extents, and makes the parameters anew as `fitting` sees them.
  void arrange();
  /// The first parameter that the array overlaps; -1 if there is none.
  std::ptrdiff_t overlapped(const py::array& array) const;

  // Where engine.hyperparameter_tables[i] comes from, and how many of its values, the first ones, are within bounds.
  struct Source {
    py::object make;
    std::int64_t good;
  };
  std::vector<Source> sources_;

  std::vector<std::uint64_t> serials_;  // (parameter)
  std::uint64_t registered_ = 0, forgotten_ = 0;
  std::vector<py::dtype> dtypes_;  // (parameter): the objects, which are compared faster than what they say
  bool busy_ = false;
  std::vector<Extent> extents_;  // of the parameters, by first address

  // What a step looks at of a parameter, side by side: hundreds of small arrays are a matter of cache lines.
  struct Place {
    PyObject* array;
    const std::byte* data;
    PyObject* dtype;
    const std::byte* apart;  // a gradient that is known to be away from all parameters
    const Parameter* parameter;
    std::size_t bytes;
    int axes;  // -1: `fitting` takes none
    std::int64_t shape[4];
  };
  std::vector<Place> places_;  // (parameter)
  std::size_t longest_ = 0;    // of any extent so far, in bytes: how far back an overlap can begin
};

/// Parameters of an optimizer that are updated again and again.
class Places {
 public:
  Places(const PyOptimizer& optimizer, std::vector<std::size_t> indices);
  /// Throws if the optimizer has forgotten one of them since: what was known of it is gone.
  void check(const PyOptimizer& optimizer) {
    if (optimizer.forgotten() != seen_) look(optimizer);
  }
  const std::vector<std::size_t> indices;

 private:
  void look(const PyOptimizer& optimizer);
  std::vector<std::uint64_t> serials_;
  std::uint64_t seen_;
};
bool has_shape(const py::array& array, const Layout& layout);
/// Throws unless there is a gradient for each parameter.
void check_gradient_count(std::size_t given, std::size_t parameters);
/// Throws unless the array can be updated in place; its type.
Dtype check_parameter(const py::array& array, const std::string& name);

/// Raises Python's FloatingPointError.
[[noreturn]] void throw_nonfinite(const std::string& gradient, const Optimizer& optimizer);

}  // namespace gs
