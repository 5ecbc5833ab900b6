#include "core/recipe/peft_methods.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/recipe/module_pattern.h"

namespace collie {
namespace {

using Tensors = std::vector<AdapterTensor>;

constexpr double kSmallest = std::numeric_limits<double>::denorm_min();  // "positive" in the schema
constexpr std::array kSavable = {"embed_tokens", "lm_head", "norm", "input_layernorm", "post_attention_layernorm"};

void read_patterns(JsonReader& reader, const std::string& key) {
  const std::vector<std::string> patterns = reader.strings(key);
  if (patterns.size() > 64) reader.fail(key, "out_of_range", "must hold at most 64 patterns");
  for (const std::string& pattern : patterns) {
    if (pattern.empty()) reader.fail(key, "out_of_range", "must not hold an empty pattern");
    if (std::ranges::count(patterns, pattern) > 1)
      reader.fail(key, "duplicate", "names " + json_text(pattern) + " twice");
  }
}

void read_targets(JsonReader& reader) {
  read_patterns(reader, "target_modules");
  if (reader.strings("target_modules").empty())
    reader.fail("target_modules", "out_of_range", "must name at least one module");
  const std::vector<std::string> saved = reader.strings("modules_to_save");
  for (const std::string& module : saved) {
    if (std::ranges::find(kSavable, module) == kSavable.end())
      reader.fail("modules_to_save", "unknown_value",
                  "holds " + json_text(module) +
                      "; known are embed_tokens, lm_head, norm, input_layernorm, post_attention_layernorm");
    if (std::ranges::count(saved, module) > 1)
      reader.fail("modules_to_save", "duplicate", "names " + json_text(module) + " twice");
  }
}

void read_init_adapter(JsonReader& reader) {
  if (reader.is_null("init_adapter")) return reader.skip("init_adapter");
  if (reader.string("init_adapter").empty()) reader.fail("init_adapter", "out_of_range", "must not be empty");
}

// Of methods that can go on from an adapter.
void read_continued(JsonReader& reader) {
  read_targets(reader);
  read_init_adapter(reader);
}

void read_rank(JsonReader& reader) {
  reader.integer("rank", 1, 512);
  reader.number("alpha", kSmallest, 4096);
}

void read_lora(JsonReader& reader) {
  read_rank(reader);
  reader.number("dropout", 0, 0.9);
  enum class Scaling { standard, rank_stabilized };
  reader.one_of<Scaling>("scaling", {{"standard", Scaling::standard}, {"rank_stabilized", Scaling::rank_stabilized}});
  reader.number("lr_ratio", 1, 256);
  read_continued(reader);
}

void read_dora(JsonReader& reader) {
  read_rank(reader);
  reader.number("lr_ratio", 1, 256);
  read_continued(reader);
}

void read_pissa(JsonReader& reader) {
  read_rank(reader);
  reader.number("dropout", 0, 0.9);
  read_targets(reader);
}

void read_adalora(JsonReader& reader) {
  reader.integer("init_rank", 1, 512);
  reader.integer("target_rank", 1, 512);
  reader.number("alpha", kSmallest, 4096);
  reader.number("dropout", 0, 0.9);
  reader.number("start_ratio", 0, 0.9);
  reader.number("end_ratio", 0, 0.9);
  reader.integer("interval", 1, 10'000);
  reader.number("beta1", 0, 0.9999);
  reader.number("beta2", 0, 0.9999);
  reader.number("orthogonality", 0, 10);
  read_targets(reader);
}

void read_ia3(JsonReader& reader) {
  read_continued(reader);
  read_patterns(reader, "feedforward_modules");
}

void read_prompt(JsonReader& reader) {
  reader.integer("virtual_tokens", 1, 1024);
  reader.string("init_text");
  read_init_adapter(reader);
}

void read_p_tuning(JsonReader& reader) {
  reader.integer("virtual_tokens", 1, 1024);
  reader.integer("encoder_hidden_size", 8, 8192);
}

void read_bottleneck(JsonReader& reader) {
  reader.integer("bottleneck_size", 1, 8192);
  enum class Activation { relu, gelu, silu };
  reader.one_of<Activation>("activation",
                            {{"relu", Activation::relu}, {"gelu", Activation::gelu}, {"silu", Activation::silu}});
}

void read_freeze(JsonReader& reader) { reader.integer("last_layers", 1, 1024); }
void read_nothing(JsonReader&) {}

int64_t rank_of(const MethodSpec& m) { return m.integer("rank"); }
int64_t first_rank(const MethodSpec& m) { return m.integer("init_rank"); }

Tensors lora_tensors(const MethodSpec& m, const ProjectionShape& p) {
  const int64_t r = m.integer("rank");
  return {{p.module + ".lora_A.weight", {r, p.in}, Trained::yes, true}, {p.module + ".lora_B.weight", {p.out, r}}};
}

Tensors dora_tensors(const MethodSpec& m, const ProjectionShape& p) {
  Tensors all = lora_tensors(m, p);
  // Besides the magnitude: norms of the base weight's rows, of the sum's, and the quotient that scales the output.
  all.push_back({.name = p.module + ".lora_magnitude_vector.weight", .shape = {p.out}, .derived = 3 * p.out});
  return all;
}

// The factors that training started from are kept: base weight and export are made with them.
Tensors pissa_tensors(const MethodSpec& m, const ProjectionShape& p) {
  Tensors all = lora_tensors(m, p);
  for (AdapterTensor start : lora_tensors(m, p)) all.push_back({start.name + ".start", start.shape, Trained::no});
  return all;
}

Tensors adalora_tensors(const MethodSpec& m, const ProjectionShape& p) {
  const int64_t r = m.integer("init_rank");
  const int64_t a = r * p.in, b = p.out * r;
  // The product computes with E A. Means and deviations of importance are state, and which ranks are left.
  return {{.name = p.module + ".lora_A", .shape = {r, p.in}, .copied = true, .computed = a, .state = 2 * a},
          {.name = p.module + ".lora_B", .shape = {p.out, r}, .state = 2 * b},
          {.name = p.module + ".lora_E", .shape = {r, 1}, .state = 3 * r}};
}

Tensors ia3_tensors(const MethodSpec& m, const ProjectionShape& p) {
  if (matches_any(m.texts("feedforward_modules"), p.module)) return {{p.module + ".ia3_l", {1, p.in}}};
  return {{p.module + ".ia3_l", {p.out, 1}}};
}

Tensors bias_tensors(const MethodSpec&, const ProjectionShape& p) { return {{p.module + ".bias", {p.out}}}; }

Tensors prompt_tensors(const MethodSpec& m, const ModelConfig& c) {
  return {{"prompt_embeddings", {m.integer("virtual_tokens"), c.hidden_size}}};
}

Tensors prefix_tensors(const MethodSpec& m, const ModelConfig& c) {
  return {{"prompt_embeddings", {m.integer("virtual_tokens"), c.n_layers * 2 * c.n_kv_heads * c.head_dim}}};
}

Tensors p_tuning_tensors(const MethodSpec& m, const ModelConfig& c) {
  const int64_t v = m.integer("virtual_tokens"), h = m.integer("encoder_hidden_size"), d = c.hidden_size;
  return {{"prompt_encoder.embedding.weight", {v, d}}, {"prompt_encoder.mlp_head.0.weight", {h, d}},
          {"prompt_encoder.mlp_head.0.bias", {h}},     {"prompt_encoder.mlp_head.2.weight", {h, h}},
          {"prompt_encoder.mlp_head.2.bias", {h}},     {"prompt_encoder.mlp_head.4.weight", {d, h}},
          {"prompt_encoder.mlp_head.4.bias", {d}}};
}

Tensors bottleneck_tensors(const MethodSpec& m, const ModelConfig& c, const std::string& prefix) {
  const int64_t b = m.integer("bottleneck_size"), d = c.hidden_size;
  Tensors all;
  for (const char* place : {"attention_adapter", "mlp_adapter"}) {
    const std::string name = prefix + place;
    all.push_back({name + ".down.weight", {b, d}, Trained::yes, true});
    all.push_back({name + ".down.bias", {b}});
    all.push_back({name + ".up.weight", {d, b}, Trained::yes, true});
    all.push_back({name + ".up.bias", {d}});
  }
  return all;
}

// Dropout changes the factors' input in a copy.
AdapterScratch dropout_scratch(const MethodSpec& m, bool training) {
  return {training && m.number("dropout") > 0, false};
}

// The output before scaling is computed again in the backward pass.
AdapterScratch dora_scratch(const MethodSpec&, bool training) { return {false, training}; }

AdapterScratch ia3_scratch(const MethodSpec& m, bool training) {
  return {!m.texts("feedforward_modules").empty(), training};
}

// The last layers, and the norm after them.
bool last_layers(const MethodSpec& m, const ModelConfig& c, const std::string& name) {
  return layer_of(name) >= c.n_layers - m.integer("last_layers") || name.starts_with("model.norm.");
}

bool everything(const MethodSpec&, const ModelConfig&, const std::string&) { return true; }

const std::vector<PeftMethod>& methods() {
  static const std::vector<PeftMethod> all = {
      {.type = "lora", .read = read_lora, .tail = rank_of, .projection = lora_tensors, .scratch = dropout_scratch},
      {.type = "dora", .read = read_dora, .tail = rank_of, .projection = dora_tensors, .scratch = dora_scratch},
      {.type = "pissa",
       .read = read_pissa,
       .tail = rank_of,
       .projection = pissa_tensors,
       .scratch = dropout_scratch,
       .base = BaseChange::adapted},
      {.type = "adalora",
       .read = read_adalora,
       .tail = first_rank,
       .projection = adalora_tensors,
       .scratch = dropout_scratch},
      {.type = "ia3", .read = read_ia3, .projection = ia3_tensors, .scratch = ia3_scratch},
      {.type = "prompt_tuning", .read = read_prompt, .model = prompt_tensors},
      {.type = "prefix_tuning", .read = read_prompt, .model = prefix_tensors},
      {.type = "p_tuning", .read = read_p_tuning, .model = p_tuning_tensors},
      {.type = "bottleneck", .read = read_bottleneck, .layer = bottleneck_tensors},
      {.type = "bitfit", .read = read_nothing, .projection = bias_tensors},
      {.type = "freeze", .read = read_freeze, .trains = last_layers},
      {.type = "full", .read = read_nothing, .trains = everything, .base = BaseChange::all},
  };
  return all;
}

const nlohmann::json& field(const MethodSpec& method, const std::string& name) {
  const auto found = method.fields.find(name);
  if (found == method.fields.end()) throw std::logic_error("method " + method.type + " has no field " + name);
  return *found;
}

}  // namespace

int64_t MethodSpec::integer(const std::string& name) const { return field(*this, name).get<int64_t>(); }
double MethodSpec::number(const std::string& name) const { return field(*this, name).get<double>(); }
std::string MethodSpec::text(const std::string& name) const { return field(*this, name).get<std::string>(); }

std::vector<std::string> MethodSpec::texts(const std::string& name) const {
  return has(name) ? fields.at(name).get<std::vector<std::string>>() : std::vector<std::string>{};
}

double MethodSpec::lora_scale() const {
  const auto rank = static_cast<double>(peft_method(type).tail(*this));
  const bool stabilized = has("scaling") && text("scaling") == "rank_stabilized";
  return number("alpha") / (stabilized ? std::sqrt(rank) : rank);
}

MethodSpec read_method(JsonReader reader) {
  MethodSpec method;
  method.type = reader.string("type");
  const auto known = std::ranges::find_if(methods(), [&](const PeftMethod& m) { return method.type == m.type; });
  if (known == methods().end()) {
    std::string names;
    for (const PeftMethod& m : methods()) names += (names.empty() ? "" : ", ") + std::string(m.type);
    reader.fail_choice("type", names, method.type);
  }
  known->read(reader);
  reader.finish();
  method.fields = reader.object_json();
  method.fields.erase("type");
  return method;
}

const PeftMethod& peft_method(const std::string& type) {
  for (const PeftMethod& method : methods())
    if (type == method.type) return method;
  throw Error("spec.invalid", "method.type: this build has no method \"" + type + "\"");
}

}  // namespace collie
