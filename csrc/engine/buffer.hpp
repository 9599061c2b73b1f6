// Memory on a 64-byte border: vectors of any width then never straddle a cache line.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace gs {

inline constexpr std::size_t border = 64;

/// n rounded up to whole borders of T.
template <class T> constexpr std::size_t on_border(std::size_t n) {
  constexpr std::size_t step = border / sizeof(T);
  return (n + step - 1) / step * step;
}

/// n elements, uninitialised. Owns them; moves, does not copy.
template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) : data_(static_cast<T*>(std::aligned_alloc(border, on_border<T>(n + 1) * sizeof(T)))) {
    if (!data_) throw std::bad_alloc();
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

}  // namespace gs
