#include "engine/generate/batch_generator.h"

#include <algorithm>

namespace collie {

BatchGenerator::BatchGenerator(Decoder& decoder, AdapterUse adapter, int64_t at_once, int64_t context_tokens)
    : decoder_(decoder), adapter_(adapter), context_tokens_(context_tokens), slots_(static_cast<size_t>(at_once)) {
  for (Slot& slot : slots_) slot.cache = decoder.make_cache(context_tokens);
}

std::vector<Answer> BatchGenerator::run(std::span<const GenerationRequest> requests,
                                        const std::function<Next(int64_t done)>& poll) {
  for (const GenerationRequest& request : requests)
    check_request(request, decoder_.config().vocab_size, context_tokens_);
  answers_.assign(requests.size(), {});
  done_ = 0;
  for (Slot& slot : slots_) slot.request = -1;
  int64_t next = 0;
  while (done_ < static_cast<int64_t>(requests.size())) {
    for (Slot& slot : slots_) {
      while (slot.request < 0 && next < static_cast<int64_t>(requests.size())) {
        if (poll(done_) == Next::cancel) return std::move(answers_);
        take(requests, next++, slot);
      }
    }
    if (done_ == static_cast<int64_t>(requests.size())) break;
    if (poll(done_) == Next::cancel) return std::move(answers_);
    step(requests);
  }
  return std::move(answers_);
}

// The prompt, and the first token of its answer.
void BatchGenerator::take(std::span<const GenerationRequest> requests, int64_t request, Slot& slot) {
  slot.request = request;
  decoder_.truncate(*slot.cache, 0);
  const at::Tensor logits = decoder_.extend(requests[static_cast<size_t>(request)].ids, *slot.cache, adapter_);
  draw(requests, slot, checked_logits(logits));
}

void BatchGenerator::draw(std::span<const GenerationRequest> requests, Slot& slot, std::span<const float> logits) {
  const GenerationRequest& request = requests[static_cast<size_t>(slot.request)];
  Answer& answer = answers_[static_cast<size_t>(slot.request)];
  const int32_t token = Sampler(request.sampling).next(logits, static_cast<int64_t>(answer.ids.size()));
  const bool stops = std::ranges::find(request.stop_ids, token) != request.stop_ids.end();
  if (!stops) answer.ids.push_back(token);
  slot.last = token;
  if (!stops && static_cast<int64_t>(answer.ids.size()) < request.max_new_tokens) return;
  answer.finish = stops ? Finish::stop : Finish::length;
  slot.request = -1;
  ++done_;
}

void BatchGenerator::step(std::span<const GenerationRequest> requests) {
  std::vector<int32_t> ids;
  std::vector<KvCache*> caches;
  std::vector<Slot*> going;
  for (Slot& slot : slots_) {
    if (slot.request < 0) continue;
    ids.push_back(slot.last);
    caches.push_back(slot.cache.get());
    going.push_back(&slot);
  }
  const at::Tensor logits = decoder_.extend_each(ids, caches, adapter_);
  for (size_t i = 0; i < going.size(); ++i) draw(requests, *going[i], checked_logits(logits[static_cast<int64_t>(i)]));
}

}  // namespace collie
