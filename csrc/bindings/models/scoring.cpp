#include "bindings/models/scoring.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "bindings/optimizers/fields.hpp"
#include "train/outputs/scores.hpp"

namespace gs {
namespace {

template <class T> const T* data_or_null(const py::object& array) {
  return array.is_none() ? nullptr : reinterpret_cast<const T*>(bytes(py::reinterpret_borrow<py::array>(array)));
}

py::object check_length(const py::object& array, const char* name, std::size_t rows) {
  if (std::size_t(py::len(array)) != rows)
    throw py::value_error(std::string(name) + " must have a number for each of " + std::to_string(rows) +
                          " rows; got " + std::to_string(py::len(array)) + ".");
  return array;
}

}  // namespace

Reduction parse_reduction(const std::string& name) {
  static const std::map<std::string, Reduction> words{{"sum_over_batch_size", Reduction::mean},
                                                      {"mean", Reduction::mean},
                                                      {"sum", Reduction::sum},
                                                      {"none", Reduction::sum},
                                                      {"mean_with_sample_weight", Reduction::mean_of_weights}};
  const auto found = words.find(name);
  if (found == words.end()) throw py::value_error("reduction cannot be " + name + ".");
  return found->second;
}

LossUse parse_loss(const py::dict& given) {
  const auto kind = given["kind"].cast<std::string>();
  LossUse loss;
  loss.info = &find_score(kind, true);
  std::set<std::string> known{"kind", "of_logits", "reduction", "factor"};
  for (const FieldInfo& f : loss.info->fields) {
    loss.settings.push_back(given.contains(f.name) ? given[f.name].cast<double>() : f.start);
    check_field(f, loss.settings.back());
    known.insert(f.name);
  }
  for (const auto& item : given)
    if (const auto name = item.first.cast<std::string>(); !known.count(name))
      throw py::type_error(kind + " has no setting " + name + ".");
  if (given.contains("factor")) loss.factor = given["factor"].cast<double>();
  if (given.contains("of_logits")) loss.of_logits = given["of_logits"].cast<bool>();
  if (loss.of_logits && !loss.info->has_logits) throw py::value_error(kind + " knows no logits.");
  if (given.contains("reduction")) loss.reduction = parse_reduction(given["reduction"].cast<std::string>());
  return loss;
}

Scoring parse_scoring(const py::handle& loss, const std::vector<std::string>& metrics) {
  Scoring scoring;
  if (PyCallable_Check(loss.ptr()))
    scoring.by_caller = true;
  else if (!loss.is_none())
    scoring.loss = parse_loss(loss.cast<py::dict>());
  for (const std::string& name : metrics) {
    scoring.metrics.push_back(&find_score(name, false));
    const ScoreInfo* const first = scoring.loss.info ? scoring.loss.info : scoring.metrics[0];
    if (scoring.metrics.back()->labels() != first->labels())
      throw py::value_error("metric " + name + " and " + first->name +
                            " must take the same targets; one takes class labels, the other rows of numbers.");
  }
  return scoring;
}

void throw_bad_label(const std::string& name, std::int64_t row, std::int64_t label, std::size_t n) {
  throw py::value_error(name + "[" + std::to_string(row) + "] is " + std::to_string(label) +
                        "; labels must be in [0, " + std::to_string(n) + "), one for each output.");
}

Targets check_targets(py::handle y, const std::string& name, const Scoring& scoring, Dtype dtype, const Shape& shape) {
  const std::size_t n = last_of(shape), parts = rows_of(shape);
  if (!scoring.loss.info && scoring.metrics.empty()) {
    py::array array = as_array(y, name);
    if (array.ndim() == 0) throw py::value_error(name + " must have rows.");
    return {array, bytes(array), 0, std::size_t(array.shape(0))};
  }
  if (!scoring.labels()) {
    const auto columns = std::int64_t(n * parts);
    py::array array = dtype == Dtype::f32 ? check_rows<float>(y, name, columns) : check_rows<double>(y, name, columns);
    return {array, bytes(array), n * parts * item_size(dtype), std::size_t(array.shape(0))};
  }
  py::array array = check_rows<std::int64_t>(y, name, parts == 1 ? -1 : std::int64_t(parts));
  const auto* label = reinterpret_cast<const std::int64_t*>(bytes(array));
  for (py::ssize_t i = 0; i < array.size(); ++i)
    if (!scoring.admits(label[i], n)) throw_bad_label(name, i / py::ssize_t(parts), label[i], n);
  return {array, bytes(array), parts * sizeof(std::int64_t), std::size_t(array.shape(0))};
}

RowWeights::RowWeights(const py::object& weights, const py::object& mask, std::size_t rows)
    : weights_(weights), mask_(mask) {
  if (!weights.is_none()) check_length(check_rows<double>(weights, "weights", -1), "weights", rows);
  if (!mask.is_none()) check_length(check_rows<bool>(mask, "mask", -1), "mask", rows);
  for (const py::object& array : {weights, mask})
    if (!array.is_none()) pins_.push_back(pinned(py::reinterpret_borrow<py::array>(array)));
}

const double* RowWeights::weights_data() const { return data_or_null<double>(weights_); }
const std::uint8_t* RowWeights::mask_data() const { return data_or_null<std::uint8_t>(mask_); }

}  // namespace gs
