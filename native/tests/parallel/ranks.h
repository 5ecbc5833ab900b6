// Test cases that several ranks run together: TEST_CASE_FIXTURE(Ranks, "..."). At its end every rank learns whether the case failed on
// any of them, so that rank 0, whose summary counts, fails with the others. What throws cannot go on with them and ends the job.
#pragma once

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>

#include "engine/parallel/world.h"

namespace collie {

class Ranks {
 public:
  Ranks();
  ~Ranks();
  // Whether the tests run on one of these numbers of ranks: * doctest::skip(!Ranks::among({8})).
  static bool among(std::initializer_list<int64_t> sizes);

 protected:
  std::shared_ptr<Communicator> world;
  int64_t rank, size;
};

}  // namespace collie
