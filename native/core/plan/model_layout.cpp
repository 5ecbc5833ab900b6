#include "core/plan/model_layout.h"

#include <algorithm>

#include "core/model/layer_tensors.h"

namespace collie {
namespace {

constexpr int64_t kPackElements = 8;  // 16 bytes of bf16

int64_t whole_packs(int64_t elements) { return (elements + kPackElements - 1) / kPackElements * kPackElements; }

// Logits at a time: as many rows as fit, between least and most, and a multiple of something.
struct LogitChunk {
  int64_t bytes, least, most, multiple;
};

// The head's table is read once a chunk (and its fp32 gradient read and written), so a chunk takes as many rows as keep its products at full
// speed. Serving needs the last row.
LogitChunk logit_chunk(Purpose purpose, DeviceType device) {
  const bool large = purpose == Purpose::train && device == DeviceType::cuda;
  return large ? LogitChunk{640 << 20, 128, 2048, 128} : LogitChunk{64 << 20, 16, 512, 1};
}

int64_t logit_rows(const LogitChunk& chunk, int64_t row_bytes, int64_t capacity) {
  const int64_t fitting = chunk.bytes / row_bytes / chunk.multiple * chunk.multiple;
  return std::min(capacity, std::clamp(fitting, chunk.least, chunk.most));
}

struct Part {
  const char* module;
  Range rows;
  int64_t whole_out;
  int64_t replica = 0, replicas = 1;
};

struct Inputs {
  Range columns;
  int64_t whole;
};

// The method as one layer sees it.
struct LayerMethod {
  const ModelConfig& config;
  const std::optional<MethodSpec>& method;
  Purpose purpose;
  Quantization quantization;
  std::string prefix;  // "model.layers.0."

  Trained trains(const std::string& name) const {
    return method && purpose == Purpose::train ? trains_weight(*method, config, prefix + name + ".weight")
                                               : Trained::no;
  }
  bool adapted(const std::string& module) const { return method && adapts(*method, prefix + module); }
  int64_t tail() const {
    return method && peft_method(method->type).tail ? peft_method(method->type).tail(*method) : 0;
  }
};

LinearLayout linear(const LayerMethod& method, Split split, const Inputs& in, const std::vector<Part>& parts) {
  LinearLayout layout;
  layout.split = split;
  layout.in = in.columns.size;
  layout.in_begin = in.columns.begin;
  layout.in_whole = in.whole;
  layout.weight = method.trains(parts.front().module);
  if (layout.weight == Trained::no) layout.quantization = method.quantization;
  for (const Part& part : parts) {
    const bool adapted = method.adapted(part.module);
    const int64_t rank = adapted ? method.tail() : 0;
    layout.parts.push_back({part.module, layout.out, part.rows.size, layout.tail, rank, adapted, part.rows.begin,
                            part.whole_out, part.replica, part.replicas});
    layout.out += part.rows.size;
    layout.tail += rank;
    layout.adapted |= adapted;
  }
  return layout;
}

LayerLayout layer_layout(const LayerMethod& m, const ModelLayout& model) {
  const ModelConfig& c = m.config;
  const int64_t e = c.head_dim, d = c.hidden_size, replicas = model.heads.kv_replicas;
  const bool splits = model.shard.tp_size > 1;
  const Split rows = splits ? Split::rows : Split::none, columns = splits ? Split::columns : Split::none;
  const Range q = model.heads.heads.scaled(e), kv = model.heads.kv_heads.scaled(e), f = model.intermediate;
  const int64_t all_q = c.n_heads * e, all_kv = c.n_kv_heads * e, all_f = c.intermediate_size;
  const Inputs hidden{{0, d}, d};
  const auto key_value = [&](const char* module) {
    return Part{module, kv, all_kv, model.shard.tp_rank % replicas, replicas};
  };
  const std::vector<LayerNorm> norms = layer_norms(c, {model.heads.heads.size, model.heads.kv_heads.size, f.size});
  const auto norm = [&](const std::string& module) {
    const auto found = std::ranges::find(norms, module, &LayerNorm::module);
    return found == norms.end() ? NormLayout{} : NormLayout{module, found->size, found->bias, m.trains(module)};
  };
  const ModelTraits& t = c.traits;
  std::vector<Part> inner;
  if (t.gated) inner.push_back({"mlp.gate_proj", f, all_f});
  inner.push_back({"mlp.up_proj", f, all_f});
  LayerLayout layer{
      .qkv = linear(m, rows, hidden,
                    {{"self_attn.q_proj", q, all_q}, key_value("self_attn.k_proj"), key_value("self_attn.v_proj")}),
      .o = linear(m, columns, {q, all_q}, {{"self_attn.o_proj", {0, d}, d}}),
      .gate_up = linear(m, rows, hidden, inner),
      .down = linear(m, columns, {f, all_f}, {{"mlp.down_proj", {0, d}, d}}),
      .attention_norm = norm(t.attention_norm),
      .q_norm = norm(kQNorm),
      .k_norm = norm(kKNorm),
      .attention_out_norm = norm(t.attention_out_norm),
      .mlp_norm = norm(t.mlp_norm),
      .mlp_out_norm = norm(t.mlp_out_norm)};
  layer.qkv.bias = t.qkv_bias;
  layer.o.bias = t.o_bias;
  layer.gate_up.bias = layer.down.bias = t.mlp_bias;
  return layer;
}

bool trains_anything(const LayerLayout& layer, const ModelLayout& model) {
  if (model.bottleneck > 0) return true;
  if (std::ranges::any_of(layer.norms(), [](const NormLayout* n) { return n->trained == Trained::yes; })) return true;
  return std::ranges::any_of(layer.all(),
                             [](const LinearLayout* l) { return l->weight == Trained::yes || l->adapted; });
}

}  // namespace

Slice row_slice(const LinearLayout& linear, const Projection& part, int64_t dim) {
  return linear.split == Split::rows ? Slice{dim, {part.first_row, part.out}, part.whole_out} : Slice{};
}

Slice column_slice(const LinearLayout& linear, int64_t dim) {
  return linear.split == Split::columns ? Slice{dim, {linear.in_begin, linear.in}, linear.in_whole} : Slice{};
}

Slice ModelLayout::vocabulary_slice() const {
  return shard.tp_size > 1 ? Slice{0, vocabulary, vocabulary_size} : Slice{};
}

ModelLayout model_layout(const ModelConfig& c, const std::optional<MethodSpec>& method, Purpose purpose,
                         Masters masters, Quantization quantization, const ModelShard& shard) {
  ModelLayout model;
  model.purpose = purpose;
  model.masters = masters;
  model.shard = shard;
  model.heads = heads_of(c, shard.tp_size, shard.tp_rank);
  model.vocabulary = share_of(c.vocab_size, shard.tp_size, shard.tp_rank);
  model.vocabulary_size = c.vocab_size;
  model.intermediate = intermediate_share(c, shard);
  model.tables = shard.embedding || (shard.head && c.tied_embeddings);
  const bool trains = method && purpose == Purpose::train;
  const auto trained = [&](const char* name) { return trains ? trains_weight(*method, c, name) : Trained::no; };
  const Trained embedding = trained("model.embed_tokens.weight");
  if (model.tables) model.embedding = embedding;
  const Trained positions = c.traits.learned_positions ? trained(kPositionTable) : Trained::no;
  if (shard.embedding) model.positions = positions;
  if (shard.head && !c.tied_embeddings) model.head = trained("lm_head.weight");
  if (shard.head && c.traits.head_bias) model.head_bias = trained("lm_head.bias");
  if (shard.head) model.final_norm = trained("model.norm.weight");
  if (method) {
    model.virtual_tokens = virtual_tokens(*method);
    if (method->has("bottleneck_size")) model.bottleneck = method->integer("bottleneck_size");
    if (trains && method->has("dropout")) model.dropout = method->number("dropout");
  }
  const auto layer = [&](int64_t i) {
    return layer_layout({c, method, purpose, quantization, "model.layers." + std::to_string(i) + "."}, model);
  };
  for (int64_t i = 0; i < shard.n_layers(); ++i) model.layers.push_back(layer(shard.layer(i)));
  if (!trains) return model;
  model.input_gradient = embedding == Trained::yes || positions == Trained::yes || model.virtual_tokens > 0;
  if (!model.input_gradient)
    while (model.lowest_trained < c.n_layers && !trains_anything(layer(model.lowest_trained), model))
      ++model.lowest_trained;
  while (model.first_trained < shard.n_layers() && shard.layer(model.first_trained) < model.lowest_trained)
    ++model.first_trained;
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

bool keeps_linear(const MethodSpec& method, const ModelConfig& config, const std::string& prefix,
                  const LinearLayout& linear) {
  return std::ranges::all_of(linear.parts, [&](const Projection& part) {
    return keeps_weight(method, config, prefix + part.module + ".weight");
  });
}

int64_t element_bytes(Element element, Precision precision) {
  return element == Element::storage && precision == Precision::bf16 ? 2 : 4;
}

LayerShapes layer_shapes(const ModelConfig& c, const ModelLayout& model, const LayerLayout& l, int64_t n) {
  const int64_t d = c.hidden_size, own = token_share(model.shard, n).own, kept = model.shard.sequence_parallel ? 0 : n;
  const BufferShape serial{model.bottleneck > 0 ? own : 0, d + 2 * model.bottleneck};
  const int64_t heads = model.heads.heads.size + model.heads.kv_heads.size;
  const int64_t raw = c.traits.qk_norm == QkNorm::none ? 0 : n, groups = c.traits.qk_norm == QkNorm::whole ? 2 : heads;
  const int64_t means = c.traits.norm == NormKind::layer ? 1 : 0;
  const int64_t out1 = l.attention_out_norm.exists() ? own : 0, out2 = l.mlp_out_norm.exists() ? own : 0;
  return {.x = {own, d},
          .x2 = {own, d},
          .h1 = {kept, l.qkv.row_stride()},
          .qkv = {n, l.qkv.out},
          .raw_qk = {raw, heads * c.head_dim},
          .attended = {n, l.o.row_stride()},
          .attention_out = {out1, d},
          .h2 = {kept, l.gate_up.row_stride()},
          .gate_up = {n, l.gate_up.out},
          .activated = {n, l.down.row_stride()},
          .mlp_out = {out2, d},
          .rstd1 = {own, 1, Element::f32},
          .rstd2 = {own, 1, Element::f32},
          .mean1 = {means * own, 1, Element::f32},
          .mean2 = {means * own, 1, Element::f32},
          .rstd_qk = {raw, groups, Element::f32},
          .rstd_out1 = {out1, 1, Element::f32},
          .rstd_out2 = {out2, 1, Element::f32},
          .mean_out1 = {means * out1, 1, Element::f32},
          .mean_out2 = {means * out2, 1, Element::f32},
          .lse = {model.heads.heads.size, n, Element::f32},
          .serial1 = serial,
          .serial2 = serial};
}

SharedShapes shared_shapes(const ModelConfig& c, const ModelLayout& model, const std::optional<MethodSpec>& method,
                           int64_t n, int64_t max_document, int64_t slots, Computes computes) {
  const int64_t d = c.hidden_size;
  // All ranks of a tensor-parallel group go through the same chunks.
  const int64_t largest_share = share_of(c.vocab_size, model.shard.tp_size, 0).size;
  const int64_t row_bytes = largest_share * element_bytes(Element::storage, computes.precision);
  const int64_t chunk = logit_rows(logit_chunk(model.purpose, computes.device), row_bytes, n);
  const TokenShare share = token_share(model.shard, n);
  const bool backward = model.purpose == Purpose::train;
  const LayerLayout widest = model.widest();
  int64_t width = 0, in = 0, out = 0, quantized = 0;
  for (const LinearLayout* linear : widest.all()) {
    width = std::max(width, linear->row_stride());
    in = std::max(in, linear->in);
    out = std::max(out, linear->out);
    if (linear->quantization != Quantization::none) quantized = std::max(quantized, linear->out * linear->row_stride());
  }
  const AdapterScratch scratch = method ? adapter_scratch(*method, model.purpose == Purpose::train) : AdapterScratch{};
  return {.y = {share.padded, d},
          .h = {model.shard.sequence_parallel ? share.padded : 0,
                std::max(widest.qkv.row_stride(), widest.gate_up.row_stride())},
          .outputs = {slots * share.own, d},
          .final_h = {share.padded, d},
          .gathered = {n, d},
          .final_rstd = {share.own, 1, Element::f32},
          .final_mean = {c.traits.norm == NormKind::layer ? share.own : 0, 1, Element::f32},
          .losses = {n, 1, Element::f32},
          .scales = {backward ? n : 0, 1, Element::f32},
          .logits = {model.shard.head ? chunk : 0, whole_packs(model.vocabulary.size)},
          .capped = {model.shard.head && c.traits.logit_softcap != 0 && backward ? chunk : 0,
                     whole_packs(model.vocabulary.size)},
          .statistics = {model.shard.head && model.shard.tp_size > 1 ? 3 : 0, chunk, Element::f32},
          .integers = {5, n, Element::i32},
          .offsets = {n + 1, 1, Element::i32},
          .dx = {backward ? share.own : 0, d},
          .dqkv = {backward ? n : 0, widest.qkv.out},
          .dinput = {backward ? share.padded : 0, width},
          .branch_dx = {backward && c.traits.parallel ? share.own : 0, d},
          .adapter_input = {scratch.input ? n : 0, in},
          .adapter_output = {scratch.output ? n : 0, out},
          .weight = {quantized, 1},
          .prompt = {model.virtual_tokens, method ? prompt_work(*method, c, model.purpose == Purpose::train) : 0,
                     Element::f32},
          .rope = {2 * static_cast<int64_t>(c.ropes.size()) * rope_rows(c, max_document), c.rotary_dim() / 2,
                   Element::f32}};
}

int64_t rope_rows(const ModelConfig& config, int64_t positions) {
  const auto longer = [&](const RopeConfig& rope) {
    return rope.scaling == RopeScaling::longrope && positions > rope.original_max_position;
  };
  return std::ranges::any_of(config.ropes, longer) ? 2 * positions : positions;
}

LayerShapes only(BufferLife life, const LayerShapes& shapes, ActivationCheckpointing level) {
  LayerShapes some = shapes;
#define COLLIE_LEFT_OUT(name, rows_, from) \
  if (remakes(level, Remade::from) != (life == BufferLife::remade)) some.name.rows = 0;
  COLLIE_LAYER_BUFFERS(COLLIE_LEFT_OUT)
#undef COLLIE_LEFT_OUT
  return some;
}

int64_t kept_layers(const ModelLayout& model) {
  if (model.purpose == Purpose::serve) return 1;
  int64_t begin = 0, trained = 1;
  for (const Range& chunk : model.shard.chunks) {
    trained = std::max(trained, begin + chunk.size - std::max(begin, model.first_trained));
    begin += chunk.size;
  }
  return trained;
}

LayerLayout kept_layout(const ModelLayout& model, int64_t i) {
  const int64_t kept = kept_layers(model);
  if (kept == 1 || model.shard.chunks.size() > 1) return model.widest();
  return model.layers[model.layers.size() - static_cast<size_t>(kept - i)];
}

}  // namespace collie
