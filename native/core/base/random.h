// Our own random numbers: the same on every platform and compiler, unlike the distributions of <random>.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace collie {

// SplitMix64 (Steele, Lea and Flood 2014): one step of the stream at `state`. Also a good mixer of keys.
inline uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// A key for what belongs to a named thing (FNV-1a, Fowler, Noll and Vo): the same wherever it stands in a list.
inline uint64_t hash_name(std::string_view name) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

// xoshiro256** 1.0 (Blackman and Vigna 2018), seeded from two keys, e.g. seed and epoch.
class Random {
 public:
  explicit Random(uint64_t key, uint64_t stream = 0) {
    uint64_t state = key;
    uint64_t mixed = splitmix64(state) ^ stream;
    for (uint64_t& word : state_) word = splitmix64(mixed);
  }

  uint64_t next() {
    const uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), bound > 0, without bias: values of the incomplete last block are thrown away.
  uint64_t below(uint64_t bound) {
    const uint64_t reject_under = (0 - bound) % bound;
    uint64_t value = next();
    while (value < reject_under) value = next();
    return value % bound;
  }

  // Uniform in [0, 1) with 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  // Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static uint64_t rotated(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }
  uint64_t state_[4];
};

}  // namespace collie
