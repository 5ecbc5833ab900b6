// Damage to files, the same for a seed on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace collie::fuzz {

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t below(size_t limit) { return limit == 0 ? 0 : next() % limit; }

 private:
  uint64_t state_;
};

// One to eight changes: bits, bytes, numbers at the edges of their ranges, brackets, pieces removed, doubled or taken from another file.
std::string mutate(std::string text, const std::vector<std::string>& others, Random& random);

}  // namespace collie::fuzz
