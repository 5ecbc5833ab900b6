// The memory forecast against what a decoder holds.
#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include "core/memory_plan.h"
#include "model_reference.h"

namespace collie::test {

namespace {
const OptimizerSpec adamw{"adamw", 1e-3, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};
}

TEST_CASE("the memory forecast equals what the decoder allocates") {
  for (const bool tied : {true, false})
    for (const TrainMode mode : {TrainMode::none, TrainMode::lora, TrainMode::full})
      for (const Precision precision : {Precision::fp32, Precision::bf16})
        for (const auto checkpointing : {ActivationCheckpointing::off, ActivationCheckpointing::every_layer}) {
          const ModelConfig config = tiny_config({.tied = tied});
          DecoderOptions o;
          o.precision = precision;
          o.mode = mode;
          o.checkpointing = checkpointing;
          o.capacity_tokens = 64;
          o.max_document = 40;
          if (mode == TrainMode::lora) o.lora = LoraOptions{3, 6, 0.1, {"q_proj", "v_proj", "down_proj"}};
          Decoder decoder(config, o);
          decoder.randomize(1);
          if (mode != TrainMode::none) decoder.forward_backward(random_batch(config, {40, 20}, 1), 1, 1);

          PlanInput in{.mode = mode, .precision = precision, .checkpointing = checkpointing, .capacity_tokens = 64,
                       .max_document = 40, .threads = at::get_num_threads()};
          in.optimizer = adamw;
          if (o.lora) {
            in.lora_rank = o.lora->rank;
            in.lora_dropout = o.lora->dropout;
            in.lora_targets = o.lora->target_modules;
          }
          const MemoryPlan plan = plan_memory(config, in);
          const Decoder::MemoryUse use = decoder.memory_use();
          CHECK(plan.weights == use.weights_bytes);
          CHECK(plan.gradients == use.gradients_bytes);
          CHECK(plan.activations == use.activations_bytes);
          CHECK(plan.scratch >= use.scratch_bytes);
          int64_t trainable = 0;
          for (const Parameter& p : decoder.trainable()) trainable += p.master.numel();
          CHECK(plan.trainable_params == trainable);
          CHECK(plan.optimizer == trainable * 8);
        }
}

}  // namespace collie::test
