// 8-bit AdamW: AdamW with both moments in a byte a value (Dettmers et al. 2021, arXiv 2110.02861). Blocks of 256 values share one
// scale, their largest magnitude; a value is stored as the nearest of 256 in the dynamic map, whose spacing follows the exponent.
//   m, v <- dequantized;      AdamW's step on them, in fp32;      m, v -> quantized
// Tensors of less than 4096 elements keep fp32 moments, as in bitsandbytes, whose arithmetic this is but for one thing: its CPU
// library looks codes up in a coarser table and misses the nearest for 3 in 100 second moments (1e-7 becomes 2e-5); the paper, and
// its CUDA kernels, take the nearest. Embeddings are quantized like the rest (the paper's stable embedding layer is another model,
// not another optimizer).
// State: 2 bytes and 8 / 256 bytes a parameter. Workspace: a few hundred blocks.
#include <ATen/ops/empty.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/recipe/optimizer_sizes.h"
#include "engine/optim/rule_base.h"

namespace collie {

namespace {

enum class Sign { both, positive };

// The dynamic map: for every power of ten from 1e-6 to 1 the middles of equal parts of [0.1, 1], twice as many a power as in the
// one below; and 0 and 1.
at::Tensor dynamic_map(Sign sign) {
  constexpr int kPowers = 7;
  std::vector<float> values = {0, 1};
  for (int i = 0; i < kPowers; ++i) {
    const int64_t parts = int64_t{1} << (sign == Sign::both ? i : i + 1);
    const at::Tensor borders = at::linspace(0.1, 1, parts + 1, at::kFloat);
    const float* b = borders.const_data_ptr<float>();
    const float power = static_cast<float>(std::pow(10.0, i - (kPowers - 1)));
    for (int64_t j = 0; j < parts; ++j) {
      const float middle = power * ((b[j] + b[j + 1]) / 2);
      values.push_back(middle);
      if (sign == Sign::both) values.push_back(-middle);
    }
  }
  std::ranges::sort(values);
  const at::Tensor map = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::ranges::copy(values, map.data_ptr<float>());
  return map;
}

// Borders between neighbours of the map: a value at a border belongs to the lower.
at::Tensor borders_of(const at::Tensor& map) { return map.narrow(0, 0, 255).add(map.narrow(0, 1, 255)).div(2); }

class AdamW8bit final : public RuleBase {
 public:
  AdamW8bit(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels), fields_(adamw_fields(spec.hyper)) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor& weight = parameters[i].master;
      for (const std::string moment : {"m", "v"}) {
        if (weight.numel() < kSmallestQuantized) {
          add_state(i, moment, weight.sizes());
          continue;
        }
        add_state(i, moment + "_codes", weight.sizes(), at::kByte);
        add_state(i, moment + "_scales", {(weight.numel() + kBlock - 1) / kBlock});
      }
    }
    reserve_workspace(spec, parameters);
    const at::Device device = parameters.empty() ? at::Device(at::kCPU) : parameters.front().master.device();
    for (const size_t moment : {0, 1}) {
      const at::Tensor map = dynamic_map(moment == 0 ? Sign::both : Sign::positive);
      maps_[moment] = map.to(device);
      borders_[moment] = borders_of(map).to(device);
    }
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    AdamWFields fields = fields_;
    fields.weight_decay = decay_of(parameter, fields.weight_decay);
    if (slots(index) == 2) {
      ElementUpdate update = element_update(index, parameter, now);
      update.rule = adamw_rule(fields, rate_of(parameter, now), now.step);
      kernels_.update(update);
      return;
    }
    const double rate = rate_of(parameter, now);
    kernels_.update(ByteAdamW{.weight = parameter.master,
                              .grad = parameter.grad,
                              .m = moment(index, 0),
                              .v = moment(index, 1),
                              .beta1 = fields.beta1,
                              .beta2 = fields.beta2,
                              .eps = fields.eps,
                              .decay = rate * fields.weight_decay,
                              .rate = rate / bias_correction(fields.beta1, now.step),
                              .root = std::sqrt(bias_correction(fields.beta2, now.step)),
                              .grad_scale = now.grad_factor,
                              .rounding_key = element_update(index, parameter, now).rounding_key,
                              .workspace = workspace()});
  }

 private:
  static constexpr int64_t kSmallestQuantized = kSmallest8bit, kBlock = k8bitBlock;
  static_assert(kBlock == kByteMomentBlock);

  ByteMoment moment(size_t index, size_t place) const {
    return {slot(index, 2 * place), slot(index, 2 * place + 1), maps_[place], borders_[place]};
  }

  AdamWFields fields_;
  std::array<at::Tensor, 2> maps_, borders_;
};

const RegisterOptimizer registered("adamw8bit", make_rule<AdamW8bit>);

}  // namespace

}  // namespace collie
