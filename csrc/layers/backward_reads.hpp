// What the backward passes of layers read of the forward pass, besides what each keeps for itself.
#pragma once

#include <type_traits>

#include "layers/all.hpp"
#include "layers/tangents.hpp"

namespace gs {

struct BackwardReads {
  bool x, y;  // any of the inputs; the output
};

/// A layer may read all, unless it is known not to.
template <class Layer> BackwardReads backward_reads(const Layer&) { return {!is_linear<Layer>, !is_linear<Layer>}; }

inline BackwardReads backward_reads(const Dense& layer) { return {true, !layer.activation.is<Linear>()}; }
template <Merge by> BackwardReads backward_reads(const MergeBy<by>&) {
  return {by != Merge::add && by != Merge::subtract && by != Merge::average, false};
}
inline BackwardReads backward_reads(const NormalizeParts&) { return {false, false}; }
inline BackwardReads backward_reads(const BatchNormalization& layer) { return {layer.masked || layer.frozen, false}; }
inline BackwardReads backward_reads(const Pool&) { return {false, false}; }
inline BackwardReads backward_reads(const MultiHeadAttention&) { return {true, false}; }
inline BackwardReads backward_reads(const Recurrent& layer) { return {layer.masked, false}; }
inline BackwardReads backward_reads(const Bidirectional& layer) { return {layer.directions[0].masked, false}; }
inline BackwardReads backward_reads(const ConvRecurrent&) { return {true, true}; }

}  // namespace gs
