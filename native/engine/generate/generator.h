// Token by token generation over a key-value cache that is kept between requests with the same beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/generate/sampler.h"
#include "engine/model/decoder.h"

namespace collie {

struct GenerationRequest {
  std::vector<int32_t> ids;  // the prompt, at least one token
  SamplingOptions sampling;
  int64_t max_new_tokens = 0;
  std::vector<int32_t> stop_ids;  // generation ends at one of them; it is not part of the answer
};

enum class Finish { stop, length, cancelled };
enum class Next { go_on, cancel };

struct GenerationHooks {
  std::function<void(int32_t)> on_token;  // each new token, as soon as it is known
  std::function<Next()> poll;             // asked before each call of the decoder
};

// A conversation with one decoder: its cache and the tokens in it.
class Generator {
 public:
  // `context_tokens`: most tokens of prompt and answer together. `chunk_tokens`: most tokens handed to the decoder at once
  // (its capacity). The decoder must outlive the generator.
  Generator(Decoder& decoder, AdapterUse adapter, int64_t context_tokens, int64_t chunk_tokens);

  // Throws request.invalid: no prompt, ids outside the vocabulary, prompt and answer longer than the context (with the
  // numbers); train.non_finite when the model answers with NaN.
  Finish run(const GenerationRequest& request, const GenerationHooks& hooks);

  // To be called when the weights changed: what the cache holds is void.
  void forget();

 private:
  Next feed(const std::vector<int32_t>& ids, const GenerationHooks& hooks);

  Decoder& decoder_;
  AdapterUse adapter_;
  int64_t context_tokens_;
  int64_t chunk_tokens_;
  std::shared_ptr<KvCache> cache_;
  std::vector<int32_t> cached_;
  at::Tensor logits_;  // after the last cached token
};

// Throws request.invalid: no prompt, ids outside the vocabulary, prompt and answer longer than the context (with the numbers).
void check_request(const GenerationRequest& request, int64_t vocab_size, int64_t context_tokens);
// The values of logits on the CPU. Throws train.non_finite where one is NaN.
std::span<const float> checked_logits(const at::Tensor& logits);

}  // namespace collie
