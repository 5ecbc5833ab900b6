#include "mutate.h"

#include <algorithm>
#include <cstring>

namespace collie::fuzz {

namespace {

constexpr size_t kMostBytes = 1 << 20;

constexpr uint64_t kEdges[] = {0,
                               1,
                               0x7f,
                               0x80,
                               0xff,
                               0x7fff,
                               0x8000,
                               0xffff,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               uint64_t{1} << 40,
                               uint64_t{1} << 62,
                               uint64_t{1} << 63,
                               ~uint64_t{0}};

constexpr const char* kTokens[] = {"{",
                                   "}",
                                   "[",
                                   "]",
                                   "\"",
                                   ",",
                                   ":",
                                   "null",
                                   "true",
                                   "-1",
                                   "1e999",
                                   "9223372036854775808",
                                   "18446744073709551616",
                                   "\\u0000",
                                   "\\ud800",
                                   "\xff",
                                   "\0"};

void overwrite_number(std::string& text, Random& random) {
  const uint64_t value = kEdges[random.below(std::size(kEdges))];
  const size_t width = size_t{1} << random.below(4);
  if (text.size() < width) return;
  std::memcpy(text.data() + random.below(text.size() - width + 1), &value, width);
}

void change(std::string& text, const std::vector<std::string>& others, Random& random) {
  const size_t at = random.below(text.size() + 1);
  const size_t length = std::min(text.size() - at, random.below(64) + 1);
  switch (random.below(9)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
      return;
    case 1:
      if (at < text.size()) text[at] = static_cast<char>(random.next());
      return;
    case 2:
      return overwrite_number(text, random);
    case 3:
      text.erase(at, length);
      return;
    case 4:
      text.insert(at, text.substr(at, length));
      return;
    case 5:
      text.insert(at, kTokens[random.below(std::size(kTokens))]);
      return;
    case 6:
      text.insert(at, std::string(size_t{1} << random.below(14), "[{\"("[random.below(4)]));
      return;
    case 7:
      text.resize(at);
      return;
    default: {
      const std::string& other = others[random.below(others.size())];
      const size_t from = random.below(other.size() + 1);
      text.replace(at, length, other.substr(from, random.below(256)));
    }
  }
}

}  // namespace

std::string mutate(std::string text, const std::vector<std::string>& others, Random& random) {
  for (size_t count = random.below(8) + 1; count > 0; --count) change(text, others, random);
  if (text.size() > kMostBytes) text.resize(kMostBytes);
  return text;
}

}  // namespace collie::fuzz
