#include "core/model_layout.h"

#include <algorithm>

namespace collie {
namespace {

constexpr int64_t kMaxChunkRows = 256;
constexpr int64_t kMinChunkRows = 16;
constexpr int64_t kChunkBytes = 32 << 20;  // of logits at a time

std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

struct Part {
  const char* module;
  int64_t out;
};

LinearLayout linear(int64_t in, std::initializer_list<Part> parts, int64_t rank, const std::vector<std::string>& targets) {
  LinearLayout layout{.parts = {}, .in = in, .out = 0, .tail = 0};
  for (const Part& part : parts) {
    const bool adapted = std::find(targets.begin(), targets.end(), last_part(part.module)) != targets.end();
    layout.parts.push_back({part.module, layout.out, part.out, layout.tail, adapted ? rank : 0});
    layout.out += part.out;
    layout.tail += adapted ? rank : 0;
  }
  return layout;
}

}  // namespace

LayerLayout layer_layout(const ModelConfig& c, int64_t rank, const std::vector<std::string>& targets) {
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim, f = c.intermediate_size;
  return {
      .qkv = linear(c.hidden_size, {{"self_attn.q_proj", q}, {"self_attn.k_proj", kv}, {"self_attn.v_proj", kv}}, rank, targets),
      .o = linear(q, {{"self_attn.o_proj", c.hidden_size}}, rank, targets),
      .gate_up = linear(c.hidden_size, {{"mlp.gate_proj", f}, {"mlp.up_proj", f}}, rank, targets),
      .down = linear(f, {{"mlp.down_proj", c.hidden_size}}, rank, targets),
  };
}

int64_t element_bytes(Element element, Precision precision) {
  return element == Element::storage && precision == Precision::bf16 ? 2 : 4;
}

LayerShapes layer_shapes(const ModelConfig& c, const LayerLayout& l, int64_t n) {
  const int64_t d = c.hidden_size;
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
          .lse = {c.n_heads, n, Element::f32}};
}

SharedShapes shared_shapes(const ModelConfig& c, const LayerLayout& l, const SharedUse& use, Precision precision) {
  const int64_t n = use.capacity, d = c.hidden_size;
  const int64_t fitting = kChunkBytes / (c.vocab_size * element_bytes(Element::storage, precision));
  const int64_t chunk = std::min(n, std::clamp(fitting, kMinChunkRows, kMaxChunkRows));
  const int64_t backward = use.mode == TrainMode::none ? 0 : n;
  int64_t widest = 0, widest_input = 0;
  for (const LinearLayout* linear : l.all()) {
    widest = std::max(widest, linear->width());
    widest_input = std::max(widest_input, linear->in);
  }
  return {.y = {n, d},
          .final_x = {n, d},
          .final_h = {n, d},
          .gathered = {n, d},
          .final_rstd = {n, 1, Element::f32},
          .losses = {n, 1, Element::f32},
          .logits = {chunk, c.vocab_size},
          .integers = {5, n, Element::i32},
          .offsets = {n + 1, 1, Element::i32},
          .rope = {2 * use.max_document, c.head_dim / 2, Element::f32},
          .dx = {backward, d},
          .dqkv = {backward, l.qkv.out},
          .dinput = {backward, widest},
          .dropped = {use.dropout > 0 ? backward : 0, widest_input}};
}

KeptLayers kept_layers(const ModelConfig& c, TrainMode mode, ActivationCheckpointing checkpointing) {
  if (mode == TrainMode::none) return {.whole = 1, .inputs = 0};
  if (checkpointing == ActivationCheckpointing::off) return {.whole = c.n_layers, .inputs = 0};
  return {.whole = 1, .inputs = c.n_layers - 1};
}

}  // namespace collie
