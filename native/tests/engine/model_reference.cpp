#include "model_reference.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <numbers>

#include "core/base/random.h"
#include "core/formats/safetensors.h"

namespace collie::test {
namespace {

at::Tensor random_tensor(at::IntArrayRef shape, Random& random, double scale) {
  at::Tensor t = at::empty(shape);
  for (int64_t i = 0; i < t.numel(); ++i)
    t.data_ptr<float>()[i] = static_cast<float>((2 * random.uniform() - 1) * scale);
  return t;
}

at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * at::rsqrt((x * x).mean(-1, true) + eps) * weight;
}

// Every method on linears, by the names of its tensors.
at::Tensor linear(const Weights& w, const std::string& name, const at::Tensor& input, double scale) {
  const auto find = [&](const char* suffix) {
    const auto found = w.find(name + suffix);
    return found == w.end() ? at::Tensor() : found->second;
  };
  at::Tensor x = input, weight = w.at(name + ".weight");
  const at::Tensor ia3 = find(".ia3_l"), bias = find(".bias"), magnitude = find(".lora_magnitude_vector.weight");
  if (find(".lora_A.weight.start").defined())
    weight = weight - scale * at::matmul(find(".lora_B.weight.start"), find(".lora_A.weight.start"));
  if (find(".lora_A.weight").defined())
    weight = weight + scale * at::matmul(find(".lora_B.weight"), find(".lora_A.weight"));
  if (find(".lora_E").defined())
    weight = weight + scale * at::matmul(find(".lora_B"), find(".lora_A") * find(".lora_E"));
  if (magnitude.defined()) weight = (magnitude / weight.detach().norm(2, 1)).unsqueeze(1) * weight;
  if (ia3.defined() && ia3.size(0) == 1) x = x * ia3;
  at::Tensor y = at::matmul(x, weight.t());
  if (ia3.defined() && ia3.size(1) == 1) y = y * ia3.t();
  return bias.defined() ? y + bias : y;
}

double frequency(const ModelConfig& c, int64_t i) {
  const double f = std::pow(c.ropes[0].theta, -2.0 * static_cast<double>(i) / static_cast<double>(c.head_dim));
  if (c.ropes[0].scaling == RopeScaling::linear) return f / c.ropes[0].factor;
  if (c.ropes[0].scaling == RopeScaling::none) return f;
  const double wavelength = 2 * std::numbers::pi / f, original = static_cast<double>(c.ropes[0].original_max_position);
  if (wavelength < original / c.ropes[0].high_freq_factor) return f;
  if (wavelength > original / c.ropes[0].low_freq_factor) return f / c.ropes[0].factor;
  const double s =
      (original / wavelength - c.ropes[0].low_freq_factor) / (c.ropes[0].high_freq_factor - c.ropes[0].low_freq_factor);
  return (1 - s) * f / c.ropes[0].factor + s * f;
}

// x [T, heads, E]
at::Tensor rotate(const ModelConfig& c, const at::Tensor& x) {
  const int64_t length = x.size(0), half = c.head_dim / 2;
  at::Tensor angle = at::empty({length, 1, half}, at::kDouble);
  for (int64_t t = 0; t < length; ++t)
    for (int64_t i = 0; i < half; ++i)
      angle.data_ptr<double>()[t * half + i] = static_cast<double>(t) * frequency(c, i);
  const at::Tensor cosine = angle.cos().to(at::kFloat), sine = angle.sin().to(at::kFloat);
  const at::Tensor lo = x.narrow(2, 0, half), hi = x.narrow(2, half, half);
  return at::cat({lo * cosine - hi * sine, hi * cosine + lo * sine}, 2);
}

at::Tensor attention(const ModelConfig& c, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t length = q.size(0), group = c.n_heads / c.n_kv_heads;
  at::Tensor mask = at::ones({length, length}, at::kBool).tril();
  if (const int64_t window = c.kind(0).window) mask = mask & at::ones({length, length}, at::kBool).triu(1 - window);
  const at::Tensor keys = k.repeat_interleave(group, 1).transpose(0, 1),
                   values = v.repeat_interleave(group, 1).transpose(0, 1);
  at::Tensor scores = at::matmul(q.transpose(0, 1), keys.transpose(1, 2)) / std::sqrt(static_cast<double>(c.head_dim));
  scores = scores.masked_fill(mask.logical_not(), -1e30);
  return at::matmul(scores.softmax(-1), values).transpose(0, 1).reshape({length, c.n_heads * c.head_dim});
}

at::Tensor affine(const Weights& w, const std::string& name, const at::Tensor& x) {
  return at::matmul(x, w.at(name + ".weight").t()) + w.at(name + ".bias");
}

// Input vectors of virtual tokens, [v, D]; or undefined. A prefix begins with vectors that do not matter.
at::Tensor virtual_inputs(const ModelConfig& c, const Weights& w) {
  const std::string encoder = "prompt_encoder.mlp_head.";
  if (w.count(encoder + "0.weight")) {
    const at::Tensor inner = affine(w, encoder + "0", w.at("prompt_encoder.embedding.weight")).relu();
    return affine(w, encoder + "4", affine(w, encoder + "2", inner).relu());
  }
  if (!w.count("prompt_embeddings")) return {};
  const at::Tensor& given = w.at("prompt_embeddings");
  return given.size(1) == c.hidden_size ? given : at::ones({given.size(0), c.hidden_size});
}

// x [T, heads, E] with the prefix' rows of a layer first: keys are part 0, values part 1.
at::Tensor with_prefix(const ModelConfig& c, const Weights& w, const at::Tensor& x, int64_t layer, int64_t part) {
  if (!w.count("prompt_embeddings") || w.at("prompt_embeddings").size(1) == c.hidden_size) return x;
  const at::Tensor& all = w.at("prompt_embeddings");
  const int64_t v = all.size(0), width = c.n_kv_heads * c.head_dim;
  const at::Tensor own = all.narrow(1, (2 * layer + part) * width, width).view({v, c.n_kv_heads, c.head_dim});
  return at::cat({own, x.narrow(0, v, x.size(0) - v)}, 0);
}

at::Tensor serial(const Weights& w, const std::string& name, const at::Tensor& y) {
  if (!w.count(name + ".down.weight")) return y;
  const at::Tensor z = affine(w, name + ".down", y);
  const int64_t activation = w.at("activation").item<int64_t>();
  return y + affine(w, name + ".up", activation == 0 ? z.relu() : activation == 1 ? at::gelu(z) : at::silu(z));
}

at::Tensor document_logits(const ModelConfig& c, const Weights& w, const at::Tensor& ids, double scale) {
  at::Tensor x = w.at("model.embed_tokens.weight").index_select(0, ids);
  const at::Tensor before = virtual_inputs(c, w);
  if (before.defined()) x = at::cat({before, x}, 0);
  const int64_t length = x.size(0);
  for (int64_t i = 0; i < c.n_layers; ++i) {
    const std::string p = "model.layers." + std::to_string(i) + ".";
    at::Tensor h = norm(x, w.at(p + "input_layernorm.weight"), c.norm_eps);
    const at::Tensor q = linear(w, p + "self_attn.q_proj", h, scale).view({length, c.n_heads, c.head_dim});
    const at::Tensor k = linear(w, p + "self_attn.k_proj", h, scale).view({length, c.n_kv_heads, c.head_dim});
    const at::Tensor v = linear(w, p + "self_attn.v_proj", h, scale).view({length, c.n_kv_heads, c.head_dim});
    x = x + serial(w, p + "attention_adapter",
                   linear(w, p + "self_attn.o_proj",
                          attention(c, rotate(c, q), with_prefix(c, w, rotate(c, k), i, 0), with_prefix(c, w, v, i, 1)),
                          scale));
    h = norm(x, w.at(p + "post_attention_layernorm.weight"), c.norm_eps);
    const at::Tensor gate = linear(w, p + "mlp.gate_proj", h, scale), up = linear(w, p + "mlp.up_proj", h, scale);
    x = x + serial(w, p + "mlp_adapter", linear(w, p + "mlp.down_proj", gate * gate.sigmoid() * up, scale));
  }
  const at::Tensor head = w.at(c.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  if (before.defined()) x = x.narrow(0, before.size(0), ids.size(0));
  return at::matmul(norm(x, w.at("model.norm.weight"), c.norm_eps), head.t());
}

at::Tensor longs(const std::vector<int32_t>& values) {
  return at::from_blob(const_cast<int32_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kInt)
      .to(at::kLong);
}

}  // namespace

ModelConfig tiny_config(const TinyOptions& options) {
  ModelConfig c;
  c.family = "llama";
  c.architecture = "LlamaForCausalLM";
  c.hidden_size = 32;
  c.intermediate_size = 44;
  c.n_layers = 3;
  c.n_heads = 4;
  c.n_kv_heads = 2;
  c.head_dim = options.head_dim;
  c.vocab_size = 101;
  c.max_position = 512;
  c.tied_embeddings = options.tied;
  if (options.window != 0) c.kinds.assign(static_cast<size_t>(c.n_layers), {.window = options.window});
  c.ropes[0].scaling = options.scaling;
  c.ropes[0].factor = options.scaling == RopeScaling::none ? 1 : 4;
  c.ropes[0].original_max_position = 64;
  return c;
}

Weights random_weights_of(const ModelConfig& c, uint64_t seed) {
  Random random(seed);
  Weights w;
  const int64_t d = c.hidden_size, q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim, f = c.intermediate_size;
  const auto matrix = [&](const std::string& name, int64_t out, int64_t in) {
    w[name] = random_tensor({out, in}, random, 0.25);
  };
  const auto vector = [&](const std::string& name) { w[name] = 1 + random_tensor({d}, random, 0.3); };
  matrix("model.embed_tokens.weight", c.vocab_size, d);
  for (int64_t i = 0; i < c.n_layers; ++i) {
    const std::string p = "model.layers." + std::to_string(i) + ".";
    vector(p + "input_layernorm.weight");
    vector(p + "post_attention_layernorm.weight");
    matrix(p + "self_attn.q_proj.weight", q, d);
    matrix(p + "self_attn.k_proj.weight", kv, d);
    matrix(p + "self_attn.v_proj.weight", kv, d);
    matrix(p + "self_attn.o_proj.weight", d, q);
    matrix(p + "mlp.gate_proj.weight", f, d);
    matrix(p + "mlp.up_proj.weight", f, d);
    matrix(p + "mlp.down_proj.weight", d, f);
  }
  vector("model.norm.weight");
  if (!c.tied_embeddings) matrix("lm_head.weight", c.vocab_size, d);
  return w;
}

ModelFolderOnDisk::ModelFolderOnDisk(const Weights& weights, DType dtype) {
  std::string name = (std::filesystem::temp_directory_path() / "collie-model-XXXXXX").string();
  path_ = mkdtemp(name.data());
  std::vector<TensorSpec> specs;
  for (const auto& [key, value] : weights) specs.push_back({key, dtype, value.sizes().vec()});
  SafetensorsWriter writer(path_ / "model.safetensors", specs);
  const at::ScalarType type = dtype == DType::F32 ? at::kFloat : dtype == DType::F16 ? at::kHalf : at::kBFloat16;
  for (const auto& [key, value] : weights) {
    const at::Tensor stored = value.detach().to(type).contiguous();
    writer.write(key,
                 std::span<const std::byte>(static_cast<const std::byte*>(stored.const_data_ptr()), stored.nbytes()));
  }
  writer.finish();
}

ModelFolderOnDisk::~ModelFolderOnDisk() { std::filesystem::remove_all(path_); }

PackedBatch random_batch(const ModelConfig& c, const std::vector<int64_t>& lengths, uint64_t seed) {
  Random random(seed);
  PackedBatch b;
  b.doc_offsets = {0};
  for (const int64_t length : lengths) {
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < length; ++i)
      ids.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
    for (int64_t i = 0; i < length; ++i) {
      b.ids_N.push_back(ids[static_cast<size_t>(i)]);
      b.positions_N.push_back(static_cast<int32_t>(i));
      b.targets_N.push_back(i + 1 < length && i % 3 != 2 ? ids[static_cast<size_t>(i) + 1] : -1);
    }
    b.doc_offsets.push_back(static_cast<int32_t>(b.ids_N.size()));
  }
  return b;
}

PackedBatch document_of(const PackedBatch& batch, size_t index) {
  const auto cut = [&](const std::vector<int32_t>& all) {
    return std::vector<int32_t>(all.begin() + batch.doc_offsets[index], all.begin() + batch.doc_offsets[index + 1]);
  };
  return {cut(batch.ids_N),
          cut(batch.positions_N),
          cut(batch.targets_N),
          {0, batch.doc_offsets[index + 1] - batch.doc_offsets[index]}};
}

at::Tensor reference_logits(const ModelConfig& c, const Weights& w, const PackedBatch& batch, double scale) {
  std::vector<at::Tensor> parts;
  for (size_t d = 0; d + 1 < batch.doc_offsets.size(); ++d)
    parts.push_back(document_logits(c, w, longs(document_of(batch, d).ids_N), scale));
  return at::cat(parts, 0);
}

at::Tensor reference_loss(const ModelConfig& c, const Weights& w, const PackedBatch& batch, double scale) {
  return at::cross_entropy_loss(reference_logits(c, w, batch, scale), longs(batch.targets_N), {}, at::Reduction::Sum,
                                -1);
}

MethodSpec lora_method(int64_t rank, double alpha, double dropout, const std::vector<std::string>& targets) {
  return {"lora",
          {{"rank", rank},
           {"alpha", alpha},
           {"dropout", dropout},
           {"scaling", "standard"},
           {"lr_ratio", 1},
           {"target_modules", targets},
           {"modules_to_save", nlohmann::json::array()},
           {"init_adapter", nullptr}}};
}

MethodSpec full_method() { return {"full"}; }

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.detach().to(at::kDouble), y = b.detach().to(at::kDouble);
  return (x - y).norm().item<double>() / (y.norm().item<double>() + 1e-30);
}

}  // namespace collie::test
