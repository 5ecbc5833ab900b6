#include "peft_support.h"

#include <ATen/ATen.h>

#include "core/base/random.h"

namespace collie::test {
namespace {

using nlohmann::json;

const std::vector<std::string> kAll = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

json lora(const json& changes = json::object()) {
  json fields = {{"type", "lora"},
                 {"rank", 3},
                 {"alpha", 6},
                 {"dropout", 0},
                 {"scaling", "standard"},
                 {"lr_ratio", 1},
                 {"target_modules", kAll},
                 {"modules_to_save", json::array()},
                 {"init_adapter", nullptr}};
  fields.update(changes);
  return fields;
}

json dora(const json& changes = json::object()) {
  json fields = {{"type", "dora"},
                 {"rank", 3},
                 {"alpha", 6},
                 {"lr_ratio", 1},
                 {"target_modules", kAll},
                 {"modules_to_save", json::array()},
                 {"init_adapter", nullptr}};
  fields.update(changes);
  return fields;
}

json pissa(const json& changes = json::object()) {
  json fields = {{"type", "pissa"},
                 {"rank", 3},
                 {"alpha", 6},
                 {"dropout", 0},
                 {"target_modules", kAll},
                 {"modules_to_save", json::array()}};
  fields.update(changes);
  return fields;
}

json adalora(const json& changes = json::object()) {
  json fields = {{"type", "adalora"},
                 {"init_rank", 4},
                 {"target_rank", 2},
                 {"alpha", 8},
                 {"dropout", 0},
                 {"start_ratio", 0.2},
                 {"end_ratio", 0.3},
                 {"interval", 2},
                 {"beta1", 0.85},
                 {"beta2", 0.85},
                 {"orthogonality", 0.5},
                 {"target_modules", kAll},
                 {"modules_to_save", json::array()}};
  fields.update(changes);
  return fields;
}

json ia3(const json& changes = json::object()) {
  json fields = {{"type", "ia3"},
                 {"target_modules", {"k_proj", "v_proj", "down_proj"}},
                 {"feedforward_modules", {"down_proj"}},
                 {"modules_to_save", json::array()},
                 {"init_adapter", nullptr}};
  fields.update(changes);
  return fields;
}

}  // namespace

MethodSpec method_of(const json& fields) { return read_method(JsonReader(fields, "method")); }

MethodSpec lora_of_pissa(const MethodSpec& pissa) {
  return method_of(lora({{"rank", 2 * pissa.integer("rank")},
                         {"alpha", 2 * pissa.number("alpha")},
                         {"target_modules", pissa.texts("target_modules")},
                         {"modules_to_save", pissa.texts("modules_to_save")}}));
}

std::vector<MethodCase> linear_methods() {
  const json one = {"layers.1.self_attn.q_proj"}, some = {"layers.?.self_attn.v_proj", "layers.2.mlp.*", "o_proj"};
  return {
      {"lora", lora()},
      {"lora of one projection", lora({{"target_modules", one}})},
      {"lora, rank-stabilized, of some", lora({{"scaling", "rank_stabilized"}, {"target_modules", some}})},
      {"lora with norms and embeddings",
       lora({{"target_modules", {"v_proj"}}, {"modules_to_save", {"embed_tokens", "norm", "input_layernorm"}}})},
      {"dora", dora()},
      {"dora of one projection", dora({{"target_modules", one}})},
      {"dora of some", dora({{"target_modules", some}})},
      {"pissa", pissa()},
      {"pissa of some", pissa({{"target_modules", some}})},
      {"adalora", adalora()},
      {"adalora of some", adalora({{"target_modules", some}})},
      {"ia3", ia3()},
      {"ia3 of outputs and of all inputs",
       ia3({{"target_modules", kAll}, {"feedforward_modules", {"o_proj", "down_proj"}}})},
      {"ia3 of some", ia3({{"target_modules", some}})},
      {"bitfit", {{"type", "bitfit"}}},
  };
}

DecoderOptions training_options(const MethodSpec& method, Precision precision) {
  DecoderOptions o;
  o.precision = precision;
  o.purpose = Purpose::train;
  o.method = method;
  o.capacity_tokens = 64;
  o.max_document = 48;
  o.seed = 7;
  return o;
}

void disturb(Decoder& decoder, uint64_t seed) {
  Random random(seed);
  for (Parameter& p : decoder.trainable()) {
    at::Tensor noise = at::empty(p.master.sizes());
    for (int64_t i = 0; i < noise.numel(); ++i)
      noise.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5) * 0.4f;
    p.master.add_(noise);
  }
}

}  // namespace collie::test
