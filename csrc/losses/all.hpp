// Every loss and accuracy: the only list in C++.
#pragma once

#include "core/describe.hpp"
#include "layers/activation.hpp"
#include "losses/accuracy.hpp"
#include "losses/classification.hpp"
#include "losses/regression.hpp"
#include "losses/row.hpp"

namespace gs {

/// A loss as the engine sees it. OfOutputs, OfLogits: how a row is scored. labels: targets are class numbers, not rows.
/// Absorbs: the last activation that OfLogits already contains, so that the network may stop before it.
template <class OfOutputs_, class OfLogits_, class Absorbs_> struct Loss {
  using OfOutputs = OfOutputs_;
  using OfLogits = OfLogits_;
  using Absorbs = Absorbs_;
  static constexpr bool labels = false;
};

template <class Term> struct TermLoss : Loss<MeanOverRow<Term>, MeanOverRow<Term>, void> {
  static constexpr const char* name = Term::name;
};
struct BinaryLoss : Loss<MeanOverRow<BinaryCrossentropy>, MeanOverRow<BinaryCrossentropyOfLogits>, Sigmoid> {
  static constexpr const char* name = BinaryCrossentropy::name;
};
struct CategoricalLoss : Loss<CategoricalCrossentropy, CategoricalCrossentropyOfLogits, Softmax> {
  static constexpr const char* name = CategoricalCrossentropy::name;
};
struct SparseCategoricalLoss : CategoricalLoss {
  static constexpr const char* name = "sparse_categorical_crossentropy";
  static constexpr bool labels = true;
};
using Losses = TypeList<TermLoss<MeanSquaredError>, TermLoss<MeanAbsoluteError>, BinaryLoss, CategoricalLoss,
                        SparseCategoricalLoss>;

template <class Score_, bool labels_> struct Accuracy {
  using Score = Score_;
  static constexpr bool labels = labels_;
  static constexpr const char* name = Score::name;
};
struct SparseCategoricalAccuracy : Accuracy<CategoricalAccuracy, true> {
  static constexpr const char* name = "sparse_categorical_accuracy";
};
using Accuracies =
    TypeList<Accuracy<BinaryAccuracy, false>, Accuracy<CategoricalAccuracy, false>, SparseCategoricalAccuracy>;

}  // namespace gs
