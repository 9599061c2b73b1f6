// Vectors of n doubles that points and methods share. Those that nobody uses any more are used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "kernels/minimize/vectors.hpp"
#include "runtime/buffer.hpp"

namespace gs::minimize {

/// A vector of a pool, or none. Whoever makes one writes it; after that it is only read. For one thread at a time.
class Vector {
 public:
  Vector() = default;
  Vector(const Vector& other) : at_(other.at_) {
    if (at_) ++at_->users;
  }
  Vector(Vector&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  Vector& operator=(Vector other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~Vector() {
    if (at_ && --at_->users == 0) release();
  }

  explicit operator bool() const { return at_; }
  bool operator==(const Vector& other) const { return at_ == other.at_; }
  double* data() const { return reinterpret_cast<double*>(reinterpret_cast<char*>(at_) + sizeof(Block)); }
  double& operator[](std::size_t i) const { return data()[i]; }

  /// What whoever uses the pool keeps with a vector: null at first.
  void*& tag() const { return at_->tag; }

 private:
  friend class Vectors;
  struct Pool;
  struct alignas(64) Block {
    Pool* pool;
    std::int64_t users;
    void* tag;
    std::size_t before;  // bytes of its memory in front of it
  };
  struct Pool {
    std::size_t size;  // doubles, a multiple of `vector_lanes`, with zeros behind the n numbers
    void (*drop)(void*);
    std::vector<Block*> spare{};
    std::size_t blocks = 0;
    bool closed = false;
    // Long vectors begin at different places of a page, and of what a cache holds: many are read side by side.
    static constexpr std::size_t is_long = 1 << 16, apart = 4096 + 256, places = 32;
    std::size_t room() const { return size < is_long ? 0 : (places - 1) * apart; }
    std::size_t bytes() const { return room() + sizeof(Block) + size * sizeof(double); }
    void free(Block* block) { gs::release(reinterpret_cast<char*>(block) - block->before, bytes()); }
  };
  explicit Vector(Block* at) : at_(at) {}

  void release() {
    Pool* const pool = at_->pool;
    if (at_->tag) pool->drop(std::exchange(at_->tag, nullptr));
    if (!pool->closed) return pool->spare.push_back(at_);
    pool->free(at_);
    if (--pool->blocks == 0) delete pool;
  }

  Block* at_ = nullptr;
};

/// A pool of vectors. A vector that is still in use keeps its memory when the pool is destroyed.
class Vectors {
 public:
  /// drop: what is done with a tag that is not needed any more.
  explicit Vectors(std::size_t n, void (*drop)(void*) = nullptr) : pool_(new Vector::Pool{align<double>(n), drop}) {}
  ~Vectors() {
    pool_->closed = true;
    for (Vector::Block* block : pool_->spare) pool_->free(block);
    pool_->blocks -= pool_->spare.size();
    pool_->spare.clear();
    if (pool_->blocks == 0) delete pool_;
  }
  Vectors(const Vectors&) = delete;

  /// A vector for its maker to write; zeros if it was never used.
  Vector make() {
    if (pool_->spare.empty()) grow();
    Vector::Block* const block = pool_->spare.back();
    pool_->spare.pop_back();
    block->users = 1;
    return Vector(block);
  }

  /// Doubles of each, the zeros at the end included.
  std::size_t size() const { return pool_->size; }

 private:
  void grow() {
    const std::size_t before = pool_->room() ? pool_->blocks % Vector::Pool::places * Vector::Pool::apart : 0;
    void* const at = static_cast<char*>(allocate(pool_->bytes())) + before;
    pool_->spare.push_back(new (at) Vector::Block{pool_, 0, nullptr, before});
    ++pool_->blocks;
  }

  Vector::Pool* const pool_;
};

}  // namespace gs::minimize
