// The order of the rows of a pass, which loops that go together share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace gs {

class RowOrder {
 public:
  RowOrder(std::vector<std::int64_t> rows = {})
      : rows_(std::make_shared<const std::vector<std::int64_t>>(std::move(rows))), at_(rows_->data()) {}

  std::size_t size() const { return rows_->size(); }
  bool empty() const { return rows_->empty(); }
  const std::int64_t* data() const { return at_; }
  std::int64_t operator[](std::size_t i) const { return at_[i]; }
  bool operator==(const RowOrder& other) const { return rows_ == other.rows_ || *rows_ == *other.rows_; }

 private:
  std::shared_ptr<const std::vector<std::int64_t>> rows_;
  const std::int64_t* at_;
};

}  // namespace gs
