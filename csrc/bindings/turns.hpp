// The bindings in free-threaded Python, which has no lock of the interpreter that they could count on.
#pragma once

#include <pybind11/critical_section.h>
#include <pybind11/pybind11.h>

#include <type_traits>
#include <utility>

namespace gs {

namespace py = pybind11;

/// In free-threaded Python one thread at a time has a turn. As with the interpreter's lock, a thread gives it up while
/// it waits or works without the interpreter (`released`), and has it again after: what is checked and marked with no
/// such work between is not torn. With the interpreter's lock: nothing.
class Turn {
 public:
  Turn() : section_(shared_) {}
  Turn(const Turn&) = delete;
  /// Once, when the module is imported.
  static void prepare() { shared_ = py::module_::import("builtins").attr("object")().release(); }

 private:
  inline static py::handle shared_;
  const py::scoped_critical_section section_;
};

/// pybind11's class_, each of whose methods and properties is called in a turn: for objects that threads may share.
template <class T, class... Options> class SharedClass {
 public:
  template <class... Extra>
  SharedClass(py::module_& m, const char* name, const Extra&... extra) : class_(m, name, extra...) {}

  template <class F, class... Extra> SharedClass& def(const char* name, F&& f, const Extra&... extra) {
    class_.def(name, std::forward<F>(f), turn(), extra...);
    return *this;
  }
  /// init: what py::init gives
  template <class Init, class... Extra>
  std::enable_if_t<!std::is_convertible_v<Init, const char*>, SharedClass&> def(Init&& init, const Extra&... extra) {
    class_.def(std::forward<Init>(init), turn(), extra...);
    return *this;
  }
  template <class Get> SharedClass& def_property_readonly(const char* name, Get get) {
    class_.def_property_readonly(name, getter(get));
    return *this;
  }
  template <class Get, class Set> SharedClass& def_property(const char* name, Get get, Set set) {
    class_.def_property(name, getter(get), py::cpp_function(py::method_adaptor<T>(set), py::is_setter(), turn()));
    return *this;
  }
  template <class Value> SharedClass& def_readwrite(const char* name, Value T::* member) {
    return def_property(
        name, [member](const T& self) { return self.*member; },
        [member](T& self, const Value& value) { self.*member = value; });
  }

 private:
  static py::call_guard<Turn> turn() { return {}; }
  template <class Get> static py::cpp_function getter(Get get) {
    return py::cpp_function(py::method_adaptor<T>(get), turn());
  }
  py::class_<T, Options...> class_;
};

}  // namespace gs
