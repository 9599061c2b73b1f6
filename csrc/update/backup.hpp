// What a step changes, kept so that it can be put back where its numbers overflow.
#pragma once

#include <cstddef>
#include <vector>

#include "update/optimizer.hpp"

namespace gs {

/// Copies of the weights and state of some parameters, and of the scalars of their optimizer.
class Backup {
 public:
  Backup(Optimizer& optimizer, const std::vector<ParamGrad>& grads);

  /// The first gradient since whose step a weight or a number of its state is infinite or NaN that was finite; their
  /// number if there is none.
  std::size_t overflowed() const;
  void restore() const;

 private:
  enum class Kind { numbers, codes, scales };
  struct Copy {
    std::size_t grad;
    Kind kind;
    Dtype dtype;  // of numbers
    std::byte* from;
    const Layout* layout;  // null: side by side
    std::size_t count, item;
    std::vector<std::byte> bytes;
  };
  void keep(std::size_t grad, Kind kind, Dtype dtype, void* from, std::size_t count, const Layout* layout = nullptr);
  static std::vector<std::byte> read(const Copy& copy);

  std::vector<Copy> copies_;
  const std::size_t grads_;
};

}  // namespace gs
