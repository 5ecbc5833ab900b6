// Prefix tuning (Li and Liang 2021, arXiv 2101.00190) without the reparametrization: the slots are trained keys and values
// of every layer. They start as the keys and values that the model computes for real tokens, which the paper found best;
// PEFT starts at random. A prefix holds keys as attention sees them, with no rotation to come, as PEFT's cache does.
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "engine/peft/prompt_adapter.h"

namespace collie {
namespace {

class PrefixTuning final : public PromptAdapter {
 public:
  explicit PrefixTuning(const PromptSite& site)
      : v_(site.virtual_tokens), width_(2 * site.config.n_kv_heads * site.config.head_dim) {
    prefix_ = at::zeros({v_, site.config.n_layers * width_}, site.fp32());
    if (site.purpose == Purpose::train) grad_ = at::zeros_like(prefix_);
  }

  void keys_values(const StepContext& ctx, int64_t layer, const at::Tensor& kv) const override {
    each_document_slots(ctx, kv, v_, [&](const at::Tensor& slots) { ctx.kernels.copy(of_layer(prefix_, layer), slots); });
  }
  void keys_values_backward(const StepContext& ctx, int64_t layer, const at::Tensor& dkv) override {
    each_document_slots(ctx, dkv, v_, [&](const at::Tensor& slots) {
      ctx.kernels.add(slots, of_layer(grad_, layer));
      slots.zero_();
    });
  }
  void init(Kernels& kernels, const PromptStart& start) override {
    const std::vector<at::Tensor> layers = start.keys_values();
    for (size_t i = 0; i < layers.size(); ++i) kernels.copy(layers[i], of_layer(prefix_, static_cast<int64_t>(i)));
  }
  std::vector<Parameter> parameters() const override {
    return {{.name = "prompt_embeddings", .master = prefix_, .grad = grad_, .kind = ParameterKind::table}};
  }

 private:
  at::Tensor of_layer(const at::Tensor& all, int64_t layer) const { return all.narrow(1, layer * width_, width_); }

  int64_t v_, width_;
  at::Tensor prefix_, grad_;  // fp32 [v, layers 2 K]: keys, then values, layer by layer, as PEFT stores them
};

const PromptAdapterRegistration kPrefix("prefix_tuning", [](const MethodSpec&, const PromptSite& site) {
  return std::unique_ptr<PromptAdapter>(std::make_unique<PrefixTuning>(site));
});

}  // namespace
}  // namespace collie
