// Bottleneck adapters (Houlsby et al. 2019, arXiv 1902.00751): y <- y + act(y W_d^T + b_d) W_u^T + b_u. W_u and the biases
// start at zero, so that the model starts unchanged; W_d as PyTorch's linear layers do.
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "engine/peft/lora_init.h"
#include "engine/peft/serial_adapter.h"

namespace collie {
namespace {

enum class Activation { relu, gelu, silu };

Activation activation_of(const std::string& name) {
  return name == "relu" ? Activation::relu : name == "gelu" ? Activation::gelu : Activation::silu;
}

void activate(Activation activation, const at::Tensor& z, at::Tensor out) {
  if (activation == Activation::gelu) at::gelu_out(out, z);
  if (activation == Activation::silu) at::silu_out(out, z);
  if (activation == Activation::relu) at::relu_out(out, z);
}

// `gradient` of the activation's result becomes that of z.
void activate_backward(Activation activation, const at::Tensor& z, at::Tensor gradient) {
  if (activation == Activation::gelu) at::gelu_backward_out(gradient, gradient, z);
  if (activation == Activation::silu) at::silu_backward_out(gradient, gradient, z);
  if (activation == Activation::relu) at::threshold_backward_out(gradient, gradient, z, 0);
}

struct AdapterLinear {
  at::Tensor weight, bias;            // fp32 [out, in], [out]
  at::Tensor weight_grad, bias_grad;  // or undefined
  at::Tensor computes;                // storage [out, in]; the weight itself in fp32

  AdapterLinear(int64_t out, int64_t in, const SerialSite& site) {
    const at::TensorOptions fp32 = at::TensorOptions().dtype(at::kFloat).device(site.device);
    weight = at::zeros({out, in}, fp32);
    bias = at::zeros({out}, fp32);
    computes = site.storage == at::kFloat ? weight : at::zeros({out, in}, fp32.dtype(site.storage));
    if (site.purpose == Purpose::serve) return;
    weight_grad = at::zeros_like(weight);
    bias_grad = at::zeros_like(bias);
  }
  void sync(Kernels& k) const {
    if (!computes.is_same(weight)) k.copy(weight, computes);
  }
  // y += x W^T + b
  void add_to(Kernels& k, const at::Tensor& x, const at::Tensor& y) const {
    y.add_(bias);
    k.gemm(x, computes.t(), y, {.beta = 1});
  }
  void accumulate(Kernels& k, const at::Tensor& dy, const at::Tensor& x) const {
    k.gemm(dy.t(), x, weight_grad, {.beta = 1});
    bias_grad.add_(at::sum(dy, 0, /*keepdim=*/false, at::kFloat));
  }
};

class Bottleneck final : public SerialAdapter {
 public:
  Bottleneck(const MethodSpec& method, const SerialSite& site)
      : name_(site.name),
        placement_(site.placement),
        hidden_(site.hidden),
        width_(method.integer("bottleneck_size")),
        activation_(activation_of(method.text("activation"))),
        down_(width_, hidden_, site),
        up_(hidden_, width_, site) {
    lora::init_a(down_.weight, site.seed, name_);
  }

  void forward(const StepContext& ctx, const at::Tensor& y, const at::Tensor& kept) const override {
    Kernels& k = ctx.kernels;
    const at::Tensor z = inner(kept), a = activated(kept);
    k.copy(y, input(kept));
    z.zero_();
    down_.add_to(k, y, z);
    activate(activation_, z, a);
    up_.add_to(k, a, y);
  }

  at::Tensor backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& kept) override {
    Kernels& k = ctx.kernels;
    const at::Tensor z = inner(kept), a = activated(kept), x = input(kept);
    up_.accumulate(k, dy, a);
    k.gemm(dy, up_.computes, a);
    activate_backward(activation_, z, a);
    down_.accumulate(k, a, x);
    k.copy(dy, x);
    k.gemm(a, down_.computes, x, {.beta = 1});
    return x;
  }

  void sync(Kernels& kernels) override {
    down_.sync(kernels);
    up_.sync(kernels);
  }

  std::vector<Parameter> parameters() const override {
    std::vector<Parameter> all;
    const auto add = [&](const std::string& name, const AdapterLinear& linear) {
      all.push_back(
          {.name = name + ".weight", .master = linear.weight, .grad = linear.weight_grad, .placement = placement_});
      all.push_back({.name = name + ".bias",
                     .master = linear.bias,
                     .grad = linear.bias_grad,
                     .decay = Decay::no,
                     .kind = ParameterKind::vector,
                     .placement = placement_});
    };
    add(name_ + ".down", down_);
    add(name_ + ".up", up_);
    return all;
  }

  int64_t weight_bytes() const override {
    size_t bytes = 0;
    for (const AdapterLinear* linear : {&down_, &up_}) {
      bytes += linear->weight.nbytes() + linear->bias.nbytes();
      if (!linear->computes.is_same(linear->weight)) bytes += linear->computes.nbytes();
    }
    return static_cast<int64_t>(bytes);
  }

 private:
  at::Tensor input(const at::Tensor& kept) const { return kept.narrow(1, 0, hidden_); }
  at::Tensor inner(const at::Tensor& kept) const { return kept.narrow(1, hidden_, width_); }
  at::Tensor activated(const at::Tensor& kept) const { return kept.narrow(1, hidden_ + width_, width_); }

  std::string name_;
  Placement placement_;
  int64_t hidden_, width_;
  Activation activation_;
  AdapterLinear down_, up_;
};

const SerialAdapterRegistration kBottleneck("bottleneck", [](const MethodSpec& method, const SerialSite& site) {
  return std::unique_ptr<SerialAdapter>(std::make_unique<Bottleneck>(method, site));
});

}  // namespace
}  // namespace collie
