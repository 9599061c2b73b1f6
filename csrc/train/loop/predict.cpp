#include "train/loop/predict.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/clock.hpp"

namespace gs {

template <class Real>
std::size_t predict(const Network<Real>& network, KeptPasses<Real>& passes, const Data& data,
                    const std::vector<Real*>& outs, std::size_t batch_size, std::size_t begin, double seconds,
                    const Guard& guard) {
  const Clock clock(seconds);
  const std::size_t rows = data.rows;
  PassKind kind{0, Mode::predict, sources_of(data)};
  bool over = false;
  while (begin < rows && !over) {
    kind.batch = std::min(batch_size, rows - begin);
    std::unique_ptr<Executor<Real>> pass = passes.take(kind);
    Executor<Real>& executor = *pass;
    const auto set_rows = [&] { set_inputs(executor, network, data, [&](std::size_t i) { return begin + i; }); };
    const auto take_outputs = [&] {
      for (std::size_t k = 0; k < outs.size(); ++k) {
        const std::size_t n = network.output_size(k);
        std::copy_n(executor.heads[k].outputs, kind.batch * n, outs[k] + begin * n);
      }
      begin += kind.batch;
      return clock.is_over() || guard.contended();
    };
    if (executor.has_externals()) {
      do {
        set_rows();
        executor.run();
        over = take_outputs();
      } while (!over && rows - begin >= kind.batch);
    } else {
      ThreadTeam::run(executor.threads(), [&](ThreadTeam& team) {
        do {
          set_rows();
          executor.run(team);
          over = take_outputs();
          if (!over) team.poll();
        } while (!over && rows - begin >= kind.batch);
      });
    }
    passes.give_back(kind, std::move(pass));
  }
  return begin;
}

template std::size_t predict(const Network<float>&, KeptPasses<float>&, const Data&, const std::vector<float*>&,
                             std::size_t, std::size_t, double, const Guard&);
template std::size_t predict(const Network<double>&, KeptPasses<double>&, const Data&, const std::vector<double*>&,
                             std::size_t, std::size_t, double, const Guard&);

}  // namespace gs
