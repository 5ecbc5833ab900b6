// One row a family: which architectures are its, and how config.json becomes sizes and traits (core/model/model_traits.h). A family that
// fits the description is such a row, names of its tensors where they are not Llama's (core/model/model_names.h), a fixture and a line
// of docs.
#pragma once

#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/formats/gguf.h"
#include "core/model/config_keys.h"
#include "core/model/model_config.h"
#include "core/model/rope_config.h"

namespace collie {

// How a file puts several of our tensors into one: parts after one another, or for each key-value head its query heads, itself and its values.
// The order is that of the file: in four blocks of all, one after another (CodeGen, made for four TPU cores).
enum class Cut { stacked, by_group, in_fours };

// A module of the files and the modules that it consists of; an empty name is none.
struct FusedTensor {
  const char* file;
  std::array<const char*, 3> parts;
  Cut cut = Cut::stacked;
};
constexpr std::array<const char*, 3> kQkvParts = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
constexpr std::array<const char*, 3> kGateUpParts = {"mlp.gate_proj", "mlp.up_proj", nullptr};
constexpr FusedTensor kFusedQkvAndGateUp[] = {{"self_attn.qkv_proj", kQkvParts}, {"mlp.gate_up_proj", kGateUpParts}};
constexpr FusedTensor kFusedGateUp[] = {{"mlp.gate_up_proj", kGateUpParts}};

// What files call modules, where not as we do.
struct ModuleName {
  const char* logical;
  const char* file;
};
struct FileNames {
  const char* embedding = "model.embed_tokens";
  const char* norm = "model.norm";
  const char* head = "lm_head";
  const char* positions = "model.embed_positions";
  const char* layers = "model.layers.";
  std::span<const ModuleName> in_layers = {};
  bool transposed = false;  // weights of linears in layers are stored [in, out], and parts of a fused one are columns
  const char* may_lack = nullptr;  // what names begin with in some folders and not in others
};

// Whether a config.json can give every linear a bias.
enum class Biases { fixed, settable };

// Values of keys that a config.json leaves out: those of transformers' config class.
struct FamilyDefaults {
  int64_t kv_heads = 0;  // 0: as many as query heads
  int64_t head_dim = 0;  // 0: hidden size / query heads
  double eps = 0;        // 0: the key must be there
  const char* eps_key = "rms_norm_eps";
  double theta = 10000;
  bool tied = false;
};

// A key of config.json as a family calls it, and its usual name.
using OwnKeys = std::span<const std::pair<const char*, const char*>>;

// How llama.cpp writes a family. It stores rows of queries and keys so that rotary pairs are neighbours in some architectures, and norms as
// 1 + w where the family stores w (ModelTraits::norm_offset).
struct GgufForm {
  const char* architecture = nullptr;  // "general.architecture"; null: no import
  bool permuted = false;
  // Keys of config.json that only this family has.
  void (*configure)(const GgufFile& file, nlohmann::ordered_json& config) = nullptr;
  // Of two families with one architecture, the one whose files have this key: "attention.sliding_window".
  const char* with_key = nullptr;
  std::span<const ModuleName> names = {};  // of modules in layers, where not llama.cpp's usual ones
};

struct Family {
  const char* architecture;  // "LlamaForCausalLM"
  const char* family;        // transformers' model_type
  const char* title;         // for people: "Llama 1 to 3"
  FamilyDefaults defaults = {};
  // Fills traits, layer kinds and ropes; sizes are there. `config` is that of the text model.
  void (*read)(const nlohmann::json& config, const FamilyDefaults& defaults, ModelConfig& result) = nullptr;
  Biases biases = Biases::fixed;
  std::span<const FusedTensor> fused = {};
  FileNames names = {};
  GgufForm gguf = {};
  // Keys of config.json whose names are not Hugging Face's usual ones, put under those; null: none.
  nlohmann::json (*usual)(const nlohmann::json& config) = nullptr;
  const char* also = nullptr;  // another name of the architecture
  // Sizes that the text_config of a model of several modalities may leave out: those of transformers' class; null: none.
  nlohmann::json (*text_defaults)() = nullptr;
};

// All rows, in the order of docs/models.md.
const std::vector<Family>& families();
// The rows of one file.
std::span<const Family> llama_families();
std::span<const Family> qwen_families();
std::span<const Family> gemma_families();
std::span<const Family> phi_families();
std::span<const Family> olmo_families();
std::span<const Family> glm_families();
std::span<const Family> scaled_families();
std::span<const Family> internlm_families();
std::span<const Family> chatglm_families();
std::span<const Family> neox_families();
std::span<const Family> gpt_families();

// By the architecture of a config.json; null: not known.
const Family* find_family(const std::string& architecture);
// By transformers' model_type; null: not known.
const Family* find_family_of_type(const std::string& type);
// By ModelConfig::architecture, which is known.
const Family& family_of(const ModelConfig& config);

// By a GGUF file's architecture; null: there is no import.
const Family* find_gguf_family(const GgufFile& file);

// Why an architecture that people may have is not among them; empty: we do not know it at all.
std::string why_refused(const std::string& architecture);

// What rows share.
namespace family {

using nlohmann::json;

// One rope for all layers.
void read_plain_rope(const json& config, const FamilyDefaults& defaults, ModelConfig& result);
RopeDefaults rope_defaults(const FamilyDefaults& defaults, const ModelConfig& result);
// The activation under `key`, which is one of those that the engine has.
Activation read_activation(const json& config, const char* key, const char* fallback);
// "layer_types" where there is one, else what `slides` says: true where layer i has the window. `kinds` by layer.
std::vector<bool> sliding_layers(const json& config, int64_t n_layers, bool (*slides)(int64_t layer, int64_t pattern),
                                 int64_t pattern);
// A window under "sliding_window": 0 for null, `fallback` for a key that is not there.
int64_t read_window(const json& config, int64_t fallback);
// LayerNorms with biases.
void take_layer_norm(ModelTraits& traits);
// A copy of a config.json with the usual names beside the own ones.
nlohmann::json with_usual_keys(const nlohmann::json& config, OwnKeys keys);
// The other way around: own names in place of usual ones.
void take_own_keys(nlohmann::ordered_json& config, OwnKeys keys);
// Whether the first layer of a GGUF file has one of these: "attn_q.bias".
bool gguf_layer_has(const GgufFile& file, std::initializer_list<const char*> tensors);
// Which layers slide, where a file says so for each: "layer_types" of transformers.
void take_gguf_windows(const GgufFile& file, nlohmann::ordered_json& config);
// Refuses a key unless it has this value or is not there.
void require_flag(const json& config, const char* key, bool wanted);

}  // namespace family
}  // namespace collie
