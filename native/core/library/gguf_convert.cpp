#include "core/library/gguf_convert.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "core/base/float_bits.h"
#include "core/model/families/family.h"
#include "core/model/gguf_config.h"
#include "core/model/layer_tensors.h"
#include "core/formats/gguf_dequantize.h"
#include "core/model/model_config.h"
#include "core/plan/model_tensors.h"
#include "core/formats/safetensors.h"

namespace collie {

namespace {

constexpr size_t kChunkElements = 1 << 20;

// llama.cpp stores the rows of a query or key head so that rotary pairs are neighbours (2i, 2i + 1); Hugging Face pairs
// i with i + head_dim / 2. `heads` != 0: row order to undo.
struct Mapping {
  const GgufTensor* source;
  TensorSpec target;
  int64_t heads = 0;
  double shift = 0;  // to be added: norms are stored as 1 + w
};

// Names of the two formats, without the layer's prefix and ending; norms of layers by what they are for.
std::map<std::string, std::string> names_of(const ModelConfig& config) {
  std::map<std::string, std::string> names = {
      {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"},
      {"self_attn.q_proj", "attn_q"},       {"self_attn.k_proj", "attn_k"}, {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},  {"mlp.gate_proj", "ffn_gate"},  {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},        {kQNorm, "attn_q_norm"},        {kKNorm, "attn_k_norm"}};
  const ModelTraits& t = config.traits;
  names[t.attention_norm] = "attn_norm";
  names[t.attention_out_norm] = "post_attention_norm";
  names[t.mlp_norm] = "ffn_norm";
  names[t.mlp_out_norm] = "post_ffw_norm";
  return names;
}

// model.layers.3.mlp.up_proj.weight -> blk.3.ffn_up.weight
std::string gguf_name(const std::map<std::string, std::string>& names, std::string_view name) {
  constexpr std::string_view kLayerPrefix = "model.layers.";
  std::string prefix;
  if (name.starts_with(kLayerPrefix)) {
    name.remove_prefix(kLayerPrefix.size());
    const size_t dot = name.find('.');
    prefix = "blk." + std::string(name.substr(0, dot)) + ".";
    name.remove_prefix(dot + 1);
  }
  const size_t ending = name.rfind('.');
  return prefix + names.at(std::string(name.substr(0, ending))) + std::string(name.substr(ending));
}

// Heads whose rows llama.cpp reordered in this tensor; 0: none.
int64_t rotary_heads(const std::string& name, const ModelConfig& config) {
  if (!family_of(config).gguf.permuted) return 0;
  if (name.find("q_proj.") != std::string::npos) return config.n_heads;
  return name.find("k_proj.") != std::string::npos ? config.n_kv_heads : 0;
}

class MappingBuilder {
 public:
  explicit MappingBuilder(const GgufFile& file) : file_(file) {}

  void add(const std::string& source, const std::string& target, std::vector<int64_t> shape, int64_t heads, double shift) {
    const GgufTensor* tensor = file_.find_tensor(source);
    const nlohmann::json data = {{"tensor", source}, {"path", file_.path().string()}};
    if (!tensor)
      throw Error("model.missing_tensor", file_.path().string() + " has no tensor " + source + ".",
                  "Download this file again.", data);
    if (tensor->shape != shape)
      throw Error("model.bad_tensor",
                  "Tensor " + source + " has shape " + nlohmann::json(tensor->shape).dump() + ", expected " +
                      nlohmann::json(shape).dump() + ".",
                  "Choose another file of this model.", data);
    if (!can_dequantize(tensor->type))
      throw Error("gguf.unsupported_type",
                  "Tensor " + source + " has the type " + std::string(gguf_type_info(tensor->type)->name) +
                      ", which cannot be converted.",
                  "Choose a file in F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K or an IQ type.",
                  {{"tensor", source}, {"type", gguf_type_info(tensor->type)->name}});
    used_.insert(source);
    mappings_.push_back({tensor, {target, DType::BF16, std::move(shape)}, heads, shift});
  }

  // Refuses tensors nobody asked for: dropping a weight would change the model in silence.
  std::vector<Mapping> finish() {
    for (const GgufTensor& tensor : file_.tensors())
      if (!used_.contains(tensor.name) && tensor.name != "rope_freqs.weight")
        throw Error("model.unsupported_feature",
                    "This GGUF file has a tensor " + tensor.name + ", which is not supported.",
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
  const std::map<std::string, std::string> names = names_of(config);
  for (const NamedShape& tensor : model_tensors(config)) {
    const bool norm = tensor.shape.size() == 1 && tensor.name.ends_with(".weight");
    builder.add(gguf_name(names, tensor.name), tensor.name, tensor.shape, rotary_heads(tensor.name, config),
                norm ? -config.traits.norm_offset : 0);
  }
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
  // The elements of a bias are rows of the projection.
  const bool bias = mapping.heads != 0 && source.shape.size() == 1;
  const int64_t columns = bias ? 1 : source.shape.back(), rows = source.elements() / columns;
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
      if (mapping.shift != 0)  // adding 0 would make -0 another number
        for (float& value : values) value += static_cast<float>(mapping.shift);
      std::transform(values.begin(), values.end(), std::back_inserter(chunk), float_to_bfloat16);
    }
    writer.write_part(mapping.target.name, std::as_bytes(std::span(chunk)));
    report(static_cast<uint64_t>(end - begin) * row_bytes);
  }
}

}  // namespace

void gguf_convert(const GgufFile& file, const std::filesystem::path& out_dir,
                  const std::function<Continue(double)>& progress) {
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
