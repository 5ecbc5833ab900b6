#include "core/plan/layout_plan.h"

#include <algorithm>

#include "core/plan/model_tensors.h"
#include "core/formats/nf4.h"
#include "core/recipe/parallel_support.h"
#include "core/grid/pipeline_schedule.h"

namespace collie {

namespace {

int64_t matrix_elements(const ModelConfig& config, const ModelShard& shard) {
  int64_t elements = 0;
  for (const NamedShape& tensor : model_tensors(config, shard))
    if (tensor.name.starts_with("model.layers.") && tensor.shape.size() == 2)
      elements += tensor.shape[0] * tensor.shape[1];
  return elements +
         (shard.head ? share_of(config.vocab_size, shard.tp_size, shard.tp_rank).size * config.hidden_size : 0);
}

ActivationCheckpointing level_of(const RunSpec& spec) {
  return spec.activation_checkpointing.value_or(ActivationCheckpointing::off);
}

// The lowest level of activation checkpointing with which a linear's product is computed twice.
Remade recomputed_from(const std::string& module) {
  if (module == "self_attn.o_proj") return Remade::full;
  if (module.starts_with("self_attn.")) return Remade::attention;
  return module == "mlp.down_proj" ? Remade::never : Remade::mlp;
}

// 2 operations an element and token, and attention.
double recomputed_flops(const ModelConfig& config, const ModelShard& shard, ActivationCheckpointing level,
                        double attention) {
  double layer = 0;
  for (const ProjectionShape& p : projection_shapes(config, shard))
    if (remakes(level, recomputed_from(p.module))) layer += 2 * static_cast<double>(p.out * p.in);
  return static_cast<double>(shard.n_layers()) * layer + (remakes(level, Remade::attention) ? attention : 0);
}

// 2 operations an element and token forward; backward the same for the gradient of the input, and again for weights that train. A
// query sees half of its sequence on average: 2 products of 2 operations forward, twice that backward.
double flops_per_token(const ModelConfig& config, const ModelShard& shard, const RunSpec& spec) {
  const double matrices = static_cast<double>(matrix_elements(config, shard));
  const HeadShare heads = heads_of(config, shard.tp_size, shard.tp_rank);
  const double keys = static_cast<double>(spec.batch.seq_len) / 2;
  const double attention = 4.0 * keys * static_cast<double>(shard.n_layers() * heads.heads.size * config.head_dim);
  const double weights = keeps_base(spec.method) ? 0 : 2 * matrices;
  return 3 * attention + 4 * matrices + weights + recomputed_flops(config, shard, level_of(spec), attention);
}

// Of the matrices of all layers, as they are sent.
double layer_bytes(const ModelConfig& config, const RunSpec& spec, const ModelShard& shard) {
  double bytes = 0;
  for (const NamedShape& tensor : model_tensors(config, shard)) {
    if (!tensor.name.starts_with("model.layers.") || tensor.shape.size() != 2) continue;
    const int64_t elements = tensor.shape[0] * tensor.shape[1];
    bytes += static_cast<double>(spec.quantization == Quantization::nf4
                                     ? nf4::bytes_of(elements, elements)
                                     : elements * element_bytes(Element::storage, spec.precision));
  }
  return bytes;
}

double ring(int64_t ranks) { return static_cast<double>(ranks - 1) / static_cast<double>(ranks); }

// In all_reduces of the residual stream. With sequence parallelism each is a gathering and a scattering sum, of half its bytes, and the
// inputs of two linears a layer, and of the head, are gathered once more. Recomputing a whole layer ends before the sum of its last linear;
// recomputing a part of one gathers the part's input where that is shared out, and sums nothing.
double tensor_reductions(const RunSpec& spec, const RankPlan& rank) {
  const auto recomputes = [&](Remade from) { return remakes(level_of(spec), from) ? 1 : 0; };
  const bool sequence = spec.parallel.sequence_parallel;
  const double first = rank.place.stage == 0 ? 1 : 0, last = rank.place.stage == spec.parallel.pp_size - 1 ? 1 : 0;
  const double recomputed =
      sequence ? 0.5 * (recomputes(Remade::mlp) + recomputes(Remade::attention) + recomputes(Remade::full))
               : recomputes(Remade::full);
  const double layer = (sequence ? 5 : 4) + recomputed;
  return static_cast<double>(rank.layers) * layer + first +
         last * (sequence ? 1.5 : 1);  // embedding forward, head backward
}

StepTraffic traffic_of(const ModelConfig& config, const RunSpec& spec, const ModelShard& shard, const RankPlan& rank) {
  const ParallelSpec& p = spec.parallel;
  const auto micro_batches = static_cast<double>(spec.batch.grad_accum_steps);
  const double tokens = static_cast<double>(spec.batch.micro_batch_size * spec.batch.seq_len) * micro_batches;
  const double residual =
      tokens * static_cast<double>(config.hidden_size * element_bytes(Element::storage, spec.precision));
  const double edges = (rank.place.stage == 0 ? 1 : 0) + (rank.place.stage == p.pp_size - 1 ? 1 : 0);
  const double trained = static_cast<double>(rank.memory.trainable_params) * 4;
  const double borders = static_cast<double>(2 * p.pipeline_chunks) - edges;
  StepTraffic traffic;
  traffic.tensor = 2 * ring(p.tp_size) * residual * tensor_reductions(spec, rank);
  const double message = p.sequence_parallel ? residual / static_cast<double>(p.tp_size) : residual;
  traffic.pipeline = p.pp_size > 1 ? message * borders : 0;
  // With ZeRO, gradients to their owner and new weights from it are together what one all_reduce sends; from stage 2 on gradients are
  // sent off after every micro-batch, as they are kept nowhere else. With stage 3 weights come for the forward and for the backward pass
  // of every micro-batch instead.
  traffic.data = ring(p.dp_size) * trained * (p.zero_stage >= 2 ? micro_batches : 1);
  traffic.data +=
      ring(p.dp_size) * (p.zero_stage >= 3 ? 2 * micro_batches * layer_bytes(config, spec, shard) : trained);
  return traffic;
}

}  // namespace

std::vector<RankPlan> plan_layout(const ModelConfig& config, const RunSpec& spec, int64_t threads) {
  const ParallelSpec& p = spec.parallel;
  check_layout(config, spec.quantization, p);
  std::vector<RankPlan> plans;
  for (int64_t stage = 0; stage < p.pp_size; ++stage) {
    const int64_t slots =
        most_in_flight(pipeline_schedule(stage, p.pp_size, spec.batch.grad_accum_steps, p.pipeline_chunks));
    for (int64_t tp_rank = 0; tp_rank < p.tp_size; ++tp_rank) {
      const GridPlace place{.stage = stage, .dp_rank = 0, .tp_rank = tp_rank};
      PlanInput input = plan_input(spec, threads);
      input.shard = model_shard(config, p, place);
      input.slots = slots;
      RankPlan plan{.rank = rank_of(p, place),
                    .place = place,
                    .layers = input.shard->n_layers(),
                    .memory = plan_memory(config, input)};
      plan.flops_per_token = flops_per_token(config, *input.shard, spec);
      plan.traffic = traffic_of(config, spec, *input.shard, plan);
      plans.push_back(plan);
    }
  }
  return plans;
}

}  // namespace collie
