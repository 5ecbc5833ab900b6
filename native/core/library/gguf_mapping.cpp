#include "core/library/gguf_mapping.h"

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/formats/gguf_dequantize.h"
#include "core/model/families/family.h"
#include "core/model/gguf_rope.h"
#include "core/model/layer_tensors.h"
#include "core/plan/model_tensors.h"

namespace collie {
namespace {

using nlohmann::json;

// llama.cpp has some of our linears one after another in one tensor, in some architectures; then the first has no tensor of its own.
struct Stack {
  const char* tensor;
  std::array<const char*, 3> parts;
};
constexpr Stack kStacks[] = {{"attn_qkv", kQkvParts}, {"ffn_up", kGateUpParts}};

// Names of the two formats, without the layer's prefix and ending; norms of layers by what they are for.
std::map<std::string, std::string> names_of(const ModelConfig& config) {
  std::map<std::string, std::string> names = {{"model.embed_tokens", "token_embd"},
                                              {"model.embed_positions", "position_embd"},
                                              {"model.norm", "output_norm"},
                                              {"lm_head", "output"},
                                              {"self_attn.q_proj", "attn_q"},
                                              {"self_attn.k_proj", "attn_k"},
                                              {"self_attn.v_proj", "attn_v"},
                                              {"self_attn.o_proj", "attn_output"},
                                              {"mlp.gate_proj", "ffn_gate"},
                                              {"mlp.up_proj", "ffn_up"},
                                              {"mlp.down_proj", "ffn_down"},
                                              {kQNorm, "attn_q_norm"},
                                              {kKNorm, "attn_k_norm"}};
  const ModelTraits& t = config.traits;
  names[t.attention_norm] = "attn_norm";
  names[t.attention_out_norm] = "post_attention_norm";
  names[t.mlp_norm] = "ffn_norm";
  names[t.mlp_out_norm] = "post_ffw_norm";
  for (const ModuleName& own : family_of(config).gguf.names) names[own.logical] = own.file;
  return names;
}

// model.layers.3.mlp.up_proj.weight: "blk.3.", "mlp.up_proj", ".weight"; outside of layers no prefix.
struct Split {
  std::string prefix, module, ending;
};
Split split(std::string_view name) {
  constexpr std::string_view kLayerPrefix = "model.layers.";
  Split parts;
  if (name.starts_with(kLayerPrefix)) {
    name.remove_prefix(kLayerPrefix.size());
    const size_t dot = name.find('.');
    parts.prefix = "blk." + std::string(name.substr(0, dot)) + ".";
    name.remove_prefix(dot + 1);
  }
  const size_t ending = name.rfind('.');
  parts.module = name.substr(0, ending);
  parts.ending = name.substr(ending);
  return parts;
}

class Mapper {
 public:
  Mapper(const GgufFile& file, const ModelConfig& config) : file_(file), config_(config), names_(names_of(config)) {
    for (const NamedShape& tensor : model_tensors(config)) rows_[tensor.name] = tensor.shape[0];
  }

  GgufPart part(const NamedShape& tensor) {
    const Split name = split(tensor.name);
    GgufPart part{.rows = tensor.shape[0], .heads = rotary_heads(name.module)};
    if (tensor.shape.size() == 1 && name.ending == ".weight") part.shift = -config_.traits.norm_offset;
    std::string source = name.prefix + names_.at(name.module) + name.ending;
    std::vector<int64_t> shape = tensor.shape;
    if (const Stack* stack = stack_of(name)) {
      source = name.prefix + stack->tensor + name.ending;
      shape[0] = 0;
      for (const char* module : stack->parts) {
        if (!module) continue;
        if (name.module == module) part.first = shape[0];
        shape[0] += rows_.at(tensor.name.substr(0, tensor.name.size() - name.module.size() - name.ending.size()) +
                             module + name.ending);
      }
    }
    part.source = &checked(source, shape);
    return part;
  }

  void refuse_unused() const {
    for (const GgufTensor& tensor : file_.tensors())
      if (!used_.contains(tensor.name) && !is_gguf_rope_tensor(tensor.name))
        throw Error("model.unsupported_feature",
                    "This GGUF file has a tensor " + tensor.name + ", which is not supported.",
                    "Choose another model, or its Hugging Face folder.", {{"tensor", tensor.name}});
  }

 private:
  // Null: the module has a tensor of its own.
  const Stack* stack_of(const Split& name) const {
    for (const Stack& stack : kStacks)
      for (const char* module : stack.parts)
        if (module && name.module == module) {
          const std::string first = name.prefix + names_.at(stack.parts[0]) + name.ending;
          const bool together =
              !file_.find_tensor(first) && file_.find_tensor(name.prefix + stack.tensor + name.ending);
          return together && (stack.parts[0] != kGateUpParts[0] || config_.traits.gated) ? &stack : nullptr;
        }
    return nullptr;
  }

  int64_t rotary_heads(const std::string& module) const {
    if (!family_of(config_).gguf.permuted) return 0;
    return module == "self_attn.q_proj" ? config_.n_heads : module == "self_attn.k_proj" ? config_.n_kv_heads : 0;
  }

  const GgufTensor& checked(const std::string& source, const std::vector<int64_t>& shape) {
    const GgufTensor* tensor = file_.find_tensor(source);
    const json data = {{"tensor", source}, {"path", file_.path().string()}};
    if (!tensor)
      throw Error("model.missing_tensor", file_.path().string() + " has no tensor " + source + ".",
                  "Download this file again.", data);
    if (tensor->shape != shape)
      throw Error(
          "model.bad_tensor",
          "Tensor " + source + " has shape " + json(tensor->shape).dump() + ", expected " + json(shape).dump() + ".",
          "Choose another file of this model.", data);
    if (!can_dequantize(tensor->type))
      throw Error("gguf.unsupported_type",
                  "Tensor " + source + " has the type " + std::string(gguf_type_info(tensor->type)->name) +
                      ", which cannot be converted.",
                  "Choose a file in F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K or an IQ type.",
                  {{"tensor", source}, {"type", gguf_type_info(tensor->type)->name}});
    used_.insert(source);
    return *tensor;
  }

  const GgufFile& file_;
  const ModelConfig& config_;
  std::map<std::string, std::string> names_;
  std::map<std::string, int64_t> rows_;
  std::set<std::string> used_;
};

}  // namespace

int64_t GgufPart::source_row(int64_t row) const {
  if (heads == 0) return first + row;
  const int64_t head_dim = rows / heads, half = head_dim / 2;
  const int64_t head = row / head_dim, within = row % head_dim;
  return first + head * head_dim + 2 * (within % half) + within / half;
}

std::vector<GgufTarget> map_gguf_tensors(const GgufFile& file, const ModelConfig& config) {
  Mapper mapper(file, config);
  std::vector<GgufTarget> targets;
  std::map<std::string, size_t> places;
  for (const NamedShape& tensor : model_tensors(config)) {
    const FilePlace place = file_place(config, tensor.name, tensor.shape[0]);
    GgufPart part = mapper.part(tensor);
    part.target = place.rows;
    const auto [found, added] = places.try_emplace(place.name, targets.size());
    if (added) {
      std::vector<int64_t> shape = tensor.shape;
      shape[0] = place.file_rows;
      if (place.transposed) std::swap(shape[0], shape[1]);
      targets.push_back({{place.name, DType::BF16, std::move(shape)}, place.transposed, {}});
    }
    targets[found->second].parts.push_back(part);
  }
  mapper.refuse_unused();
  return targets;
}

}  // namespace collie
