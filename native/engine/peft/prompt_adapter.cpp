#include "engine/peft/prompt_adapter.h"

#include <stdexcept>

namespace collie {

std::unique_ptr<PromptAdapter> make_prompt_adapter(const MethodSpec& method, const PromptSite& site) {
  if (site.virtual_tokens == 0) return nullptr;
  const PromptAdapterMaker* maker = PromptAdapterRegistration::find(method.type);
  if (!maker) throw std::logic_error("no adapter with virtual tokens is registered for " + method.type);
  return (*maker)(method, site);
}

void each_document_slots(const StepContext& ctx, const at::Tensor& rows, int64_t virtual_tokens,
                         const std::function<void(const at::Tensor&)>& visit) {
  for (size_t d = 0; d + 1 < ctx.docs.offsets.size(); ++d) visit(rows.narrow(0, ctx.docs.offsets[d], virtual_tokens));
}

std::vector<int32_t> prompt_start_ids(std::span<const int32_t> text, int64_t virtual_tokens, int64_t vocab_size,
                                      uint64_t seed) {
  constexpr uint64_t kStream = 0x70726f6d70740aull;  // "prompt": other draws of the same seed differ
  Random random(seed, kStream);
  std::vector<int32_t> ids(static_cast<size_t>(virtual_tokens));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] =
        text.empty() ? static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab_size))) : text[i % text.size()];
  return ids;
}

}  // namespace collie
