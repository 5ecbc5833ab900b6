// What the blocks of a decoder layer are made from.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/model_config.h"
#include "core/plan/model_layout.h"
#include "engine/model/base_weight.h"
#include "engine/model/linear.h"
#include "engine/model/norm.h"
#include "engine/peft/serial_adapter.h"

namespace collie {

struct LayerOptions {
  const ModelConfig& config;
  const ModelLayout& model;
  const MethodSpec* method;  // null: no adapter
  int64_t index = 0;         // among the rank's layers
  at::TensorOptions storage;
  uint64_t seed = 0;
  at::Tensor weight_scratch;  // SharedBuffers::weight
  Communicator& tp;
  const SharedBase& base;  // weights of another decoder that are used here
  const ParameterOwners& owners;
  const std::array<SharedLinear, 4>* gathered;  // ZeRO 3: where the linears are put together; else null

  int64_t layer() const { return model.shard.layer(index); }  // in the model
  const LayerLayout& layout() const { return model.layers[static_cast<size_t>(index)]; }
  std::string prefix() const { return "model.layers." + std::to_string(layer()) + "."; }

  // `number` tells the layer's linears apart. `first` is the same linear of the layer whose gradients all share; or null.
  LinearOptions linear(const LinearLayout& linear, int64_t number, const Linear* first) const {
    std::vector<Ownership> own;
    for (const Projection& part : linear.parts) own.push_back(owners.of(prefix() + part.module + ".weight"));
    return {.site = {.layout = linear,
                     .storage = c10::typeMetaToScalarType(storage.dtype()),
                     .device = storage.device(),
                     .purpose = model.purpose,
                     .seed = seed,
                     .prefix = prefix(),
                     .layer = layer(),
                     .index = number,
                     .tp = linear.split == Split::none ? nullptr : &tp},
            .masters = model.masters,
            .method = method,
            .shared_grad = first ? first->grad() : at::Tensor(),
            .shared_bias_grad = first ? first->bias_grad() : at::Tensor(),
            .weight_scratch = weight_scratch,
            .shared = base.linear(prefix() + linear.parts[0].module),
            .gathered = gathered ? &(*gathered)[static_cast<size_t>(number)] : nullptr,
            .owners = std::move(own)};
  }
  // What the method puts after a block: "attention_adapter", "mlp_adapter"; or null.
  std::unique_ptr<SerialAdapter> serial(const std::string& name) const {
    if (!method) return nullptr;
    return make_serial_adapter(*method, model,
                               {.name = prefix() + name,
                                .hidden = config.hidden_size,
                                .storage = c10::typeMetaToScalarType(storage.dtype()),
                                .device = storage.device(),
                                .purpose = model.purpose,
                                .seed = seed,
                                .placement = between_linears(tp, model.shard)});
  }
  // `first`: the same norm of the layer whose gradients all share; or null.
  template <class Kind>
  std::optional<Kind> norm(const NormLayout& norm, std::optional<Kind>* first) const {
    if (!norm.exists()) return std::nullopt;
    const auto options = [&](const char* ending, const at::Tensor& shared_grad, const Placement& placement) {
      const std::string full = prefix() + norm.module + ending;
      return WeightOptions{full, norm.trained, model.masters, storage, shared_grad, placement, base.weight(full)};
    };
    const at::Tensor grad = first ? (*first)->weight().grad() : at::Tensor();
    if constexpr (std::is_same_v<Kind, GroupNorm>) {
      return Kind(options(".weight", grad, of_heads(norm)), norm.size, config);
    } else {
      const Placement between = between_linears(tp, model.shard);
      if (!norm.bias) return Kind(options(".weight", grad, between), nullptr, norm.size, config);
      WeightOptions bias = options(".bias", first ? (*first)->bias()->grad() : at::Tensor(), between);
      bias.storage = storage.dtype(at::kFloat);  // as biases of linears
      return Kind(options(".weight", grad, between), &bias, norm.size, config);
    }
  }

 private:
  // Ranks share the heads: a norm of one head has seen some of them only.
  Placement of_heads(const NormLayout&) const {
    Placement placement = replicated(tp);
    placement.gradient = GradientSum::group;
    return placement;
  }
};

}  // namespace collie
