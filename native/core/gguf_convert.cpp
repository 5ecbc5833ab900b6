#include "core/gguf_convert.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/float_bits.h"
#include "core/gguf_config.h"
#include "core/gguf_dequantize.h"
#include "core/model_config.h"
#include "core/safetensors.h"

namespace collie {

namespace {

constexpr size_t kChunkElements = 1 << 20;

// llama.cpp stores the rows of a query or key head so that rotary pairs are neighbours (2i, 2i + 1); Hugging Face pairs
// i with i + head_dim / 2. `heads` != 0: row order to undo.
struct Mapping {
  const GgufTensor* source;
  TensorSpec target;
  int64_t heads = 0;
};

struct LayerTensor {
  const char* gguf;
  const char* hf;
  std::vector<int64_t> shape;
  int64_t rotary_heads = 0;
};

std::vector<LayerTensor> layer_tensors(const ModelConfig& c) {
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
  return {
      {"attn_norm", "input_layernorm", {c.hidden_size}},
      {"attn_q", "self_attn.q_proj", {q, c.hidden_size}, c.n_heads},
      {"attn_k", "self_attn.k_proj", {kv, c.hidden_size}, c.n_kv_heads},
      {"attn_v", "self_attn.v_proj", {kv, c.hidden_size}},
      {"attn_output", "self_attn.o_proj", {c.hidden_size, q}},
      {"ffn_norm", "post_attention_layernorm", {c.hidden_size}},
      {"ffn_gate", "mlp.gate_proj", {c.intermediate_size, c.hidden_size}},
      {"ffn_up", "mlp.up_proj", {c.intermediate_size, c.hidden_size}},
      {"ffn_down", "mlp.down_proj", {c.hidden_size, c.intermediate_size}},
  };
}

class MappingBuilder {
 public:
  explicit MappingBuilder(const GgufFile& file) : file_(file) {}

  void add(const std::string& source, const std::string& target, std::vector<int64_t> shape, int64_t heads = 0) {
    const GgufTensor* tensor = file_.find_tensor(source);
    const nlohmann::json data = {{"tensor", source}, {"path", file_.path().string()}};
    if (!tensor)
      throw Error("model.missing_tensor", file_.path().string() + " has no tensor " + source + ".", "Download this file again.", data);
    if (tensor->shape != shape)
      throw Error("model.bad_tensor",
                  "Tensor " + source + " has shape " + nlohmann::json(tensor->shape).dump() + ", expected " + nlohmann::json(shape).dump() + ".",
                  "Choose another file of this model.", data);
    if (!can_dequantize(tensor->type))
      throw Error("gguf.unsupported_type", "Tensor " + source + " has the type " + std::string(gguf_type_info(tensor->type)->name) + ", which cannot be converted.",
                  "Choose a file in F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K.",
                  {{"tensor", source}, {"type", gguf_type_info(tensor->type)->name}});
    used_.insert(source);
    mappings_.push_back({tensor, {target, DType::BF16, std::move(shape)}, heads});
  }

  // Refuses tensors nobody asked for: dropping a weight would change the model in silence.
  std::vector<Mapping> finish() {
    for (const GgufTensor& tensor : file_.tensors())
      if (!used_.contains(tensor.name) && tensor.name != "rope_freqs.weight")
        throw Error("model.unsupported_feature", "This GGUF file has a tensor " + tensor.name + ", which is not supported.",
                    "Choose another model, or its Hugging Face folder.", {{"tensor", tensor.name}});
    return std::move(mappings_);
  }

 private:
  const GgufFile& file_;
  std::set<std::string> used_;
  std::vector<Mapping> mappings_;
};

std::vector<Mapping> map_tensors(const GgufFile& file, const ModelConfig& config) {
  MappingBuilder builder(file);
  builder.add("token_embd.weight", "model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  const auto layer = layer_tensors(config);
  for (int64_t i = 0; i < config.n_layers; ++i) {
    const std::string from = "blk." + std::to_string(i) + ".", to = "model.layers." + std::to_string(i) + ".";
    for (const LayerTensor& tensor : layer)
      builder.add(from + tensor.gguf + ".weight", to + tensor.hf + ".weight", tensor.shape, tensor.rotary_heads);
  }
  builder.add("output_norm.weight", "model.norm.weight", {config.hidden_size});
  if (!config.tied_embeddings) builder.add("output.weight", "lm_head.weight", {config.vocab_size, config.hidden_size});
  return builder.finish();
}

// Row of the file that becomes row `row` of the Hugging Face tensor.
int64_t source_row(int64_t row, int64_t rows, int64_t heads) {
  if (heads == 0) return row;
  const int64_t head_dim = rows / heads, half = head_dim / 2;
  const int64_t head = row / head_dim, within = row % head_dim;
  return head * head_dim + 2 * (within % half) + within / half;
}

template <typename Report>
void convert_tensor(const Mapping& mapping, SafetensorsWriter& writer, const Report& report) {
  const GgufTensor& source = *mapping.source;
  const int64_t columns = source.shape.back(), rows = source.elements() / columns;
  const size_t row_bytes = source.bytes.size() / static_cast<size_t>(rows);
  const int64_t rows_at_once = std::clamp<int64_t>(static_cast<int64_t>(kChunkElements) / columns, 1, rows);
  std::vector<float> values(static_cast<size_t>(columns));
  std::vector<uint16_t> chunk;
  for (int64_t begin = 0; begin < rows; begin += rows_at_once) {
    const int64_t end = std::min(rows, begin + rows_at_once);
    chunk.clear();
    for (int64_t row = begin; row < end; ++row) {
      const auto from = static_cast<size_t>(source_row(row, rows, mapping.heads));
      gguf_dequantize(source.type, source.bytes.subspan(from * row_bytes, row_bytes), values);
      std::transform(values.begin(), values.end(), std::back_inserter(chunk), float_to_bfloat16);
    }
    writer.write_part(mapping.target.name, std::as_bytes(std::span(chunk)));
    report(static_cast<uint64_t>(end - begin) * row_bytes);
  }
}

}  // namespace

void gguf_convert(const GgufFile& file, const std::filesystem::path& out_dir, const std::function<Continue(double)>& progress) {
  const nlohmann::ordered_json config = gguf_model_config(file);
  const auto mappings = map_tensors(file, ModelConfig::parse(nlohmann::json(config)));
  std::vector<TensorSpec> specs;
  uint64_t total = 0, done = 0;
  for (const Mapping& mapping : mappings) {
    specs.push_back(mapping.target);
    total += mapping.source->bytes.size();
  }
  SafetensorsWriter writer(out_dir / "model.safetensors", std::move(specs));
  const auto report = [&](uint64_t bytes) {
    done += bytes;
    if (progress(static_cast<double>(done) / static_cast<double>(total)) == Continue::no)
      throw Error("job.cancelled", "The conversion was cancelled.");
  };
  for (const Mapping& mapping : mappings) convert_tensor(mapping, writer, report);
  writer.finish();
  write_file(out_dir / "config.json", config.dump(2) + "\n");
}

}  // namespace collie
