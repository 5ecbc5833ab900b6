#include "core/plan/memory_plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string>

#include "core/plan/device_costs.h"
#include "core/plan/model_tensors.h"
#include "core/formats/nf4.h"
#include "core/plan/parameter_owners.h"

namespace collie {
namespace {

constexpr int64_t kMasterBytes = 4;
constexpr int64_t kGradientBytes = 4;

int64_t activation_bytes(const ModelConfig& config, const ModelLayout& model, const PlanInput& in) {
  int64_t bytes = 0;
  const auto add = [&](BufferLife life, const LayerLayout& layer, int64_t times) {
    for (const BufferShape& s :
         only(life, layer_shapes(config, model, layer, in.capacity_tokens), in.checkpointing).all())
      bytes += times * s.bytes(in.precision);
  };
  for (int64_t i = 0; i < kept_layers(model); ++i) add(BufferLife::kept, kept_layout(model, i), in.slots);
  add(BufferLife::remade, model.widest(), 1);
  const SharedShapes shared =
      shared_shapes(config, model, in.method, in.capacity_tokens, in.max_document, in.slots, {in.precision, in.device});
  for (const BufferShape& s : shared.all()) bytes += s.bytes(in.precision);
  return bytes;
}

int64_t elements_of(const NamedShape& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

// Projections of decoder layers; norms are vectors.
bool quantized(const NamedShape& tensor, const PlanInput& in) {
  return in.quantization == Quantization::nf4 && tensor.name.starts_with("model.layers.") && tensor.shape.size() == 2;
}

bool gathers(const PlanInput& in) { return in.zero_stage >= 3 && in.dp_size > 1; }

// ZeRO 3: memory for two layers, in which matrices come together.
int64_t gathered_bytes(const ModelLayout& model, const PlanInput& in) {
  int64_t bytes = 0;
  const LayerLayout widest = model.widest();
  for (const LinearLayout* l : widest.all()) {
    if (l->quantization == Quantization::none) {
      bytes += l->out * l->row_stride() * element_bytes(Element::storage, in.precision);
      continue;
    }
    for (const Projection& part : l->parts) {
      const int64_t rows = l->split == Split::rows ? part.whole_out : part.out,
                    cols = l->split == Split::columns ? l->in_whole : l->in;
      bytes += nf4::bytes_of(part.out * l->in, rows * cols);
    }
  }
  return 2 * bytes;
}

// Base weights: what they take, and what their gradients do. Layers share gradients that live for one layer only.
void plan_base(const ModelConfig& config, const ModelLayout& model, const PlanInput& in, MemoryPlan& plan) {
  const ModelShard& shard = model.shard;
  const int64_t storage = element_bytes(Element::storage, in.precision);
  const bool separate = in.masters == Masters::fp32 && in.precision == Precision::bf16;
  const bool shares = in.zero_stage > 0 && in.dp_size > 1;
  const ParameterOwners owners =
      shares ? ParameterOwners(config, shard, in.method, in.dp_size, in.dp_rank) : ParameterOwners();
  const std::string last = "model.layers." + std::to_string(shard.layer(shard.n_layers() - 1)) + ".";
  std::map<std::string, int64_t> whole;
  for (const NamedShape& tensor : model_tensors(config)) whole[tensor.name] = elements_of(tensor);
  for (const NamedShape& tensor : model_tensors(config, shard)) {
    const int64_t elements = elements_of(tensor);
    plan.total_params += elements;
    const bool in_layer = tensor.name.starts_with("model.layers.");
    const bool here = owners.of(tensor.name).here, gathered = gathers(in) && in_layer && tensor.shape.size() == 2;
    const bool trains =
        in.method && in.purpose == Purpose::train && trains_weight(*in.method, config, tensor.name) == Trained::yes;
    const bool bias = tensor.name.ends_with(".bias");  // of linears: in fp32 always, to be added to products in fp32
    const int64_t computes = quantized(tensor, in) ? nf4::bytes_of(elements, whole.at(tensor.name))
                                                   : elements * (bias ? kMasterBytes : storage);
    if (!gathered || (here && !(trains && separate))) plan.weights += computes;
    if (!trains) continue;
    plan.trainable_params += elements;
    if (separate && here && !bias) plan.weights += elements * kMasterBytes;
    const bool last_layer = tensor.name.starts_with(last);
    if (in.gradients == GradientLife::whole_step || !in_layer || last_layer)
      plan.gradients += elements * kGradientBytes;
  }
}

// The adapter: fp32 tensors, copies to compute with, the tails of the fused weights, gradients.
void plan_adapter(const ModelConfig& config, const ModelLayout& model, const PlanInput& in, MemoryPlan& plan) {
  if (!in.method) return;
  const int64_t storage = element_bytes(Element::storage, in.precision);
  const bool separate = in.precision == Precision::bf16;
  for (const AdapterTensor& tensor :
       adapter_tensors(*in.method, config, model.shard, projection_shapes(config, model.shard))) {
    const int64_t elements = tensor.elements();
    plan.weights += elements * kMasterBytes;
    if (separate && tensor.copied) plan.weights += elements * storage;
    plan.weights += tensor.computed * storage + tensor.derived * kMasterBytes;
    if (in.purpose == Purpose::train) plan.weights += tensor.state * kMasterBytes;
    plan.adapter += elements * kMasterBytes;
    if (tensor.trained == Trained::no || in.purpose == Purpose::serve) continue;
    plan.trainable_params += elements;
    plan.gradients += elements * kGradientBytes;
  }
  for (const LayerLayout& layer : model.layers)
    for (const LinearLayout* l : layer.all())  // scaled B beside the weight
      if (l->quantization != Quantization::none)
        plan.weights += l->out * l->tail * storage;
      else if (!gathers(in))
        plan.weights += l->out * (l->row_stride() - l->in) * storage;
}

void share_over_data_parallel(const PlanInput& in, MemoryPlan& plan) {
  const auto share = [&](int64_t bytes) { return (bytes + in.dp_size - 1) / in.dp_size; };
  if (in.zero_stage >= 1) plan.optimizer = share(plan.optimizer);
  // Owners add up what layers hand out; updates inside of the backward pass add up nothing.
  if (in.zero_stage >= 2 && in.masters == Masters::fp32)
    plan.gradients += share(plan.trainable_params * kGradientBytes);
}

}  // namespace

MemoryPlan plan_memory(const ModelConfig& config, const PlanInput& in) {
  const ModelLayout model =
      model_layout(config, in.method, in.purpose, in.masters, in.quantization, in.shard.value_or(whole_model(config)));
  MemoryPlan plan;
  plan_base(config, model, in, plan);
  if (gathers(in)) plan.weights += gathered_bytes(model, in);
  plan_adapter(config, model, in, plan);
  if (in.optimizer && in.method && in.purpose == Purpose::train)
    plan.optimizer = optimizer_bytes(*in.optimizer, trainable_tensors(config, *in.method, model.shard));
  share_over_data_parallel(in, plan);
  plan.activations = activation_bytes(config, model, in);
  plan.scratch = device_scratch_bytes(config, model, in);
  plan.overhead = device_overhead_bytes(in);
  return plan;
}

PlanInput plan_input(const RunSpec& spec, int64_t machine_threads) {
  const int64_t extra = virtual_tokens(spec.method);
  const bool inside = updates_inside_backward(spec.optimizer);
  return {.purpose = Purpose::train,
          .method = spec.method,
          .masters = inside ? Masters::none : Masters::fp32,
          .gradients = inside || spec.parallel.zero_stage >= 2 ? GradientLife::one_layer : GradientLife::whole_step,
          .quantization = spec.quantization,
          .precision = spec.precision,
          .checkpointing = spec.activation_checkpointing.value_or(ActivationCheckpointing::off),
          .capacity_tokens = spec.batch.micro_batch_size * (spec.batch.seq_len + extra),
          .max_document = spec.batch.seq_len + extra,
          .threads = spec.threads > 0 ? spec.threads : machine_threads,
          .optimizer = spec.optimizer,
          .shard = {},
          .zero_stage = spec.parallel.zero_stage,
          .dp_size = spec.parallel.dp_size,
          .dp_rank = 0,
          .device = spec.device};
}

MemoryPlan plan_memory(const ModelConfig& config, const RunSpec& spec, int64_t machine_threads) {
  return plan_memory(config, plan_input(spec, machine_threads));
}

}  // namespace collie
