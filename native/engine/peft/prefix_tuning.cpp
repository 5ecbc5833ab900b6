// Prefix tuning (Li and Liang 2021, arXiv 2101.00190) without the reparametrization: the slots are trained keys and values
// of every layer. They start as the keys and values that the model computes for real tokens, which the paper found best;
// PEFT starts at random. A prefix holds keys as attention sees them, with no rotation to come, as PEFT's cache does.
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "engine/peft/peft_config.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {
namespace {

class PrefixTuning final : public PromptAdapter {
 public:
  explicit PrefixTuning(const PromptSite& site)
      : v_(site.virtual_tokens),
        half_(site.config.n_kv_heads * site.config.head_dim),
        begin_(site.model.heads.kv_heads.begin * site.config.head_dim),
        own_(site.model.heads.kv_heads.size * site.config.head_dim),
        replica_(site.tp.rank() % site.model.heads.kv_replicas),
        tp_(site.tp) {
    prefix_ = at::zeros({v_, site.config.n_layers * 2 * half_}, site.fp32());
    if (site.purpose == Purpose::train) grad_ = at::zeros_like(prefix_);
  }

  void keys_values(const StepContext& ctx, int64_t layer, const at::Tensor& kv) const override {
    each_document_slots(ctx, kv, v_, [&](const at::Tensor& slots) {
      ctx.kernels.copy(keys_of(prefix_, layer), slots.narrow(1, 0, own_));
      ctx.kernels.copy(values_of(prefix_, layer), slots.narrow(1, own_, own_));
    });
  }
  void keys_values_backward(const StepContext& ctx, int64_t layer, const at::Tensor& dkv) override {
    each_document_slots(ctx, dkv, v_, [&](const at::Tensor& slots) {
      ctx.kernels.add(slots.narrow(1, 0, own_), keys_of(grad_, layer));
      ctx.kernels.add(slots.narrow(1, own_, own_), values_of(grad_, layer));
      slots.zero_();
    });
  }
  void init(Kernels& kernels, const PromptStart& start) override {
    const std::vector<at::Tensor> layers = start.keys_values();
    prefix_.zero_();
    for (size_t i = 0; i < layers.size() && replica_ == 0; ++i) {
      const auto layer = static_cast<int64_t>(i);
      kernels.copy(layers[i].narrow(1, 0, own_), keys_of(prefix_, layer));
      kernels.copy(layers[i].narrow(1, own_, own_), values_of(prefix_, layer));
    }
    tp_.all_reduce(prefix_);
  }
  std::vector<Parameter> parameters() const override {
    const Placement placement{{}, GradientSum::group, tp_.rank() == 0 ? Counted::yes : Counted::no};
    return {{.name = "prompt_embeddings",
             .master = prefix_,
             .grad = grad_,
             .kind = ParameterKind::table,
             .placement = tp_.size() == 1 ? Placement{} : placement}};
  }

 private:
  // Of the heads that this rank has.
  at::Tensor keys_of(const at::Tensor& all, int64_t layer) const {
    return all.narrow(1, layer * 2 * half_ + begin_, own_);
  }
  at::Tensor values_of(const at::Tensor& all, int64_t layer) const {
    return all.narrow(1, (layer * 2 + 1) * half_ + begin_, own_);
  }

  int64_t v_, half_, begin_, own_;  // half: columns of the keys of a layer; begin, own: those of this rank
  int64_t replica_;                 // which of the ranks with these heads this one is
  Communicator& tp_;
  // fp32 [v, layers 2 K]: keys, then values, layer by layer, as PEFT stores them. Whole on every rank of a tensor-parallel group: its
  // columns are many parts of the rank's and others' heads, and it is small.
  at::Tensor prefix_, grad_;
};

const PromptAdapterRegistration kPrefix("prefix_tuning", [](const MethodSpec&, const PromptSite& site) {
  return std::unique_ptr<PromptAdapter>(std::make_unique<PrefixTuning>(site));
});

// token_dim and num_attention_heads are those of keys and values, as PEFT writes them for grouped-query attention.
void configure(nlohmann::json& config, const TrainedWeights& from) {
  const int64_t width = from.model.n_kv_heads * from.model.head_dim;
  configure_virtual_tokens(config, from, width, from.model.n_kv_heads);
  config.update({{"prefix_projection", false}, {"encoder_hidden_size", width}, {"init_weights", nullptr}});
}

const PeftFormatRegistration kFormat("prefix_tuning",
                                     {.peft_type = "PREFIX_TUNING",
                                      .configure = configure,
                                      .name = prompt_name,
                                      .settled = {"num_virtual_tokens", "token_dim", "prefix_projection"}});

}  // namespace
}  // namespace collie
