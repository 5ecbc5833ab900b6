// Prompt tuning (Lester et al. 2021, arXiv 2104.08691): the slots are trained input vectors, which start as embeddings of
// tokens.
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "engine/peft/peft_config.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {
namespace {

class PromptTuning final : public PromptAdapter {
 public:
  explicit PromptTuning(const PromptSite& site) : v_(site.virtual_tokens), placement_(replicated(site.tp)) {
    vectors_ = at::zeros({v_, site.config.hidden_size}, site.fp32());
    if (site.purpose == Purpose::train) grad_ = at::zeros_like(vectors_);
  }

  void embed(const StepContext& ctx, const at::Tensor& x) const override {
    each_document_slots(ctx, x, v_, [&](const at::Tensor& slots) { ctx.kernels.copy(vectors_, slots); });
  }
  void embed_backward(const StepContext& ctx, const at::Tensor& dx) override {
    each_document_slots(ctx, dx, v_, [&](const at::Tensor& slots) { ctx.kernels.add(slots, grad_); });
  }
  void init(Kernels& kernels, const PromptStart& start) override { kernels.copy(start.embeddings, vectors_); }
  std::vector<Parameter> parameters() const override {
    return {{.name = "prompt_embeddings",
             .master = vectors_,
             .grad = grad_,
             .kind = ParameterKind::table,
             .placement = placement_}};
  }

 private:
  int64_t v_;
  Placement placement_;
  at::Tensor vectors_, grad_;  // fp32 [v, D]
};

const PromptAdapterRegistration kPrompt("prompt_tuning", [](const MethodSpec&, const PromptSite& site) {
  return std::unique_ptr<PromptAdapter>(std::make_unique<PromptTuning>(site));
});

void configure(nlohmann::json& config, const TrainedWeights& from) {
  configure_virtual_tokens(config, from, from.model.hidden_size, from.model.n_heads);
  config.update({{"prompt_tuning_init", "RANDOM"},  // what to start from, which a saved adapter does not
                 {"prompt_tuning_init_text", nullptr},
                 {"tokenizer_name_or_path", nullptr},
                 {"tokenizer_kwargs", nullptr}});
}

const PeftFormatRegistration kFormat("prompt_tuning", {.peft_type = "PROMPT_TUNING",
                                                       .configure = configure,
                                                       .name = prompt_name,
                                                       .settled = {"num_virtual_tokens", "token_dim"}});

}  // namespace
}  // namespace collie
