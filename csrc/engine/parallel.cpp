#include "engine/parallel.hpp"

namespace gs {
namespace {

std::atomic<int> asked{0};

}  // namespace

int get_num_threads() {
  const int threads = asked.load();
  return threads > 0 ? threads : omp_get_max_threads();
}

void set_num_threads(int threads) { asked.store(threads); }

}  // namespace gs
