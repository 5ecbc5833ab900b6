#include "core/model_layout.h"

#include <algorithm>

namespace collie {
namespace {

constexpr int64_t kMaxChunkRows = 256;
constexpr int64_t kMinChunkRows = 16;
constexpr int64_t kChunkBytes = 32 << 20;  // of logits at a time

struct Part {
  const char* module;
  int64_t out;
};

// The method as one layer sees it.
struct LayerMethod {
  const ModelConfig& config;
  const std::optional<MethodSpec>& method;
  Purpose purpose;
  Quantization quantization;
  std::string prefix;  // "model.layers.0."

  Trained trains(const std::string& name) const {
    return method && purpose == Purpose::train ? trains_weight(*method, config, prefix + name + ".weight") : Trained::no;
  }
  bool adapted(const std::string& module) const { return method && adapts(*method, prefix + module); }
  int64_t tail() const { return method && peft_method(method->type).tail ? peft_method(method->type).tail(*method) : 0; }
};

LinearLayout linear(const LayerMethod& method, int64_t in, std::initializer_list<Part> parts) {
  LinearLayout layout;
  layout.in = in;
  layout.weight = method.trains(parts.begin()->module);
  if (layout.weight == Trained::no) layout.quantization = method.quantization;
  for (const Part& part : parts) {
    const bool adapted = method.adapted(part.module);
    const int64_t rank = adapted ? method.tail() : 0;
    layout.parts.push_back({part.module, layout.out, part.out, layout.tail, rank, adapted});
    layout.out += part.out;
    layout.tail += rank;
    layout.adapted |= adapted;
  }
  return layout;
}

LayerLayout layer_layout(const LayerMethod& m) {
  const ModelConfig& c = m.config;
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim, f = c.intermediate_size;
  return {.qkv = linear(m, c.hidden_size, {{"self_attn.q_proj", q}, {"self_attn.k_proj", kv}, {"self_attn.v_proj", kv}}),
          .o = linear(m, q, {{"self_attn.o_proj", c.hidden_size}}),
          .gate_up = linear(m, c.hidden_size, {{"mlp.gate_proj", f}, {"mlp.up_proj", f}}),
          .down = linear(m, f, {{"mlp.down_proj", c.hidden_size}}),
          .input_norm = m.trains("input_layernorm"),
          .mlp_norm = m.trains("post_attention_layernorm")};
}

bool trains_anything(const LayerLayout& layer, const ModelLayout& model) {
  if (model.bottleneck > 0 || layer.input_norm == Trained::yes || layer.mlp_norm == Trained::yes) return true;
  return std::ranges::any_of(layer.all(), [](const LinearLayout* l) { return l->weight == Trained::yes || l->adapted; });
}

int64_t first_trained(const ModelLayout& model) {
  if (model.input_gradient) return 0;
  for (size_t i = 0; i < model.layers.size(); ++i)
    if (trains_anything(model.layers[i], model)) return static_cast<int64_t>(i);
  return static_cast<int64_t>(model.layers.size());
}

}  // namespace

ModelLayout model_layout(const ModelConfig& c, const std::optional<MethodSpec>& method, Purpose purpose, Masters masters,
                         Quantization quantization) {
  ModelLayout model;
  model.purpose = purpose;
  model.masters = masters;
  const bool trains = method && purpose == Purpose::train;
  const auto trained = [&](const char* name) { return trains ? trains_weight(*method, c, name) : Trained::no; };
  model.embedding = trained("model.embed_tokens.weight");
  model.head = c.tied_embeddings ? Trained::no : trained("lm_head.weight");
  model.final_norm = trained("model.norm.weight");
  if (method) {
    model.virtual_tokens = virtual_tokens(*method);
    if (method->has("bottleneck_size")) model.bottleneck = method->integer("bottleneck_size");
    if (trains && method->has("dropout")) model.dropout = method->number("dropout");
  }
  for (int64_t i = 0; i < c.n_layers; ++i)
    model.layers.push_back(layer_layout({c, method, purpose, quantization, "model.layers." + std::to_string(i) + "."}));
  if (!trains) return model;
  model.input_gradient = model.embedding == Trained::yes || model.virtual_tokens > 0;
  model.first_trained = first_trained(model);
  return model;
}

LayerLayout ModelLayout::widest() const {
  LayerLayout widest = layers.at(0);
  for (const LayerLayout& layer : layers) {
    widest.qkv.tail = std::max(widest.qkv.tail, layer.qkv.tail);
    widest.o.tail = std::max(widest.o.tail, layer.o.tail);
    widest.gate_up.tail = std::max(widest.gate_up.tail, layer.gate_up.tail);
    widest.down.tail = std::max(widest.down.tail, layer.down.tail);
  }
  return widest;
}

bool keeps_linear(const MethodSpec& method, const ModelConfig& config, const std::string& prefix, const LinearLayout& linear) {
  return std::ranges::all_of(
      linear.parts, [&](const Projection& part) { return keeps_weight(method, config, prefix + part.module + ".weight"); });
}

int64_t element_bytes(Element element, Precision precision) {
  return element == Element::storage && precision == Precision::bf16 ? 2 : 4;
}

LayerShapes layer_shapes(const ModelConfig& c, const ModelLayout& model, const LayerLayout& l, int64_t n) {
  const int64_t d = c.hidden_size;
  const BufferShape serial{model.bottleneck > 0 ? n : 0, d + 2 * model.bottleneck};
  return {.x = {n, d},
          .h1 = {n, l.qkv.width()},
          .qkv = {n, l.qkv.out},
          .attended = {n, l.o.width()},
          .x2 = {n, d},
          .h2 = {n, l.gate_up.width()},
          .gate_up = {n, l.gate_up.out},
          .activated = {n, l.down.width()},
          .rstd1 = {n, 1, Element::f32},
          .rstd2 = {n, 1, Element::f32},
          .lse = {c.n_heads, n, Element::f32},
          .serial1 = serial,
          .serial2 = serial};
}

SharedShapes shared_shapes(const ModelConfig& c, const ModelLayout& model, const std::optional<MethodSpec>& method, int64_t n,
                           int64_t max_document, Precision precision) {
  const int64_t d = c.hidden_size;
  const int64_t fitting = kChunkBytes / (c.vocab_size * element_bytes(Element::storage, precision));
  const int64_t chunk = std::min(n, std::clamp(fitting, kMinChunkRows, kMaxChunkRows));
  const int64_t backward = model.purpose == Purpose::train ? n : 0;
  const LayerLayout widest = model.widest();
  int64_t width = 0, in = 0, out = 0, quantized = 0;
  for (const LinearLayout* linear : widest.all()) {
    width = std::max(width, linear->width());
    in = std::max(in, linear->in);
    out = std::max(out, linear->out);
    if (linear->quantization != Quantization::none) quantized = std::max(quantized, linear->out * linear->width());
  }
  const AdapterScratch scratch = method ? adapter_scratch(*method, model.purpose == Purpose::train) : AdapterScratch{};
  return {.y = {n, d},
          .final_x = {n, d},
          .final_h = {n, d},
          .gathered = {n, d},
          .final_rstd = {n, 1, Element::f32},
          .losses = {n, 1, Element::f32},
          .logits = {chunk, c.vocab_size},
          .integers = {5, n, Element::i32},
          .offsets = {n + 1, 1, Element::i32},
          .rope = {2 * max_document, c.head_dim / 2, Element::f32},
          .dx = {backward, d},
          .dqkv = {backward, widest.qkv.out},
          .dinput = {backward, width},
          .adapter_input = {scratch.input ? n : 0, in},
          .adapter_output = {scratch.output ? n : 0, out},
          .weight = {quantized, 1},
          .prompt = {model.virtual_tokens, method ? prompt_work(*method, c, model.purpose == Purpose::train) : 0, Element::f32}};
}

KeptLayers kept_layers(const ModelConfig& c, const ModelLayout& model, ActivationCheckpointing checkpointing) {
  if (model.purpose == Purpose::serve) return {.whole = 1, .inputs = 0};
  const int64_t trained = std::max<int64_t>(c.n_layers - model.first_trained, 1);
  if (checkpointing == ActivationCheckpointing::off) return {.whole = trained, .inputs = 0};
  return {.whole = 1, .inputs = trained - 1};
}

}  // namespace collie
