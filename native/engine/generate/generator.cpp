#include "engine/generate/generator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/error.h"

namespace collie {

Generator::Generator(Decoder& decoder, AdapterUse adapter, int64_t context_tokens, int64_t chunk_tokens)
    : decoder_(decoder),
      adapter_(adapter),
      context_tokens_(context_tokens),
      chunk_tokens_(chunk_tokens),
      cache_(decoder.make_cache(context_tokens)) {}

void Generator::forget() {
  decoder_.truncate(*cache_, 0);
  cached_.clear();
}

void check_request(const GenerationRequest& request, int64_t vocab_size, int64_t context_tokens) {
  if (request.ids.empty()) throw Error("request.invalid", "The prompt has no tokens.");
  if (request.max_new_tokens < 1)
    throw Error("request.invalid",
                "max_new_tokens must be 1 or more, not " + std::to_string(request.max_new_tokens) + ".");
  for (const int32_t id : request.ids)
    if (id < 0 || id >= vocab_size)
      throw Error("request.invalid", "The prompt holds token id " + std::to_string(id) +
                                         "; the model's vocabulary has " + std::to_string(vocab_size) + ".");
  const auto prompt = static_cast<int64_t>(request.ids.size());
  if (prompt + request.max_new_tokens > context_tokens)
    throw Error(
        "request.invalid",
        "The prompt (" + std::to_string(prompt) + " tokens) and " + std::to_string(request.max_new_tokens) +
            " new tokens do not fit into the context of " + std::to_string(context_tokens) + " tokens.",
        "Shorten the conversation or the answer.",
        {{"prompt_tokens", prompt}, {"max_new_tokens", request.max_new_tokens}, {"context_tokens", context_tokens}});
}

// Brings the cache to hold exactly `ids`, and logits_ to what follows the last of them. At least that last one is fed,
// even when the cache holds it already: its logits are not kept.
Next Generator::feed(const std::vector<int32_t>& ids, const GenerationHooks& hooks) {
  const auto most = static_cast<ptrdiff_t>(std::min(cached_.size(), ids.size() - 1));
  const auto common = std::mismatch(cached_.begin(), cached_.begin() + most, ids.begin()).first - cached_.begin();
  decoder_.truncate(*cache_, common);
  cached_.resize(static_cast<size_t>(common));
  while (cached_.size() < ids.size()) {
    if (hooks.poll() == Next::cancel) return Next::cancel;
    const size_t count = std::min<size_t>(ids.size() - cached_.size(), static_cast<size_t>(chunk_tokens_));
    const std::span<const int32_t> chunk(ids.data() + cached_.size(), count);
    logits_ = decoder_.extend(chunk, *cache_, adapter_);
    cached_.insert(cached_.end(), chunk.begin(), chunk.end());
  }
  return Next::go_on;
}

std::span<const float> checked_logits(const at::Tensor& logits) {
  const std::span<const float> values(logits.const_data_ptr<float>(), static_cast<size_t>(logits.numel()));
  if (std::ranges::any_of(values, [](float value) { return std::isnan(value); }))
    throw Error("train.non_finite", "The model's answer is NaN: its weights hold infinite or NaN values.",
                "Use an earlier checkpoint, or train with a lower learning rate.");
  return values;
}

Finish Generator::run(const GenerationRequest& request, const GenerationHooks& hooks) {
  check_request(request, decoder_.config().vocab_size, context_tokens_);
  Sampler sampler(request.sampling);
  std::vector<int32_t> ids = request.ids;
  for (int64_t index = 0; index < request.max_new_tokens; ++index) {
    if (feed(ids, hooks) == Next::cancel) return Finish::cancelled;
    const int32_t token = sampler.next(checked_logits(logits_), index);
    if (std::ranges::find(request.stop_ids, token) != request.stop_ids.end()) return Finish::stop;
    hooks.on_token(token);
    ids.push_back(token);
  }
  return Finish::length;
}

}  // namespace collie
