// Passes of many training loops side by side.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/arrays/released.hpp"
#include "bindings/models/train_loop.hpp"
#include "bindings/module.hpp"
#include "bindings/turns.hpp"
#include "runtime/side_by_side.hpp"

namespace gs {
namespace {

using Clock = std::chrono::steady_clock;

/// Passes that wait, in a row for each member: one thread makes a member's, one after another.
class Passes {
 public:
  Passes(std::size_t members, int threads) : threads_(admitted_threads(threads)), members_(members) {
    if (threads < 1) throw py::value_error("threads must be at least 1; got " + std::to_string(threads) + ".");
  }

  void add(std::size_t member, py::object loop, const std::optional<py::array>& order, std::uint32_t number,
           const std::optional<py::array>& ids) {
    auto& run = loop.cast<PyTrainLoop&>();
    if (run.asks_python()) throw py::value_error("a loop that asks Python must be run by itself.");
    std::vector<std::int64_t> rows = run.check_order(order);
    std::vector<std::int64_t> draws = check_ids(ids, rows.size());
    members_.at(member).waiting.push_back({std::move(loop), &run, std::move(rows), std::move(draws), number});
  }

  bool run(double seconds) {
    check_refused();  // of the last time there may have been several
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      failed_ = i;  // if it cannot begin
      if (members_[i].at < members_[i].waiting.size()) jobs.emplace_back(members_[i]);
    }
    failed_.reset();
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    released([&] {
      side_by_side(jobs.size(), threads_, [&](std::size_t i) {
        if (i == 0 || Clock::now() < end) jobs[i].run(end);
      });
    });
    jobs.clear();
    check_refused();
    return std::all_of(members_.begin(), members_.end(),
                       [](const Member& member) { return member.at == member.waiting.size(); });
  }

  void drop(std::size_t member) {
    Member& m = members_.at(member);
    m.waiting.resize(m.at);
    m.begun = m.refused = false;
    failed_.reset();
  }

  py::list take() {
    py::list all;
    for (Member& member : members_) {
      py::list own;
      for (std::size_t k = 0; k < member.done.size(); ++k)
        own.append(member.waiting[k].run->progress_of(member.done[k]));
      all.append(own);
      member = {};
    }
    return all;
  }

  std::optional<std::size_t> failed() const { return failed_; }

 private:
  struct Pass {
    py::object loop;
    PyTrainLoop* run;
    std::vector<std::int64_t> order, ids;
    std::uint32_t number;
  };
  struct Member {
    std::vector<Pass> waiting{};
    std::size_t at = 0;  // how many are done
    bool begun = false;  // the next one
    bool refused = false;
    std::vector<Totals> done{};
  };

  /// A member's turn, with the sessions of all loops that its passes are of.
  class Job {
   public:
    explicit Job(Member& member) : member_(&member) {
      struct Wanted {
        PyTrainLoop* run;
        std::size_t steps;
      };
      std::vector<Wanted> all;
      for (std::size_t k = member.at; k < member.waiting.size(); ++k) {
        const Pass& pass = member.waiting[k];
        const bool begun = k == member.at && member.begun;
        const std::size_t steps = begun ? pass.run->steps_left() : pass.run->steps_of(pass.order.size());
        const auto known = std::find_if(all.begin(), all.end(), [&](const Wanted& one) { return one.run == pass.run; });
        if (known == all.end())
          all.push_back({pass.run, steps});
        else
          known->steps += steps;
      }
      // Who reads weights may not change them: those that change them take them first.
      std::stable_partition(all.begin(), all.end(), [](const Wanted& one) { return one.run->changes_weights(); });
      for (const Wanted& one : all) sessions_.emplace_back(one.run, one.run->session(one.steps));
    }

    void run(Clock::time_point end) {
      Member& m = *member_;
      for (; m.at < m.waiting.size(); ++m.at) {
        Pass& pass = m.waiting[m.at];
        PyTrainLoop::Session& session = of(pass.run);
        if (!m.begun) session.start(std::move(pass.order), pass.number, std::move(pass.ids));
        m.begun = true;
        for (;;) {
          const double left = std::chrono::duration<double>(end - Clock::now()).count();
          const bool over = session.advance(left);
          m.refused = session.is_refused();
          if (m.refused) return;
          if (over) break;
          if (Clock::now() >= end) return;
        }
        m.done.push_back(session.finish());
        m.begun = false;
        if (Clock::now() >= end) {
          ++m.at;
          return;
        }
      }
    }

   private:
    PyTrainLoop::Session& of(const PyTrainLoop* run) {
      return *std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& one) {
                return one.first == run;
              })->second;
    }
    Member* member_;
    std::vector<std::pair<PyTrainLoop*, std::unique_ptr<PyTrainLoop::Session>>> sessions_;
  };

  void check_refused() {
    for (const Member& member : members_)
      if (member.refused) {
        failed_ = std::size_t(&member - members_.data());
        member.waiting[member.at].run->check_refused();
      }
  }

  const int threads_;
  std::vector<Member> members_;
  std::optional<std::size_t> failed_;
};

}  // namespace

void bind_passes(py::module_& m) {
  SharedClass<Passes>(m, "Passes")
      .def(py::init<std::size_t, int>(), py::arg("members"), py::arg("threads"))
      .def("add", &Passes::add, py::arg("member"), py::arg("loop"), py::arg("order") = py::none(),
           py::arg("number") = 0, py::arg("ids") = py::none())
      .def("run", &Passes::run, py::arg("seconds"))
      .def("drop", &Passes::drop, py::arg("member"))
      .def("take", &Passes::take)
      .def_property_readonly("failed", &Passes::failed);
}

}  // namespace gs
