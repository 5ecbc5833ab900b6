#include <doctest/doctest.h>

#include <map>
#include <set>
#include <tuple>

#include "core/grid/pipeline_schedule.h"

namespace collie {
namespace {

// Runs the lists of all ranks, every action taking one unit of time, and returns when the last one ends; -1: they wait in a circle.
int64_t simulate(int64_t stages, int64_t micro_batches, int64_t chunks) {
  std::vector<std::vector<PipelineAction>> lists;
  for (int64_t s = 0; s < stages; ++s) lists.push_back(pipeline_schedule(s, stages, micro_batches, chunks));
  std::vector<size_t> next(static_cast<size_t>(stages));
  std::map<std::tuple<Pass, int64_t, int64_t>, int64_t> done;  // pass, micro-batch, chunk of the pipeline -> end
  const int64_t last = stages * chunks - 1, patience = 4 * micro_batches * chunks * stages + 8;
  int64_t left = 2 * micro_batches * chunks * stages, time = 0;
  for (; left > 0 && time < patience; ++time) {
    for (int64_t s = 0; s < stages; ++s) {
      auto& place = next[static_cast<size_t>(s)];
      const auto& list = lists[static_cast<size_t>(s)];
      if (place == list.size()) continue;
      const auto& [pass, micro_batch, chunk] = list[place];
      const int64_t v = chunk * stages + s;
      const auto ready = [&](Pass p, int64_t at) {
        const auto found = done.find({p, micro_batch, at});
        return found != done.end() && found->second <= time;
      };
      const bool can = pass == Pass::forward ? v == 0 || ready(Pass::forward, v - 1)
                       : v == last           ? ready(Pass::forward, v)
                                             : ready(Pass::backward, v + 1) && ready(Pass::forward, v);
      if (!can) continue;
      done[{pass, micro_batch, v}] = time + 1;
      ++place;
      --left;
    }
  }
  return left == 0 ? time : -1;
}

TEST_CASE("pipeline schedules do every pass once and never wait in a circle") {
  for (int64_t stages = 1; stages <= 6; ++stages)
    for (int64_t chunks = 1; chunks <= 4; ++chunks)
      for (int64_t micro_batches = 1; micro_batches <= 14; ++micro_batches) {
        CAPTURE(stages);
        CAPTURE(chunks);
        CAPTURE(micro_batches);
        for (int64_t s = 0; s < stages; ++s) {
          std::set<std::tuple<Pass, int64_t, int64_t>> seen;
          for (const auto& [pass, micro_batch, chunk] : pipeline_schedule(s, stages, micro_batches, chunks)) {
            if (pass == Pass::backward) CHECK(seen.contains({Pass::forward, micro_batch, chunk}));
            seen.insert({pass, micro_batch, chunk});
          }
          CHECK(seen.size() == static_cast<size_t>(2 * micro_batches * chunks));
        }
        CHECK(simulate(stages, micro_batches, chunks) > 0);
      }
}

// Narayanan et al. 2021 (arXiv 2104.04473), section 2.2, as a share of the whole step.
TEST_CASE("full groups take no longer than the published bubble") {
  for (int64_t stages = 2; stages <= 4; ++stages)
    for (int64_t chunks = 1; chunks <= 3; ++chunks) {
      const int64_t micro_batches = 4 * stages, work = 2 * micro_batches * chunks;
      const int64_t time = simulate(stages, micro_batches, chunks);
      const double bubble = static_cast<double>(stages - 1) / static_cast<double>(micro_batches * chunks + stages - 1);
      CHECK(static_cast<double>(time - work) / static_cast<double>(time) == doctest::Approx(bubble).epsilon(0.02));
    }
}

TEST_CASE("1F1B keeps at most as many activations as stages are ahead") {
  CHECK(most_in_flight(pipeline_schedule(0, 4, 16, 1)) == 4);
  CHECK(most_in_flight(pipeline_schedule(3, 4, 16, 1)) == 1);
  CHECK(most_in_flight(pipeline_schedule(0, 1, 16, 1)) == 1);
}

}  // namespace
}  // namespace collie
