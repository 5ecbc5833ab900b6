// Answers to many prompts, several at a time: every call of the decoder takes one token more of each answer under way, so that the
// weights are read once for all of them. A prompt whose answer ends makes room for the next.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/generate/generator.h"

namespace collie {

struct Answer {
  std::vector<int32_t> ids;
  Finish finish = Finish::cancelled;
};

class BatchGenerator {
 public:
  // `at_once`: answers under way, at most the decoder's capacity; each has room for `context_tokens` of prompt and answer. The decoder
  // must outlive it. The caches are given back with it: the weights may change in between.
  BatchGenerator(Decoder& decoder, AdapterUse adapter, int64_t at_once, int64_t context_tokens);

  // One answer a request, in their order; cancelled ones have what there was. `poll` is told how many are done before each call of the
  // decoder. Throws request.invalid as Generator::run, train.non_finite.
  std::vector<Answer> run(std::span<const GenerationRequest> requests, const std::function<Next(int64_t done)>& poll);

 private:
  struct Slot {
    std::shared_ptr<KvCache> cache;
    int64_t request = -1;  // -1: free
    int32_t last = 0;      // token that the decoder has not seen yet
  };

  void take(std::span<const GenerationRequest> requests, int64_t request, Slot& slot);
  void draw(std::span<const GenerationRequest> requests, Slot& slot, std::span<const float> logits);
  void step(std::span<const GenerationRequest> requests);

  Decoder& decoder_;
  AdapterUse adapter_;
  int64_t context_tokens_;
  std::vector<Slot> slots_;
  std::vector<Answer> answers_;
  int64_t done_ = 0;
};

}  // namespace collie
