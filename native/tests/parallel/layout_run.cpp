#include "parallel/layout_run.h"

#include "core/base/random.h"
#include "engine/parallel/gathered.h"
#include "engine/peft_support.h"

namespace collie::test {

namespace {

constexpr int64_t kLayers = 8, kRows = 24, kRowsOfStep = 8,
                  kLongest = 40;  // messages larger than what MPI takes without a receiver

DecoderOptions options_for(const Recipe& recipe, const Parallel& parallel, int64_t micro_batches) {
  const nlohmann::json lora = linear_methods()[0].fields;
  const MethodSpec method = recipe.method == "full" ? MethodSpec{"full", nlohmann::json::object()} : method_of(lora);
  DecoderOptions o = training_options(method, recipe.precision);
  if (recipe.fused()) o.masters = Masters::none;
  if (recipe.fused() || parallel.spec.zero_stage >= 2) o.gradients = GradientLife::one_layer;
  o.capacity_tokens = kRowsOfStep * kLongest;
  o.max_document = kLongest;
  o.parallel = parallel;
  o.overlap = recipe.overlap;
  o.quantization = recipe.quantization;
  o.slots = pipeline_slots(parallel.spec, parallel.place,
                           (micro_batches + parallel.spec.dp_size - 1) / parallel.spec.dp_size);
  return o;
}

}  // namespace

ModelConfig layout_config(const ParallelSpec& spec, Tables tables) {
  ModelConfig config = config_for(spec.tp_size, tables);
  config.n_layers = kLayers;
  return config;
}

std::vector<Row> layout_rows(const ModelConfig& config) {
  Random random(11);
  std::vector<Row> rows;
  for (int64_t i = 0; i < kRows; ++i) {
    Row row;
    const auto length = static_cast<size_t>(4 + i % (kLongest - 3));
    for (size_t j = 0; j < length; ++j) {
      row.ids.push_back(static_cast<uint32_t>(random.below(static_cast<uint64_t>(config.vocab_size))));
      row.mask.push_back(j > 1 ? 1 : 0);
    }
    rows.push_back(row);
  }
  return rows;
}

StepPlan layout_plan(const TokenStore& rows, int64_t step, int64_t micro_batches) {
  StepPlan plan;
  plan.micro_batches.resize(static_cast<size_t>(micro_batches));
  for (int64_t i = 0; i < kRowsOfStep; ++i) {
    const int64_t row = (step * kRowsOfStep + i) % rows.size();
    plan.micro_batches[static_cast<size_t>(i * micro_batches / kRowsOfStep)].push_back(row);
    plan.tokens += rows.length(row);
    plan.targets += count_targets(rows[row]);
    plan.weight += target_weight(rows[row]);
  }
  return plan;
}

LayoutRun::LayoutRun(const ModelConfig& config, const Recipe& recipe, const Parallel& parallel, int64_t micro_batches,
                     const TokenStore& rows)
    : recipe_(recipe), parallel_(parallel), micro_batches_(micro_batches), rows_(rows) {
  decoder_ = std::make_unique<Decoder>(config, options_for(recipe, parallel_, micro_batches));
  pipeline_ = std::make_unique<Pipeline>(*decoder_, parallel_);
  const OwnerGradients gradients = recipe.fused() ? OwnerGradients::none : OwnerGradients::added_up;
  sync_ = std::make_unique<GradientSync>(*decoder_, parallel_, gradients, recipe.overlap);
  optimizer_ = make_optimizer(optimizer_spec(recipe.optimizer), sync_->owned(), *kernels_);
  decoder_->randomize(1);
  fill_zeros();
}

void LayoutRun::fill_zeros() {
  for (Parameter& p : decoder_->trainable()) {
    if (!p.name.ends_with("lora_B.weight")) continue;
    Random random(hash_name(p.name));
    const at::Tensor noise = at::empty(whole_shape(p.master, p.placement.slice));
    for (int64_t j = 0; j < noise.numel(); ++j)
      noise.data_ptr<float>()[j] = static_cast<float>(random.uniform() - 0.5) * 0.1f;
    p.master.copy_(part_of(noise, p.placement.slice));
  }
  decoder_->sync_weights();
}

StepResult LayoutRun::step(int64_t step) {
  const StepPlan plan = layout_plan(rows_, step, micro_batches_);
  const StepParts parts{*decoder_, *optimizer_, *kernels_, rows_, *objective_, parallel_, *pipeline_, *sync_};
  const StepSettings settings{step, 1e-3, recipe_.max_grad_norm, 3};
  return recipe_.fused() ? fused_train_step(parts, plan, settings) : train_step(parts, plan, settings);
}

LossSums LayoutRun::evaluate(int64_t step) {
  const StepPlan plan = layout_plan(rows_, step, 1);
  LossSums sums;
  for (const LossSums& document : pipeline_->evaluate(pack(rows_, plan.micro_batches[0]))) sums += document;
  return sums;
}

std::vector<ParallelSpec> layouts(int64_t ranks) {
  std::vector<ParallelSpec> all;
  for (const int64_t tp : {1, 2, 4})
    for (const int64_t pp : {1, 2, 4}) {
      if (ranks % (tp * pp) != 0) continue;
      const int64_t dp = ranks / (tp * pp);
      const int64_t most = dp == 1 ? 0 : pp == 1 ? 3 : 2;
      for (int64_t zero = 0; zero <= most; ++zero)
        for (const int64_t chunks : {1, 2})
          for (const bool sequence : {false, true})
            if ((chunks == 1 || pp > 1) && (!sequence || tp > 1))
              all.push_back({.dp_size = dp,
                             .tp_size = tp,
                             .pp_size = pp,
                             .sequence_parallel = sequence,
                             .zero_stage = zero,
                             .pipeline_chunks = chunks,
                             .pipeline_layers = {}});
    }
  return all;
}

std::string text_of(const ParallelSpec& spec) {
  return "dp " + std::to_string(spec.dp_size) + ", tp " + std::to_string(spec.tp_size) + ", pp " +
         std::to_string(spec.pp_size) + " of " + std::to_string(spec.pipeline_chunks) + " chunks, ZeRO " +
         std::to_string(spec.zero_stage) + (spec.sequence_parallel ? ", sequence parallel" : "");
}

}  // namespace collie::test
