// MultiHeadAttention, Attention and AdditiveAttention.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "graph/attention_jobs.hpp"
#include "graph/attention_tangent.hpp"
#include "graph/call.hpp"
#include "graph/tangent.hpp"

namespace gs {

/// Inputs query, value and key, and behind them those masks that there are: of queries, of keys, of both.
struct AttentionInputs {
  AttentionSizes sizes;
  bool query_masked, key_masked, masked;
  bool scored;  // whether the weights of the means stand behind the output, sample by sample

  template <class Settings>
  AttentionInputs(const Shapes& inputs, const Settings& settings)
      : query_masked(settings.flag("query_masked")),
        key_masked(settings.flag("key_masked")),
        masked(settings.flag("masked")),
        scored(settings.flag("scored")) {
    sizes.groups = settings.whole("groups");
    settings.check(rows_of(inputs[0]) % sizes.groups == 0 && rows_of(inputs[1]) % sizes.groups == 0,
                   "queries and keys must be in equal groups.");
    sizes.queries = rows_of(inputs[0]) / sizes.groups;
    sizes.keys = rows_of(inputs[1]) / sizes.groups;
    sizes.causal = settings.flag("causal");
    sizes.zeroes = settings.flag("zeroes");
    sizes.rate = settings.real("rate", 0, 1);
    sizes.key = settings.key("key");
    const std::size_t first = 3 + query_masked + key_masked;
    settings.check(inputs.size() == first + masked && rows_of(inputs[2]) == rows_of(inputs[1]),
                   "inputs must be a query, a value and a key for each, and their masks.");
    sizes.mask_of_group = masked && size_of(inputs[first]) == sizes.groups * sizes.scores();
    settings.check((!query_masked || size_of(inputs[3]) == rows_of(inputs[0])) &&
                       (!key_masked || size_of(inputs[3 + query_masked]) == rows_of(inputs[1])) &&
                       (!masked || sizes.mask_of_group || size_of(inputs[first]) == sizes.scores()),
                   "masks must have a number for each query, for each key, or for each of both.");
  }

  /// Weights of a sample.
  std::size_t weights() const { return sizes.groups * sizes.heads * sizes.scores(); }
  /// Shape of the output, whose own is `shape`.
  Shape output(const Shape& shape) const { return scored ? Shape{size_of(shape) + weights()} : shape; }
  /// Where of the output, or of the gradient or direction by it, the weights lie.
  template <class Real> GivenWeights<Real> given(std::size_t batch, Matrix<Real> y) const {
    const std::size_t columns = y.size() / batch;
    return scored ? GivenWeights<Real>{y.at, columns, columns - weights()} : GivenWeights<Real>{};
  }
  /// Rows of `columns` numbers: of the output what stands before the weights; apart if there are weights.
  template <class Real>
  Matrix<Real> before_weights(Call<Real>& call, Matrix<Real> y, const char* name, std::size_t batch,
                              std::size_t columns) const {
    if (!scored) return y;
    return call.save(name, batch * sizes.groups * sizes.queries * columns, columns);
  }
  /// The same, of y to `apart`, or back.
  template <class Real> void move(Schedule<Real>& schedule, Matrix<Real> y, Matrix<Real> apart, bool back) const {
    if (!scored) return;
    const std::size_t whole = y.size() / schedule.batch, n = apart.size() / schedule.batch;
    const Matrix<Real> from = back ? apart : y, to = back ? y : apart;
    schedule.each_row(schedule.batch, n, {{from.at}, {to.at}}, [=](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i)
        std::copy_n(from.at + i * (back ? n : whole), n, to.at + i * (back ? whole : n));
    });
  }

  /// What is read where; scale: of the scores; y: the output.
  template <class Real>
  AttentionValues<Real> values(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> q, Matrix<Real> k,
                               Matrix<Real> v, Matrix<Real> o, Matrix<Real> y, double scale) const {
    AttentionValues<Real> at{};
    at.q = q.at;
    at.k = k.at;
    at.v = v.at;
    at.o = o.at;
    at.scale = scale;
    at.given = given(schedule.batch, y);
    if (schedule.training) {
      at.p = call.save("weights", schedule.batch * weights(), sizes.keys).at;
      at.ids = schedule.ids.data();
      at.number = &schedule.number;
    }
    if (query_masked) at.query_mask = call.x_matrix(sizes.groups * sizes.queries, 3).at;
    if (key_masked) at.key_mask = call.x_matrix(sizes.groups * sizes.keys, 3 + query_masked).at;
    if (masked)
      at.mask =
          call.x_matrix((sizes.mask_of_group ? sizes.groups : 1) * sizes.scores(), 3 + query_masked + key_masked).at;
    return at;
  }
  template <class Real> Access access(const AttentionValues<Real>& at) const {
    return {{at.q, at.k, at.v, at.query_mask, at.key_mask, at.mask, at.factor, at.weight, at.of_size},
            {at.o, at.p, at.given.matrix}};
  }

  template <class Real> void forward(Schedule<Real>& schedule, const AttentionValues<Real>& at) const {
    schedule.run(std::make_unique<AttentionForwardJob<Real>>(sizes, at, schedule.batch), access(at));
  }
  // d, the directions of q, k and v -> that of o
  template <class Real>
  void tangent(Schedule<Real>& schedule, const AttentionValues<Real>& at, const AttentionDirections<Real>& d,
               Matrix<Real> o) const {
    Access uses = access(at);
    uses.reads.insert(uses.reads.end(), {at.p, d.q, d.k, d.v, d.factor, d.weight, d.of_size});
    uses.writes = {o.at, d.given.matrix};
    schedule.run(std::make_unique<AttentionTangentJob<Real>>(sizes, at, schedule.batch, d, o.at), uses);
  }
  template <class Real>
  void backward(Schedule<Real>& schedule, const AttentionValues<Real>& at, const AttentionGradients<Real>& to) const {
    Access uses = access(at);
    uses.reads.insert(uses.reads.end(), {at.p, to.o, to.given.matrix});
    uses.writes = {to.q, to.k, to.v, to.factors, to.weights, to.of_size};
    schedule.run(std::make_unique<AttentionBackwardJob<Real>>(sizes, at, schedule.batch, to), uses);
  }
};

/// y = (softmax(q k^T / sqrt(key_dim)) v) w + b for all heads side by side, where q, k and v are products of query, key
/// and value with weights of their own. Vaswani et al. 2017, arXiv:1706.03762.
struct MultiHeadAttention {
  AttentionInputs inputs;
  Shape output_axes;                                  // of each query
  Shape queries;                                      // axes of a sample without the last
  std::size_t query_in, value_in, key_in, out, q, v;  // numbers of a step; q, v: of all heads
  bool use_bias;

  static constexpr const char* name = "multi_head_attention";
  template <class Settings>
  MultiHeadAttention(const Shapes& given, const Settings& settings)
      : inputs(given, settings),
        output_axes(settings.shape("output")),
        queries(given[0].begin(), given[0].end() - 1),
        query_in(last_of(given[0])),
        value_in(last_of(given[1])),
        key_in(last_of(given[2])),
        out(size_of(output_axes)),
        use_bias(settings.flag("use_bias")) {
    inputs.sizes.heads = settings.whole("heads");
    inputs.sizes.size = settings.whole("key_dim");
    inputs.sizes.value_size = settings.whole("value_dim");
    q = inputs.sizes.heads * inputs.sizes.size;
    v = inputs.sizes.heads * inputs.sizes.value_size;
  }
  Shape output() const {
    Shape shape = queries;
    shape.insert(shape.end(), output_axes.begin(), output_axes.end());
    return inputs.output(shape);
  }
  // Kernel and bias of query, key, value and output.
  std::vector<std::uint64_t*> keys() { return {&inputs.sizes.key}; }
  Shapes weights() const {
    const std::size_t h = inputs.sizes.heads, d = inputs.sizes.size, n = inputs.sizes.value_size;
    Shape last{h, n};
    last.insert(last.end(), output_axes.begin(), output_axes.end());
    if (!use_bias) return {{query_in, h, d}, {key_in, h, d}, {value_in, h, n}, last};
    return {{query_in, h, d}, {h, d}, {key_in, h, d}, {h, d}, {value_in, h, n}, {h, n}, last, output_axes};
  }

  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const auto at = values(schedule, call, call.y(1));
    schedule.product(call.x(query_in, 0), kernel(call, 0), bias(call, 0), queries_of(schedule, call));
    schedule.product(call.x(key_in, 2), kernel(call, 1), bias(call, 1), keys_of(schedule, call));
    schedule.product(call.x(value_in, 1), kernel(call, 2), bias(call, 2), values_of(schedule, call));
    inputs.forward(schedule, at);
    const Matrix<Real> y = output(schedule, call, call.y(out), "output");
    schedule.product(schedule.rows(heads_of(schedule, call)), kernel(call, 3), bias(call, 3), y);
    inputs.move(schedule, call.y(1), y, true);
  }

  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const auto at = values(schedule, call, {});
    const Matrix<Real> dy = output(schedule, call, call.dy(out), "gradient by output"), o = heads_of(schedule, call);
    inputs.move(schedule, call.dy(1), dy, false);
    const Matrix<Real> grad = call.save("gradient by heads", o.size(), v);
    schedule.input_grad(dy, kernel(call, 3), grad);
    learn(schedule, call, 3, schedule.rows(o), dy);
    // Where memory is read that nobody needs any more: it is near.
    const Matrix<Real> dk = keys_of(schedule, call), dv = values_of(schedule, call),
                       dq = q == v ? grad : call.save("dq", queries_of(schedule, call).size(), q);
    inputs.backward(
        schedule, at,
        {grad.at, dq.at, dk.at, dv.at, nullptr, nullptr, nullptr, inputs.given(schedule.batch, call.dy(1))});
    const auto back = [&](std::size_t which, std::size_t input, std::size_t n, Matrix<Real> dz) {
      if (const Matrix<Real> dx = call.dx(n, input)) schedule.input_grad(dz, kernel(call, which), dx);
      learn(schedule, call, which, call.x(n, input), dz);
    };
    back(0, 0, query_in, dq);
    back(1, 2, key_in, dk);
    back(2, 1, value_in, dv);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dq = queries_of(schedule, d), dk = keys_of(schedule, d), dv = values_of(schedule, d),
                       o = heads_of(schedule, d);
    const auto into = [&](std::size_t which, std::size_t input, std::size_t n, Matrix<Real> dz, const char* name) {
      product_tangent(schedule, call, d, call.x(n, input), d.x(n, input), true, use_bias ? 2 * which : which,
                      bias(d, which), dz, name);
    };
    into(0, 0, query_in, dq, "q by weights");
    into(1, 2, key_in, dk, "k by weights");
    into(2, 1, value_in, dv, "v by weights");
    inputs.tangent(schedule, values(schedule, call, {}),
                   {dq.at, dk.at, dv.at, nullptr, nullptr, nullptr, inputs.given(schedule.batch, d.y(1))}, o);
    const Matrix<Real> dy = output(schedule, d, d.y(out), "output");
    product_tangent(schedule, call, d, schedule.rows(heads_of(schedule, call)), schedule.rows(o), true,
                    use_bias ? std::size_t(6) : std::size_t(3), bias(d, 3), dy, "y by weights");
    inputs.move(schedule, d.y(1), dy, true);
  }

 private:
  template <class Real> const Weight<Real>* kernel(Call<Real>& call, std::size_t which) const {
    return call.weight(use_bias ? 2 * which : which);
  }
  template <class Real> const Weight<Real>* bias(Call<Real>& call, std::size_t which) const {
    return use_bias ? call.weight(2 * which + 1) : nullptr;
  }
  template <class Real>
  void learn(Schedule<Real>& schedule, Call<Real>& call, std::size_t which, const Rows& x, Matrix<Real> dz) const {
    schedule.weight_grad(x, dz, kernel(call, which));
    if (use_bias) schedule.bias_grad(dz, bias(call, which));
  }
  template <class Real> Matrix<Real> queries_of(Schedule<Real>& schedule, Call<Real>& call) const {
    return call.save("q", schedule.batch * inputs.sizes.groups * inputs.sizes.queries * q, q);
  }
  template <class Real> Matrix<Real> keys_of(Schedule<Real>& schedule, Call<Real>& call) const {
    return call.save("k", schedule.batch * inputs.sizes.groups * inputs.sizes.keys * q, q);
  }
  template <class Real> Matrix<Real> values_of(Schedule<Real>& schedule, Call<Real>& call) const {
    return call.save("v", schedule.batch * inputs.sizes.groups * inputs.sizes.keys * v, v);
  }
  template <class Real> Matrix<Real> heads_of(Schedule<Real>& schedule, Call<Real>& call) const {
    return call.save("heads", schedule.batch * inputs.sizes.groups * inputs.sizes.queries * v, v);
  }
  template <class Real>
  Matrix<Real> output(const Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> y, const char* name) const {
    return inputs.before_weights(call, y, name, schedule.batch, out);
  }
  template <class Real> AttentionValues<Real> values(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> y) const {
    return inputs.values(schedule, call, queries_of(schedule, call), keys_of(schedule, call), values_of(schedule, call),
                         heads_of(schedule, call), y, 1 / std::sqrt(double(inputs.sizes.size)));
  }
};

/// y = softmax(scores) v, of the inputs as they are. Scores are scale q k^T; or of tanh(q + k), times a vector, summed,
/// as Bahdanau et al. 2015, arXiv:1409.0473; or weight times the sum of tanh(scale (q + k)). Luong et al. 2015,
/// arXiv:1508.04025.
struct WeightlessAttention {
  AttentionInputs inputs;
  Shape shape;                  // of the output
  bool use_scale, vector, sum;  // vector: whether tanhs are multiplied by a vector; sum: whether they are added up

  static constexpr const char* name = "attention";
  template <class Settings>
  WeightlessAttention(const Shapes& given, const Settings& settings)
      : inputs(given, settings),
        shape(given[0]),
        use_scale(settings.flag("use_scale")),
        vector(settings.flag("of_vector")),
        sum(settings.flag("of_sum")) {
    inputs.sizes.heads = 1;
    inputs.sizes.size = last_of(given[0]);
    inputs.sizes.value_size = shape.back() = last_of(given[1]);
    inputs.sizes.gives_dropped = true;
    if (settings.flag("of_tanhs")) inputs.sizes.kind = ScoreKind::tanhs;
    settings.check(last_of(given[2]) == inputs.sizes.size, "queries and keys must have the same last axis.");
  }
  Shape output() const { return inputs.output(shape); }
  std::vector<std::uint64_t*> keys() { return {&inputs.sizes.key}; }
  // scale, and of the sum its weight
  Shapes weights() const {
    Shapes found;
    if (use_scale) found.push_back(vector ? Shape{inputs.sizes.size} : Shape{});
    if (sum) found.push_back({});
    return found;
  }

  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> o = output(schedule, call, call.y(inputs.sizes.value_size), "output");
    inputs.forward(schedule, values(schedule, call, o, call.y(1)));
    inputs.move(schedule, call.y(1), o, true);
  }

  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const AttentionSizes& s = inputs.sizes;
    const std::size_t parts = schedule.batch * s.groups;
    const auto place = [&](std::size_t input, std::size_t n, std::size_t rows, const char* name) {
      const Matrix<Real> dx = call.dx(n, input);
      return dx ? dx : call.save(name, parts * rows * n, n);
    };
    const auto part = [&](bool wanted, std::size_t n, const char* name) {
      return wanted ? call.save(name, parts * n, n) : Matrix<Real>{};
    };
    const Matrix<Real> factors = part(use_scale && !vector, 1, "factors"), weights = part(sum, 1, "weights of sums"),
                       of_size = part(use_scale && vector, s.size, "of size");
    const Matrix<Real> dy = output(schedule, call, call.dy(s.value_size), "gradient by output");
    inputs.move(schedule, call.dy(1), dy, false);
    inputs.backward(schedule, values(schedule, call, {}, {}),
                    {dy.at, place(0, s.size, s.queries, "dq").at, place(2, s.size, s.keys, "dk").at,
                     place(1, s.value_size, s.keys, "dv").at, factors.at, weights.at, of_size.at,
                     inputs.given(schedule.batch, call.dy(1))});
    if (use_scale) schedule.bias_grad(vector ? of_size : factors, call.weight(0));
    if (sum) schedule.bias_grad(weights, call.weight(use_scale));
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const AttentionSizes& s = inputs.sizes;
    const auto direction = [&](std::size_t input, std::size_t n) {
      return d.x_moves(input) ? d.x_matrix(n, input).at : nullptr;
    };
    AttentionDirections<Real> moves{};
    moves.q = direction(0, s.size);
    moves.k = direction(2, s.size);
    moves.v = direction(1, s.value_size);
    if (use_scale) (vector ? moves.of_size : moves.factor) = d.weight(0)->w;
    if (sum) moves.weight = d.weight(use_scale)->w;
    moves.given = inputs.given(schedule.batch, d.y(1));
    const Matrix<Real> dy = output(schedule, d, d.y(s.value_size), "output");
    inputs.tangent(schedule, values(schedule, call, {}, {}), moves, dy);
    inputs.move(schedule, d.y(1), dy, true);
  }

 private:
  template <class Real>
  Matrix<Real> output(const Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> y, const char* name) const {
    return inputs.before_weights(call, y, name, schedule.batch, inputs.sizes.value_size);
  }
  template <class Real>
  AttentionValues<Real> values(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> o, Matrix<Real> y) const {
    const AttentionSizes& s = inputs.sizes;
    AttentionValues<Real> at = inputs.values(schedule, call, call.x_matrix(s.size, 0), call.x_matrix(s.size, 2),
                                             call.x_matrix(s.value_size, 1), o, y, 1.0);
    if (use_scale) (vector ? at.of_size : at.factor) = call.weight(0)->w;
    if (sum) at.weight = call.weight(use_scale)->w;
    return at;
  }
};

}  // namespace gs
