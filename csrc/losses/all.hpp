// Every loss and accuracy: the only list in C++.
#pragma once

#include "activations/all.hpp"
#include "core/describe.hpp"
#include "losses/accuracy.hpp"
#include "losses/classification.hpp"
#include "losses/divergence.hpp"
#include "losses/focal.hpp"
#include "losses/margin.hpp"
#include "losses/overlap.hpp"
#include "losses/regression.hpp"
#include "losses/row.hpp"
#include "losses/similarity.hpp"

namespace gs {

/// What targets are: rows of numbers; or a number a row, of one of the classes that the outputs are for, or any.
enum class TargetKind { numbers, classes, labels };

/// A loss and what the training loop knows of it. OfOutputs, OfLogits: how rows are scored. Absorbs: the last
/// activation that OfLogits already contains, so that the network may stop before it.
template <class OfOutputs_, class OfLogits_, class Absorbs_ = void, TargetKind kind = TargetKind::numbers>
struct Loss : OfOutputs_ {
  using OfOutputs = OfOutputs_;
  using OfLogits = OfLogits_;
  using Absorbs = Absorbs_;
  static constexpr TargetKind targets = kind;
};
/// A loss that knows no logits.
template <class Form, TargetKind kind = TargetKind::numbers> using LossOf = Loss<Form, Form, void, kind>;

/// Those of most models, in loops for each instruction set.
using CommonLosses = TypeList<
    LossOf<MeanOverRow<MeanSquaredError>>, LossOf<MeanOverRow<MeanAbsoluteError>>, LossOf<MeanOverRow<Huber>>,
    LossOf<Hinge>, LossOf<SquaredHinge>, LossOf<CategoricalHinge>,
    Loss<Smooth<MeanOverRow<BinaryCrossentropy>>, Smooth<MeanOverRow<BinaryCrossentropyOfLogits>>, Sigmoid>,
    Loss<Smooth<CategoricalCrossentropy, true>, Smooth<CategoricalCrossentropyOfLogits, true>, Softmax>,
    Loss<Sparse<CategoricalCrossentropy>, Sparse<CategoricalCrossentropyOfLogits>, Softmax, TargetKind::classes>>;
/// The others: AVX-512 takes the loops of AVX2, for each set of loops makes a wheel larger.
using RareLosses =
    TypeList<LossOf<MeanOverRow<MeanAbsolutePercentageError>>, LossOf<MeanOverRow<MeanSquaredLogarithmicError>>,
             LossOf<MeanOverRow<LogCosh>>, LossOf<MeanOverRow<Quantile>>, LossOf<MeanOverRow<Poisson>>,
             LossOf<SumOverRow<KLDivergence>>, LossOf<CosineSimilarity>,
             Loss<Smooth<MeanOverRow<BinaryFocalCrossentropy>>, Smooth<MeanOverRow<BinaryFocalCrossentropyOfLogits>>>,
             Loss<Smooth<CategoricalFocalCrossentropy>, Smooth<CategoricalFocalCrossentropyOfLogits>>,
             LossOf<CategoricalGeneralizedCrossEntropy, TargetKind::classes>,  //
             LossOf<OverlapOfBatch<Dice>>, LossOf<OverlapOfRow<Dice>>, LossOf<OverlapOfBatch<Tversky>>,
             LossOf<OverlapOfRow<Tversky>>, LossOf<Circle, TargetKind::labels>>;
using Losses = decltype(joined(CommonLosses{}, RareLosses{}));

template <class Score_, bool labels_> struct Accuracy {
  using Score = Score_;
  static constexpr bool labels = labels_;
  static constexpr const char* name = Score::name;
};
using Accuracies = TypeList<Accuracy<BinaryAccuracy, false>, Accuracy<CategoricalAccuracy, false>,
                            Accuracy<SparseCategoricalAccuracy, true>>;

}  // namespace gs
