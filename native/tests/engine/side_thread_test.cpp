#include "engine/parallel/side_thread.h"

#include <doctest/doctest.h>

#include <future>
#include <stdexcept>
#include <vector>

namespace collie {

TEST_CASE("a side thread works in order, beside its caller, and at once without overlap") {
  for (const Overlap overlap : {Overlap::none, Overlap::beside_compute}) {
    SideThread side(overlap);
    std::vector<int> done;
    std::thread::id worker;
    for (int i = 0; i < 3; ++i)
      side.start([&, i] {
        done.push_back(i);
        worker = std::this_thread::get_id();
      });
    side.wait();
    CHECK(done == std::vector<int>{0, 1, 2});
    CHECK((worker == std::this_thread::get_id()) == (overlap == Overlap::none));
  }
}

TEST_CASE("a caller goes on while a side thread works") {
  SideThread side(Overlap::beside_compute);
  std::promise<void> caller_went_on;
  side.start([&] { caller_went_on.get_future().wait(); });
  caller_went_on.set_value();  // would never be reached otherwise
  CHECK_NOTHROW(side.wait());
}

TEST_CASE("the first failure of a side thread comes out of wait(), nothing is done after it, and then it works again") {
  SideThread side(Overlap::beside_compute);
  std::promise<void> all_given;
  bool after = false;
  side.start([&] {
    all_given.get_future().wait();
    throw std::runtime_error("no route");
  });
  side.start([&] { after = true; });
  all_given.set_value();
  CHECK_THROWS_WITH(side.wait(), "no route");
  CHECK(!after);
  side.start([&] { after = true; });
  side.wait();
  CHECK(after);
}

}  // namespace collie
