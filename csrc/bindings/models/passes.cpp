// Passes of many training loops side by side.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
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
#include "train/loop/shuffle.hpp"

namespace gs {
namespace {

using Clock = std::chrono::steady_clock;

/// Passes that wait, in a row for each member: one thread makes a member's, one after another.
class Passes {
 public:
  Passes(std::size_t members, int threads) : threads_(admitted_threads(threads)), members_(members) {
    if (threads < 1) throw py::value_error("threads must be at least 1; got " + std::to_string(threads) + ".");
  }

  // key: of a shuffle that is made when the pass begins, of all rows or of those of `order`; ids are then the places
  // there.
  void add(std::size_t member, py::object loop, const std::optional<py::array>& order, std::uint32_t number,
           const std::optional<py::array>& ids, const std::optional<std::pair<std::uint64_t, std::uint64_t>>& key) {
    auto& run = loop.cast<PyTrainLoop&>();
    if (run.asks_python()) throw py::value_error("a loop that asks Python must be run by itself.");
    Pass pass{std::move(loop), &run, {}, {}, number, {}, 0};
    if (key) {
      if (ids) throw py::value_error("ids must be None where a key is given.");
      pass.key = ShuffleKey{key->first, key->second, number, 0};
    }
    if (!key || order) pass.order = run.check_order(order);
    pass.count = key && !order ? run.check_count() : pass.order.size();
    pass.ids = check_ids(ids, pass.count);
    members_.at(member).waiting.push_back(std::move(pass));
    groups_.clear();
  }

  bool run(double seconds) {
    check_refused();  // of the last time there may have been several
    if (groups_.empty()) find_groups();
    std::vector<Job> jobs;
    for (const auto& group : groups_) {
      std::vector<Turn> turns;
      for (const std::size_t i : group) {
        failed_ = i;  // if it cannot begin
        if (members_[i].waits()) turns.emplace_back(members_[i]);
      }
      if (!turns.empty()) jobs.push_back({std::move(turns)});
    }
    failed_.reset();
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    released([&] {
      side_by_side(jobs.size(), threads_, [&](std::size_t i) {
        if (i == 0 || Clock::now() < end) jobs[i].run(end, together_);
      });
    });
    jobs.clear();
    check_refused();
    return std::none_of(members_.begin(), members_.end(), [](const Member& member) { return member.waits(); });
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
  /// How many passes were made together with those of other members.
  std::size_t together() const { return together_; }

 private:
  /// The last shuffle of a thread: members that go together ask for the same one after another.
  class Shuffle {
   public:
    const RowOrder& made(const ShuffleKey& key, std::size_t count) {
      if (!(key_ == key) || places_.size() != count) places_ = shuffled(key, count);
      key_ = key;
      return places_;
    }

   private:
    std::optional<ShuffleKey> key_;
    RowOrder places_;
  };
  struct Pass {
    py::object loop;
    PyTrainLoop* run;
    std::vector<std::int64_t> order, ids;
    std::uint32_t number;
    std::optional<ShuffleKey> key;
    std::size_t count;  // of its rows

    bool takes_rows_of(const Pass& other) const {
      return key == other.key && count == other.count && order == other.order;
    }
    void begin(PyTrainLoop::Session& session, Shuffle& last) {
      if (key) {
        const RowOrder& places = last.made(*key, count);
        if (order.empty()) return session.start(places, number, std::move(ids));
        ids.resize(count);
        for (std::size_t i = 0; i < count; ++i) ids[i] = order[std::size_t(places[i])];
        ids.swap(order);
        ids.assign(places.data(), places.data() + count);
      }
      session.start(std::move(order), number, std::move(ids));
    }
  };
  struct Member {
    std::vector<Pass> waiting{};
    std::size_t at = 0;  // how many are done
    bool begun = false;  // the next one
    bool refused = false;
    std::vector<Totals> done{};

    bool waits() const { return at < waiting.size(); }
    const Pass& next() const { return waiting[at]; }
  };

  /// A member's turn, with the sessions of all loops that its passes are of.
  class Turn {
   public:
    explicit Turn(Member& member) : member_(&member) {
      struct Wanted {
        PyTrainLoop* run;
        std::size_t steps;
      };
      std::vector<Wanted> all;
      for (std::size_t k = member.at; k < member.waiting.size(); ++k) {
        const Pass& pass = member.waiting[k];
        const bool begun = k == member.at && member.begun;
        const std::size_t steps = begun ? pass.run->steps_left() : pass.run->steps_of(pass.count);
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

    Member& member() const { return *member_; }
    /// Begins the next pass, if it has not begun.
    PyTrainLoop::Session& start(Shuffle& last) {
      Pass& pass = member_->waiting[member_->at];
      PyTrainLoop::Session& session = *std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& one) {
                                         return one.first == pass.run;
                                       })->second;
      if (!member_->begun) pass.begin(session, last);
      member_->begun = true;
      return session;
    }
    /// Takes up what `advance` said of it: whether it is to go on.
    bool take(PyTrainLoop::Session& session, bool over) {
      member_->refused = session.is_refused();
      if (member_->refused || !over) return !member_->refused;
      member_->done.push_back(session.finish());
      member_->begun = false;
      ++member_->at;
      return true;
    }

   private:
    Member* member_;
    std::vector<std::pair<PyTrainLoop*, std::unique_ptr<PyTrainLoop::Session>>> sessions_;
  };

  /// Turns of members that may go together, on one thread.
  struct Job {
    std::vector<Turn> turns;

    void run(Clock::time_point end, std::atomic<std::size_t>& together) {
      do {
        // Those that are behind the others first.
        std::vector<Turn*> next;
        for (Turn& turn : turns)
          if (turn.member().waits() && (next.empty() || turn.member().at <= next[0]->member().at)) {
            if (!next.empty() && turn.member().at < next[0]->member().at) next.clear();
            next.push_back(&turn);
          }
        if (next.empty() || !step(next, end, together)) return;
      } while (Clock::now() < end);
    }

   private:
    /// A pass of each, or as much of it as there is time for; false where one cannot go on.
    static bool step(const std::vector<Turn*>& next, Clock::time_point end, std::atomic<std::size_t>& together) {
      std::vector<PyTrainLoop::Session*> sessions;
      Shuffle shuffle;
      bool fit = true, over = true;
      for (Turn* const turn : next) {
        sessions.push_back(&turn->start(shuffle));
        fit &= turn->member().next().run->goes_with(*next[0]->member().next().run);
      }
      const auto left = [&] { return std::chrono::duration<double>(end - Clock::now()).count(); };
      if (next.size() > 1 && fit) {
        sessions[0]->advance_with({sessions.begin() + 1, sessions.end()}, left());
        for (std::size_t k = 0; k < next.size(); ++k) {
          const bool is_over = next[k]->member().next().run->steps_left() == 0;
          together += is_over;
          over &= next[k]->take(*sessions[k], is_over);
        }
        return over;
      }
      for (std::size_t k = 0; k < next.size(); ++k) {
        bool is_over = false;
        do is_over = sessions[k]->advance(left());
        while (!is_over && !sessions[k]->is_refused() && Clock::now() < end);
        if (!next[k]->take(*sessions[k], is_over)) return false;
        if (Clock::now() >= end) return true;
      }
      return true;
    }
  };

  /// Members that take the same rows in the same order; as many groups as there are threads, if there are as many.
  void find_groups() {
    std::vector<std::vector<std::size_t>> alike;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto fits = [&](const std::vector<std::size_t>& group) {
        const auto &a = members_[group[0]].waiting, &b = members_[i].waiting;
        return !a.empty() && a.size() == b.size() && a[0].run->goes_with(*b[0].run, true) && a[0].takes_rows_of(b[0]);
      };
      const auto found = std::find_if(alike.begin(), alike.end(), fits);
      found == alike.end() ? alike.push_back({i}) : found->push_back(i);
    }
    for (const auto& all : alike) {
      const std::size_t parts = std::min(all.size(), std::size_t(threads_));
      for (std::size_t part = 0; part < parts; ++part)
        groups_.emplace_back(all.begin() + std::ptrdiff_t(all.size() * part / parts),
                             all.begin() + std::ptrdiff_t(all.size() * (part + 1) / parts));
    }
  }

  void check_refused() {
    for (const Member& member : members_)
      if (member.refused) {
        failed_ = std::size_t(&member - members_.data());
        member.waiting[member.at].run->check_refused();
      }
  }

  const int threads_;
  std::vector<Member> members_;
  std::vector<std::vector<std::size_t>> groups_;  // of members that may go together; none: not found yet
  std::optional<std::size_t> failed_;
  std::atomic<std::size_t> together_{0};
};

}  // namespace

void bind_passes(py::module_& m) {
  m.def(
      "shuffled",
      [](std::uint64_t seed, std::uint64_t stream, std::uint64_t number, std::uint64_t part, std::size_t rows) {
        const auto order = released([&] { return shuffled({seed, stream, number, part}, rows); });
        return py::array_t<std::int64_t>(py::ssize_t(order.size()), order.data());
      },
      py::arg("seed"), py::arg("stream"), py::arg("number"), py::arg("part"), py::arg("rows"));
  SharedClass<Passes>(m, "Passes")
      .def(py::init<std::size_t, int>(), py::arg("members"), py::arg("threads"))
      .def("add", &Passes::add, py::arg("member"), py::arg("loop"), py::arg("order") = py::none(),
           py::arg("number") = 0, py::arg("ids") = py::none(), py::arg("key") = py::none())
      .def("run", &Passes::run, py::arg("seconds"))
      .def("drop", &Passes::drop, py::arg("member"))
      .def("take", &Passes::take)
      .def_property_readonly("failed", &Passes::failed)
      .def_property_readonly("together", &Passes::together);
}

}  // namespace gs
