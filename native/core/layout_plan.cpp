#include "core/layout_plan.h"

#include <algorithm>

#include "core/model_tensors.h"

namespace collie {

namespace {

// The model of one rank's shares. A stage with neither embedding nor head keeps a vocabulary of one, so that sizes stay defined.
ModelConfig local_model(const ModelConfig& config, const ParallelSpec& spec, const GridPlace& place) {
  const ModelShard shard = model_shard(config, spec, place);
  const HeadShare heads = heads_of(config, spec.tp_size, place.tp_rank);
  ModelConfig local = config;
  local.n_layers = shard.n_layers();
  local.n_heads = heads.heads.size;
  local.n_kv_heads = heads.kv_heads.size;
  local.intermediate_size = share_of(config.intermediate_size, spec.tp_size, place.tp_rank).size;
  local.vocab_size =
      shard.embedding || shard.head ? std::max<int64_t>(1, share_of(config.vocab_size, spec.tp_size, place.tp_rank).size) : 1;
  local.tied_embeddings = config.tied_embeddings || !(shard.embedding && shard.head);  // one table at most
  return local;
}

int64_t matrix_elements(const ModelConfig& local, bool head) {
  int64_t elements = 0;
  for (const NamedShape& tensor : model_tensors(local))
    if (tensor.name.starts_with("model.layers.") && tensor.shape.size() == 2) elements += tensor.shape[0] * tensor.shape[1];
  return elements + (head ? local.vocab_size * local.hidden_size : 0);
}

// 2 operations an element and token forward; backward the same for the gradient of the input, and again for weights that train. A
// query sees half of its sequence on average: 2 products of 2 operations forward, twice that backward.
double flops_per_token(const ModelConfig& local, const RunSpec& spec, bool head) {
  const double matrices = static_cast<double>(matrix_elements(local, head));
  const double keys = static_cast<double>(spec.batch.seq_len) / 2;
  const double attention = 4.0 * keys * static_cast<double>(local.n_layers * local.n_heads * local.head_dim);
  const double forward = 2 * matrices + attention;
  const double weights = changes_base(spec.method) ? 2 * matrices : 0;
  return 3 * attention + 4 * matrices + weights + (spec.activation_checkpointing ? forward : 0);
}

// The activations that more micro-batches under way hold: those of the layers, not what all layers share.
int64_t layer_activations(const ModelConfig& local, const PlanInput& input, const MemoryPlan& plan) {
  ModelConfig twice = local;
  twice.n_layers *= 2;
  return plan_memory(twice, input).activations - plan.activations;
}

void share_over_data_parallel(const ParallelSpec& spec, const ModelConfig& local, MemoryPlan& plan) {
  const int64_t dp = spec.dp_size, layers = std::max<int64_t>(1, local.n_layers);
  if (spec.zero_stage >= 1) plan.optimizer = (plan.optimizer + dp - 1) / dp;
  // The gradients, the weights of one layer are whole while it is computed, of the next while they are on their way.
  if (spec.zero_stage >= 2) plan.gradients = plan.gradients / dp + plan.gradients / layers;
  if (spec.zero_stage >= 3) plan.weights = std::min(plan.weights, plan.weights / dp + 2 * plan.weights / layers);
}

double ring(int64_t ranks) { return static_cast<double>(ranks - 1) / static_cast<double>(ranks); }

StepTraffic traffic_of(const RunSpec& spec, const ModelConfig& local, const MemoryPlan& plan, const GridPlace& place) {
  const ParallelSpec& p = spec.parallel;
  const double micro_batches = static_cast<double>(spec.batch.grad_accum_steps / p.dp_size);
  const double tokens = static_cast<double>(spec.batch.micro_batch_size * spec.batch.seq_len) * micro_batches;
  const double residual = tokens * static_cast<double>(local.hidden_size * element_bytes(Element::storage, spec.precision));
  const double reduces = static_cast<double>(local.n_layers) * (spec.activation_checkpointing ? 6 : 4);
  const double edges = (place.stage == 0 ? 1 : 0) + (place.stage == p.pp_size - 1 ? 1 : 0);  // embedding forward, head backward
  const double trained = static_cast<double>(plan.trainable_params) * 4;
  const double weights = static_cast<double>(plan.weights);
  const double borders = static_cast<double>(2 * p.pipeline_chunks) - edges;
  StepTraffic traffic;
  traffic.tensor = 2 * ring(p.tp_size) * residual * (reduces + edges);
  traffic.pipeline = p.pp_size > 1 ? residual * borders : 0;
  // Gradients to their owner and new weights from it are together what one all_reduce sends; ZeRO 3 gathers a layer's weights for each
  // forward and each backward pass instead.
  traffic.data = 2 * ring(p.dp_size) * trained;
  if (p.zero_stage == 3) traffic.data = ring(p.dp_size) * (trained + 2 * micro_batches * weights);
  return traffic;
}

}  // namespace

double micro_batches_under_way(const ParallelSpec& spec, int64_t stage, int64_t micro_batches) {
  const double most = static_cast<double>(micro_batches);
  if (spec.pp_size == 1) return 1;
  if (spec.pipeline_chunks == 1) return std::min(most, static_cast<double>(spec.pp_size - stage));
  const int64_t chunks = 2 * (spec.pp_size - stage - 1) + (spec.pipeline_chunks - 1) * spec.pp_size + 1;
  return std::min(most, static_cast<double>(chunks) / static_cast<double>(spec.pipeline_chunks));
}

std::vector<RankPlan> plan_layout(const ModelConfig& config, const RunSpec& spec, int64_t threads) {
  const ParallelSpec& p = spec.parallel;
  const PlanInput input = plan_input(spec, threads);
  std::vector<RankPlan> plans;
  for (int64_t stage = 0; stage < p.pp_size; ++stage) {
    for (int64_t tp_rank = 0; tp_rank < p.tp_size; ++tp_rank) {
      const GridPlace place{.stage = stage, .dp_rank = 0, .tp_rank = tp_rank};
      const ModelConfig local = local_model(config, p, place);
      RankPlan plan{.rank = rank_of(p, place), .place = place, .layers = local.n_layers, .memory = plan_memory(local, input)};
      plan.flops_per_token = flops_per_token(local, spec, stage == p.pp_size - 1);
      plan.traffic = traffic_of(spec, local, plan.memory, place);
      const double more = micro_batches_under_way(p, stage, spec.batch.grad_accum_steps / p.dp_size) - 1;
      if (more > 0)
        plan.memory.activations +=
            static_cast<int64_t>(more * static_cast<double>(layer_activations(local, input, plan.memory)));
      share_over_data_parallel(p, local, plan.memory);
      plans.push_back(plan);
    }
  }
  return plans;
}

}  // namespace collie
