// Divisions that are multiplications: as exact as a division.
#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

constexpr uint32_t kEnd = uint32_t{1} << 31;  // numbers that a Divisor takes are below

TEST_CASE("a Divisor gives the quotient of every number that packs are counted in") {
  uint64_t wrong = 0;
  for (uint64_t divisor = 1; divisor < kEnd; divisor += 1 + divisor / 7) {
    const Divisor d(static_cast<int64_t>(divisor));
    const auto check = [&](uint64_t n) {
      if (n < kEnd && d.quotient(static_cast<uint32_t>(n)) != n / divisor) ++wrong;
    };
    for (uint64_t multiple = 0; multiple < kEnd; multiple += divisor * (1 + kEnd / divisor / 50))
      for (const uint64_t near : {multiple, multiple + 1, multiple + divisor - 1, multiple + divisor}) check(near);
    check(kEnd - 1);
  }
  CHECK(wrong == 0);
  CHECK(Divisor(0).quotient(0) == 0);
  CHECK_THROWS_AS(Divisor(int64_t{1} << 31), std::length_error);
}

}  // namespace
}  // namespace collie::cuda
