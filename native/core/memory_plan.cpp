#include "core/memory_plan.h"

#include <algorithm>

#include "core/model_tensors.h"

namespace collie {
namespace {

constexpr int64_t kMasterBytes = 4;
// Resident memory of a rank with libtorch loaded and warm, before any model.
constexpr int64_t kProcessBytes = int64_t{110} << 20;

struct Counts {
  int64_t base = 0, adapter = 0;
};

Counts adapter_and_base(const LinearLayout& l) {
  Counts c{.base = l.out * l.in, .adapter = l.tail * l.in};
  for (const Projection& part : l.parts) c.adapter += part.out * part.rank;
  return c;
}

int64_t activation_bytes(const ModelConfig& config, const LayerLayout& layout, const PlanInput& in) {
  const LayerShapes shapes = layer_shapes(config, layout, in.capacity_tokens);
  const KeptLayers kept = kept_layers(config, in.mode, in.checkpointing);
  int64_t bytes = kept.inputs * shapes.x.bytes(in.precision);
  for (const BufferShape& s : shapes.all()) bytes += kept.whole * s.bytes(in.precision);
  const double dropout = in.mode == TrainMode::lora ? in.lora_dropout : 0;
  const SharedUse use{in.mode, dropout, in.capacity_tokens, in.max_document};
  for (const BufferShape& s : shared_shapes(config, layout, use, in.precision).all()) bytes += s.bytes(in.precision);
  return bytes;
}

// One packed operand of a product for all threads (and the sums of products with more terms than are packed at once); per
// thread a block of the other operand and of the result, or the scores of a block of queries with the gradients of keys and
// values.
int64_t scratch_bytes(const ModelConfig& c, const LayerLayout& layout, const PlanInput& in) {
  constexpr int64_t kPackedFloats = 2 << 20, kSlice = 512, kGemmFloats = 168 * (256 + 512), kBlockRows = 192, kMargin = 32;
  const int64_t group = c.n_heads / c.n_kv_heads, e = c.head_dim;
  const int64_t rows = group * std::max<int64_t>(16, kBlockRows / group);
  const int64_t keys = c.sliding_window ? std::min(in.max_document, c.sliding_window + rows) : in.max_document;
  const int64_t pack = std::max({(rows + keys + kMargin) * e, (rows + e + kMargin) * keys, (keys + e + kMargin) * rows});
  const int64_t attention = 2 * in.max_document * e + 3 * rows * e + 2 * rows * keys + pack;
  const int64_t per_thread = std::max(kGemmFloats, attention);
  return 4 * (kPackedFloats + kSlice * in.capacity_tokens + in.threads * per_thread);
}

}  // namespace

MemoryPlan plan_memory(const ModelConfig& config, const PlanInput& in) {
  const LayerLayout layout = layer_layout(config, in.lora_rank, in.lora_targets);
  Counts per_layer;
  for (const LinearLayout* l : layout.all()) {
    const Counts c = adapter_and_base(*l);
    per_layer.base += c.base;
    per_layer.adapter += c.adapter;
  }
  const int64_t layers = config.n_layers, adapter = layers * per_layer.adapter;
  const int64_t storage = element_bytes(Element::storage, in.precision);
  const bool copies = in.precision == Precision::bf16;  // masters besides the weights that compute

  MemoryPlan plan;
  plan.total_params = parameter_count(config);
  plan.weights = plan.total_params * storage;
  if (in.mode == TrainMode::full && copies) plan.weights += plan.total_params * kMasterBytes;
  for (const LinearLayout* l : layout.all()) {
    plan.weights += layers * l->out * l->tail * storage;               // scaled B beside the weight
    if (copies) plan.weights += layers * l->tail * l->in * storage;    // A for computing
  }
  plan.weights += adapter * kMasterBytes;
  plan.trainable_params = in.mode == TrainMode::full ? plan.total_params : in.mode == TrainMode::lora ? adapter : 0;
  plan.gradients = plan.trainable_params * kMasterBytes;
  if (in.optimizer) plan.optimizer = optimizer_bytes(*in.optimizer, trainable_tensors(config, layout, in.mode));
  plan.activations = activation_bytes(config, layout, in);
  plan.scratch = scratch_bytes(config, layout, in);
  plan.overhead = kProcessBytes;
  plan.adapter = adapter * kMasterBytes;
  return plan;
}

MemoryPlan plan_memory(const ModelConfig& config, const RunSpec& spec, int64_t machine_threads) {
  const bool lora = spec.method.type == MethodType::lora;
  return plan_memory(config, {.mode = lora ? TrainMode::lora : TrainMode::full,
                              .precision = spec.precision,
                              .checkpointing = spec.activation_checkpointing ? ActivationCheckpointing::every_layer
                                                                             : ActivationCheckpointing::off,
                              .lora_rank = lora ? spec.method.lora.rank : 0,
                              .lora_dropout = lora ? spec.method.lora.dropout : 0,
                              .lora_targets = lora ? spec.method.lora.target_modules : std::vector<std::string>{},
                              .capacity_tokens = spec.batch.micro_batch_size * spec.batch.seq_len,
                              .max_document = spec.batch.seq_len,
                              .threads = spec.threads > 0 ? spec.threads : machine_threads,
                              .optimizer = spec.optimizer});
}

}  // namespace collie
