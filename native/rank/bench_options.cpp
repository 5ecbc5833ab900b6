#include "rank/bench_options.h"

#include <algorithm>
#include <charconv>

#include "core/base/json_reader.h"
#include "core/recipe/rules.h"
#include "engine/train/session.h"
#include "rank/bench_workload.h"

namespace collie {

using nlohmann::json;

namespace {

std::vector<int64_t> document_lengths(const Arguments& arguments, int64_t batch) {
  const auto text = arguments.find("tokens");
  if (!text) return std::vector<int64_t>(static_cast<size_t>(batch), arguments.integer("seq", 512, 2, 1 << 20));
  if (arguments.has("seq")) throw UsageError("--seq and --tokens exclude each other");
  std::vector<int64_t> lengths;
  for (size_t begin = 0; begin <= text->size();) {
    const size_t end = std::min(text->find(',', begin), text->size());
    int64_t length = 0;
    const auto [stop, error] = std::from_chars(text->data() + begin, text->data() + end, length);
    if (error != std::errc() || stop != text->data() + end || length < 2)
      throw UsageError("--tokens must be lengths of 2 or more, separated by commas, not \"" + *text + "\"");
    lengths.push_back(length);
    begin = end + 1;
  }
  return lengths;
}

MethodSpec lora(const Arguments& arguments) {
  const int64_t rank = arguments.integer("rank", 16, 1, 512);
  const double dropout = static_cast<double>(arguments.integer("dropout-percent", 0, 0, 90)) / 100;
  return {"lora",
          {{"rank", rank},
           {"alpha", 2.0 * static_cast<double>(rank)},
           {"dropout", dropout},
           {"target_modules", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}}}};
}

json parsed(const std::string& text, const char* option) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) throw UsageError("--" + std::string(option) + " is not JSON: " + text);
  return value;
}

// --method-json is the `method` of a resolved spec; without it, --method.
MethodSpec bench_method(const Arguments& arguments) {
  if (const auto text = arguments.find("method-json")) {
    const json method = parsed(*text, "method-json");
    return read_method(JsonReader(method, "method"));
  }
  return arguments.choice("method", "lora", {"lora", "full"}) == "full" ? MethodSpec{"full"} : lora(arguments);
}

// --optimizer-json is the `optimizer` of a resolved spec; without it, AdamW.
OptimizerSpec bench_optimizer(const Arguments& arguments) {
  if (const auto text = arguments.find("optimizer-json")) {
    const json optimizer = parsed(*text, "optimizer-json");
    return read_optimizer(JsonReader(optimizer, "optimizer"));
  }
  return {"adamw", 1e-4, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};
}

ActivationCheckpointing checkpointing_level(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const auto& [name, level] : kCheckpointingLevels) names.emplace_back(name);
  const std::string chosen = arguments.choice("checkpointing", "off", names);
  return std::ranges::find_if(kCheckpointingLevels, [&](const auto& row) { return chosen == row.first; })->second;
}

}  // namespace

std::vector<std::string> bench_option_names() {
  return {"model-shape", "model",           "method",  "method-json", "optimizer-json", "quantization", "precision",
          "device",      "batch",           "seq",     "tokens",      "capacity",       "steps",        "warmup",
          "rank",        "dropout-percent", "threads", "profile",     "checkpointing"};
}

BenchOptions bench_options(const Arguments& arguments) {
  BenchOptions options;
  if (arguments.has("model") == arguments.has("model-shape")) throw UsageError("give either --model-shape or --model");
  if (const auto folder = arguments.find("model")) {
    options.weights = *folder;
    options.model_name = options.weights->filename().string();
    options.config = ModelConfig::load(*folder);
  } else {
    options.model_name = arguments.choice("model-shape", "", bench_shapes());
    options.config = bench_shape(options.model_name);
  }
  DecoderOptions& decoder = options.decoder;
  decoder.purpose = Purpose::train;
  decoder.precision =
      arguments.choice("precision", "bf16", {"bf16", "fp32"}) == "bf16" ? Precision::bf16 : Precision::fp32;
  decoder.device =
      choose_device(arguments.choice("device", "cpu", {"cpu", "cuda"}) == "cpu" ? DeviceType::cpu : DeviceType::cuda);
  decoder.checkpointing = checkpointing_level(arguments);
  if (arguments.choice("quantization", "none", {"none", "nf4"}) == "nf4") {
    decoder.quantization = Quantization::nf4;
  }
  decoder.method = bench_method(arguments);
  options.optimizer = bench_optimizer(arguments);
  const char* quantization = decoder.quantization == Quantization::nf4 ? "nf4" : "none";
  throw_refusals(rule_refusals({{"method", {{"type", decoder.method->type}}},
                                {"optimizer", {{"type", options.optimizer.type}}},
                                {"quantization", quantization}}));
  if (updates_inside_backward(options.optimizer)) {
    decoder.masters = Masters::none;
    decoder.gradients = GradientLife::one_layer;
  }
  const int64_t batch = arguments.integer("batch", 4, 1, 1024);
  options.batches = bench_batches(document_lengths(arguments, batch), batch, options.config.vocab_size, /*seed=*/7);
  const int64_t extra = virtual_tokens(*decoder.method);  // before every document
  for (const PackedBatch& one : options.batches) {
    const auto documents = static_cast<int64_t>(one.doc_offsets.size()) - 1;
    decoder.capacity_tokens = std::max(decoder.capacity_tokens, one.n_tokens() + extra * documents);
    decoder.max_document = std::max(decoder.max_document, one.longest_document() + extra);
  }
  if (arguments.has("capacity")) {
    const int64_t largest = decoder.capacity_tokens;
    decoder.capacity_tokens = arguments.integer("capacity", 0, 1, 1 << 24);
    if (decoder.capacity_tokens < largest)
      throw UsageError("--capacity " + std::to_string(decoder.capacity_tokens) + " is less than the " +
                       std::to_string(largest) + " tokens of the largest micro-batch");
  }
  if (const auto file = arguments.find("profile")) options.profile = *file;
  options.forward_only = arguments.has("forward-only");
  options.steps = arguments.integer("steps", 5, 1, 100000);
  options.warmup = arguments.integer("warmup", 1, 0, 1000);
  return options;
}

}  // namespace collie
