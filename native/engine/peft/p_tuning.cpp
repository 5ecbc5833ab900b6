// P-tuning (Liu et al. 2021, arXiv 2103.10385) with PEFT's encoder: the slots' input vectors are the outputs of a trained
// network, e -> W3 relu(W2 relu(W1 e + b1) + b2) + b3, of one trained embedding a slot. In fp32 throughout: it is small.
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <array>
#include <cmath>

#include "engine/peft/peft_config.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {
namespace {

constexpr const char* kEmbedding = "prompt_encoder.embedding.weight";

std::string linear_name(size_t index) {
  return std::string("prompt_encoder.mlp_head.").append(std::to_string(2 * index));
}

struct EncoderLinear {
  at::Tensor weight, bias, weight_grad, bias_grad;  // fp32 [out, in], [out]

  // y [v, out] = x W^T + b
  void forward(Kernels& k, const at::Tensor& x, const at::Tensor& y) const {
    y.copy_(bias.unsqueeze(0).expand_as(y));
    k.gemm(x, weight.t(), y, {.beta = 1});
  }
  void backward(Kernels& k, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx) {
    k.gemm(dy.t(), x, weight_grad, {.beta = 1});
    bias_grad.add_(at::sum(dy, 0));
    k.gemm(dy, weight, dx);
  }
};

// PyTorch's initial values of a linear layer, uniform in +-1/sqrt(in); of an embedding, normal.
void fill_uniform(const at::Tensor& t, int64_t in, Random& random) {
  const at::Tensor host = at::empty(t.sizes(), at::TensorOptions().dtype(at::kFloat));
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  for (int64_t i = 0; i < host.numel(); ++i)
    host.mutable_data_ptr<float>()[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
  t.copy_(host);
}

class PTuning final : public PromptAdapter {
 public:
  PTuning(const MethodSpec& method, const PromptSite& site)
      : v_(site.virtual_tokens),
        d_(site.config.hidden_size),
        h_(method.integer("encoder_hidden_size")),
        seed_(site.seed),
        trains_(site.purpose == Purpose::train),
        placement_(replicated(site.tp)) {
    embedding_ = at::zeros({v_, d_}, site.fp32());
    if (trains_) embedding_grad_ = at::zeros_like(embedding_);
    const std::array<int64_t, 4> sizes = {d_, h_, h_, d_};
    for (size_t i = 0; i < linears_.size(); ++i) {
      EncoderLinear& l = linears_[i];
      l.weight = at::zeros({sizes[i + 1], sizes[i]}, site.fp32());
      l.bias = at::zeros({sizes[i + 1]}, site.fp32());
      if (!trains_) continue;
      l.weight_grad = at::zeros_like(l.weight);
      l.bias_grad = at::zeros_like(l.bias);
    }
    const at::Tensor work = site.work.flatten();
    int64_t used = 0;
    const auto take = [&](int64_t cols) {
      const at::Tensor part = work.narrow(0, used, v_ * cols).view({v_, cols});
      used += v_ * cols;
      return part;
    };
    inner1_ = take(h_);
    inner2_ = take(h_);
    output_ = take(d_);
    if (!trains_) return;
    d_inner_ = take(h_);
    d_inner1_ = take(h_);
    d_output_ = take(d_);
  }

  void embed(const StepContext& ctx, const at::Tensor& x) const override {
    each_document_slots(ctx, x, v_, [&](const at::Tensor& slots) { ctx.kernels.copy(output_, slots); });
  }

  void embed_backward(const StepContext& ctx, const at::Tensor& dx) override {
    Kernels& k = ctx.kernels;
    d_output_.zero_();
    each_document_slots(ctx, dx, v_, [&](const at::Tensor& slots) { k.add(slots, d_output_); });
    linears_[2].backward(k, d_output_, inner2_, d_inner_);
    d_inner_.mul_(inner2_.gt(0));
    linears_[1].backward(k, d_inner_, inner1_, d_inner1_);
    d_inner1_.mul_(inner1_.gt(0));
    linears_[0].backward(k, d_inner1_, embedding_, d_output_);
    k.add(d_output_, embedding_grad_);
  }

  void init(Kernels&, const PromptStart&) override {
    constexpr uint64_t kStream = 0x656e636f646572ull;  // "encoder"
    Random random(seed_, kStream);
    // Variance 1 as PyTorch's embedding has; uniform draws do.
    fill_uniform(embedding_, 1, random);
    embedding_.mul_(std::sqrt(3.0));
    for (EncoderLinear& l : linears_) {
      fill_uniform(l.weight, l.weight.size(1), random);
      fill_uniform(l.bias, l.weight.size(1), random);
    }
  }

  // The encoder's outputs change with its weights only.
  void sync(Kernels& k) override {
    linears_[0].forward(k, embedding_, inner1_);
    inner1_.relu_();
    linears_[1].forward(k, inner1_, inner2_);
    inner2_.relu_();
    linears_[2].forward(k, inner2_, output_);
  }

  std::vector<Parameter> parameters() const override {
    std::vector<Parameter> all = {{.name = kEmbedding,
                                   .master = embedding_,
                                   .grad = embedding_grad_,
                                   .kind = ParameterKind::table,
                                   .placement = placement_}};
    for (size_t i = 0; i < linears_.size(); ++i) {
      const std::string name = linear_name(i);
      const EncoderLinear& l = linears_[i];
      all.push_back({.name = name + ".weight", .master = l.weight, .grad = l.weight_grad, .placement = placement_});
      all.push_back({.name = name + ".bias",
                     .master = l.bias,
                     .grad = l.bias_grad,
                     .decay = Decay::no,
                     .kind = ParameterKind::vector,
                     .placement = placement_});
    }
    return all;
  }

 private:
  int64_t v_, d_, h_;
  uint64_t seed_;
  bool trains_;
  Placement placement_;
  at::Tensor embedding_, embedding_grad_;  // [v, D]
  std::array<EncoderLinear, 3> linears_;
  at::Tensor inner1_, inner2_, output_;       // after the activations [v, H], [v, H]; [v, D]
  at::Tensor d_inner_, d_inner1_, d_output_;  // gradients
};

const PromptAdapterRegistration kPTuning("p_tuning", [](const MethodSpec& method, const PromptSite& site) {
  return std::unique_ptr<PromptAdapter>(std::make_unique<PTuning>(method, site));
});

void configure(nlohmann::json& config, const TrainedWeights& from) {
  configure_virtual_tokens(config, from, from.model.hidden_size, from.model.n_heads);
  config.update({{"encoder_reparameterization_type", "MLP"},
                 {"encoder_hidden_size", from.method.integer("encoder_hidden_size")},
                 {"encoder_num_layers", 2},
                 {"encoder_dropout", 0.0}});
}

at::Tensor encoded(const TrainedWeights& from) {
  at::Tensor x = from.at(kEmbedding).value();
  for (size_t i = 0; i < 3; ++i) {
    if (i > 0) x = at::relu(x);
    x = at::addmm(from.at(linear_name(i) + ".bias").value(), x, from.at(linear_name(i) + ".weight").value().t());
  }
  return x;
}

// PEFT stores what the encoder makes of its embeddings, and not the encoder.
std::optional<LazyTensor> exported(const TrainedWeights& from, const LazyTensor& tensor) {
  if (tensor.name != kEmbedding) return std::nullopt;
  return LazyTensor{"prompt_embeddings", tensor.shape, [&from] { return encoded(from); }};
}

const PeftFormatRegistration kFormat("p_tuning",
                                     {.peft_type = "P_TUNING", .configure = configure, .exported = exported});

}  // namespace
}  // namespace collie
