// Which values leave their memory to gradients.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "layers/backward_reads.hpp"
#include "train/plan/plan.hpp"

namespace gs {

template <class Real> std::vector<bool> Plan<Real>::find_users() {
  const std::size_t inputs = network_.inputs.size(), count = network_.nodes.size();
  std::vector<bool> is_done(count + 1);
  for (std::size_t k = 0; k < count; ++k) {
    const Value& value = values_[inputs + k];
    users_[value.content.matrix.at].push_back(k);
    users_[value.y.at].push_back(k);
    for (const std::size_t input : nodes_[k].inputs) users_[values_[input].content.matrix.at].push_back(k);
    is_done[k] = !goes_back(k);
  }
  for (const std::size_t output : network_.outputs) users_[values_[output].content.matrix.at].push_back(count);
  for (const std::size_t mask : network_.masks)
    if (mask != Network<Real>::no_mask) users_[values_[mask].content.matrix.at].push_back(count);
  return is_done;
}

template <class Real> void Plan<Real>::reuse(const std::vector<bool>& is_done) {
  for (std::size_t v = network_.inputs.size(); v < values_.size(); ++v) {
    Value& value = values_[v];
    if (value.root != v || !value.is_made || value.is_reused || value.y.size() < Slots<Real>::much) continue;
    const std::vector<std::size_t>& users = users_[value.y.at];
    value.is_reused = std::all_of(users.begin(), users.end(), [&](std::size_t user) { return is_done[user]; });
    if (value.is_reused) slots_.adopt(value.y.at, value.y.size());
  }
}

template <class Real> void Plan<Real>::reuse_unread() {
  std::unordered_set<const Real*> read;
  const auto note = [&](std::size_t value) { read.insert(values_[value].content.matrix.at); };
  for (std::size_t k = 0; k < network_.nodes.size(); ++k) {
    if (!goes_back(k)) continue;
    const BackwardReads reads = visit_layer(layer_of(k), [](const auto& layer) { return backward_reads(layer); });
    if (reads.y) note(network_.inputs.size() + k);
    for (const std::size_t input : nodes_[k].inputs)
      if (reads.x) note(input);
  }
  for (const std::size_t output : network_.outputs) note(output);
  for (const std::size_t mask : network_.masks)
    if (mask != Network<Real>::no_mask) note(mask);
  for (Value& value : values_) {
    if (!value.is_made || !value.y || value.content.matrix.at != value.y.at) continue;
    value.is_reused = value.y.size() >= Slots<Real>::much && !read.count(value.y.at);
    if (value.is_reused) slots_.adopt(value.y.at, value.y.size(), 0);
  }
}

template std::vector<bool> Plan<float>::find_users();
template void Plan<float>::reuse(const std::vector<bool>&);
template void Plan<float>::reuse_unread();
template std::vector<bool> Plan<double>::find_users();
template void Plan<double>::reuse(const std::vector<bool>&);
template void Plan<double>::reuse_unread();

}  // namespace gs
