// Picks the next token from logits. Random numbers are a pure function of seed and token index: the same request gives the
// same text, whatever ran before.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace collie {

struct SamplingOptions {
  double temperature = 0;  // 0: the most likely token, always (greedy)
  int64_t top_k = 0;       // only the k most likely; 0: all
  double top_p =
      1;  // only the most likely that together reach this probability (Holtzman et al. 2019, arXiv 1904.09751)
  uint64_t seed = 0;
};

class Sampler {
 public:
  // Throws request.invalid for a temperature below 0, top_k below 0 or top_p outside (0, 1].
  explicit Sampler(const SamplingOptions& options);

  // logits: [vocab_size]. Temperature first, then top_k, then top_p. Of equal logits the lower id counts as the more likely.
  // `index`: how many tokens were sampled before.
  int32_t next(std::span<const float> logits, int64_t index);

 private:
  double uniform(int64_t index) const;

  SamplingOptions options_;
  std::vector<std::pair<float, int32_t>> candidates_;
  std::vector<double> weights_;
};

}  // namespace collie
