// Memory aligned to 64 bytes, so that vectors of any width never straddle a cache line; in huge pages where it is
// large, so that a sweep over it does not wait for address translations.
#pragma once

#include <cstddef>
#include <utility>

namespace gs {

inline constexpr std::size_t alignment = 64;

/// n elements of T, rounded up to a multiple of the alignment.
template <class T> constexpr std::size_t align(std::size_t n) {
  constexpr std::size_t step = alignment / sizeof(T);
  return (n + step - 1) / step * step;
}

/// Zeros; throws std::bad_alloc. To be released with the same size.
void* allocate(std::size_t bytes);
void release(void* memory, std::size_t bytes) noexcept;

/// n elements, zeros. Owns them; moves, does not copy.
template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) : data_(static_cast<T*>(allocate(n * sizeof(T)))), bytes_(n * sizeof(T)) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() { release(data_, bytes_); }

  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace gs
