// The memory forecast against what a decoder holds.
#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include "core/plan/memory_plan.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

const OptimizerSpec kAdamW{"adamw", 1e-3, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};

PlanInput plan_of(const DecoderOptions& o) {
  return {.purpose = o.purpose,
          .method = o.method,
          .masters = o.masters,
          .gradients = o.gradients,
          .quantization = o.quantization,
          .precision = o.precision,
          .checkpointing = o.checkpointing,
          .capacity_tokens = o.capacity_tokens,
          .max_document = o.max_document,
          .threads = at::get_num_threads(),
          .optimizer = kAdamW};
}

void compute(Decoder& decoder, const DecoderOptions& o) {
  const PackedBatch batch = random_batch(decoder.config(), {40, 20}, 1);
  if (o.purpose == Purpose::serve)
    decoder.logits(batch, AdapterUse::on);
  else if (o.gradients == GradientLife::one_layer)
    decoder.forward_backward_fused(batch, 1, 1, [](const CompletedGradients&) {});
  else
    decoder.forward_backward(batch, 1, 1);
}

void check_forecast(const ModelConfig& config, const DecoderOptions& o) {
  Decoder decoder(config, o);
  decoder.randomize(1);
  compute(decoder, o);
  const MemoryPlan plan = plan_memory(config, plan_of(o));
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

std::vector<MethodSpec> methods() {
  MethodSpec some = lora_method(3, 6, 0.1, {"q_proj", "layers.2.mlp.*"});
  some.fields["modules_to_save"] = {"embed_tokens", "norm", "post_attention_layernorm"};
  std::vector<MethodSpec> all = {lora_method(3, 6, 0.1, {"q_proj", "v_proj", "down_proj"}),
                                 some,
                                 lora_method(2, 4, 0, {"layers.1.self_attn.o_proj"}),
                                 full_method(),
                                 {"prompt_tuning", {{"virtual_tokens", 5}, {"init_text", ""}}},
                                 {"prefix_tuning", {{"virtual_tokens", 4}, {"init_text", ""}}},
                                 {"p_tuning", {{"virtual_tokens", 3}, {"encoder_hidden_size", 12}}},
                                 {"bottleneck", {{"bottleneck_size", 6}, {"activation", "gelu"}}},
                                 {"freeze", {{"last_layers", 1}}},
                                 {"freeze", {{"last_layers", 2}}}};
  for (const MethodCase& c : linear_methods()) all.push_back(method_of(c.fields));
  return all;
}

}  // namespace

TEST_CASE("the memory forecast equals what the decoder allocates") {
  for (const bool tied : {true, false})
    for (const Precision precision : {Precision::fp32, Precision::bf16})
      for (const auto& [level, checkpointing] : kCheckpointingLevels) {
        CAPTURE(level);
        DecoderOptions o;
        o.precision = precision;
        o.checkpointing = checkpointing;
        o.capacity_tokens = 64;
        o.max_document = 40;
        const ModelConfig config = tiny_config({.tied = tied});
        check_forecast(config, o);
        for (const MethodSpec& method : methods())
          for (const Purpose purpose : {Purpose::serve, Purpose::train}) {
            CAPTURE(method.type);
            o.method = method;
            o.purpose = purpose;
            const int64_t slots = virtual_tokens(method);
            o.capacity_tokens = 64 + 2 * slots;
            o.max_document = 40 + slots;
            check_forecast(config, o);
            if (!has_adapter(method) || method.type == "pissa") continue;
            o.quantization = Quantization::nf4;
            check_forecast(config, o);
            o.quantization = Quantization::none;
          }
        o.capacity_tokens = 64;
        o.max_document = 40;
        o.method = full_method();
        o.masters = Masters::none;
        o.gradients = GradientLife::one_layer;
        check_forecast(config, o);
      }
}

}  // namespace collie::test
