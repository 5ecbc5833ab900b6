// Where the random weights of benchmarks and tests come from.
#pragma once

namespace collie {

enum class RandomSource {
  name,    // a pure function of seed and name: the same numbers on every device and in every layout
  device,  // the generator of the device that holds the weight, as fast as that writes; other numbers on another device
};

}  // namespace collie
