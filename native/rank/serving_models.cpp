#include "rank/serving_models.h"

#include <algorithm>

#include "core/error.h"
#include "core/json_reader.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/train/session.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kPromptChunk = 512;  // tokens of a prompt that are computed at once
constexpr int64_t kUsualContext = 4096;

}  // namespace

ServingOptions serving_options(const Arguments& arguments) {
  ServingOptions options;
  options.model = arguments.required("model");
  if (const auto run = arguments.find("run")) {
    options.run = *run;
    options.checkpoint = arguments.required("checkpoint");
  } else if (arguments.has("checkpoint")) {
    throw UsageError("--checkpoint needs --run");
  }
  options.precision =
      arguments.choice("precision", "bf16", {"bf16", "fp32"}) == "bf16" ? Precision::bf16 : Precision::fp32;
  options.device = arguments.choice("device", "cpu", {"cpu", "cuda"}) == "cpu" ? DeviceType::cpu : DeviceType::cuda;
  options.context = arguments.integer("context", 0, 16, 1 << 20);
  return options;
}

ServingModels::ServingModels(const ServingOptions& options)
    : options_(options), config_(ModelConfig::load(options.model)), device_(choose_device(options.device)) {
  if (options_.context == 0) options_.context = std::min(config_.max_position, kUsualContext);
  if (options_.run)
    load_tuned();
  else
    base_ = make_decoder(std::nullopt, AdapterStart::fresh);
}

std::unique_ptr<Decoder> ServingModels::make_decoder(std::optional<MethodSpec> method, AdapterStart start) const {
  DecoderOptions options;
  options.precision = options_.precision;
  options.device = device_;
  options.method = std::move(method);
  options.quantization = quantization_;
  const int64_t slots = options.method ? virtual_tokens(*options.method) : 0;
  options.capacity_tokens = chunk_tokens() + slots;
  options.max_document = chunk_tokens() + slots;
  std::unique_ptr<Decoder> decoder;
  with_memory_errors(device_, "The model and a context of " + std::to_string(options_.context) + " tokens", [&] {
    decoder = std::make_unique<Decoder>(config_, options);
    decoder->load(options_.model, {}, start);
  });
  return decoder;
}

void ServingModels::load_tuned() {
  const RunSpec spec = RunSpec::load(*options_.run);
  const CheckpointStore store(*options_.run);
  const CheckpointMeta meta = store.read_meta(options_.checkpoint);
  check_matches(meta, spec, read_json_file(options_.model / "config.json"), options_.checkpoint);
  separate_ = changes_base(spec.method);
  quantization_ = spec.quantization;
  std::unique_ptr<Decoder> decoder = make_decoder(spec.method, AdapterStart::stored);
  read_tensors(ShardedTensors(store.folder(options_.checkpoint), weights_stem(spec.method)), decoder->trained_tensors(),
               Contents::exactly, Formats::converted);
  decoder->bind_base();
  decoder->sync_weights();
  (separate_ ? full_ : base_) = std::move(decoder);
}

Decoder& ServingModels::decoder_of(Use use) {
  if (use == Use::tuned && separate_) return *full_;
  if (!base_) base_ = make_decoder(std::nullopt, AdapterStart::fresh);  // asked for the base for the first time
  return *base_;
}

void ServingModels::require(Use use) const {
  if (use == Use::tuned && !tuned())
    throw Error("request.invalid", "There is no tuned model here: the rank serves the base model only.",
                "Start it with --run and --checkpoint.");
}

at::Tensor ServingModels::logits(Use use, const PackedBatch& document) {
  require(use);
  const int64_t most = chunk_tokens();
  if (document.n_tokens() > most)
    throw Error("request.invalid", "A document has " + std::to_string(document.n_tokens()) + " tokens; at most " +
                std::to_string(most) + " are computed at once.", "Give shorter documents.");
  return decoder_of(use).logits(document, adapter_of(use));
}

AdapterUse ServingModels::adapter_of(Use use) const {
  return use == Use::tuned ? AdapterUse::on : AdapterUse::off;
}

// Tokens computed at once.
int64_t ServingModels::chunk_tokens() const { return std::min(kPromptChunk, options_.context); }

Generator& ServingModels::conversation(Use use) {
  require(use);
  std::unique_ptr<Generator>& conversation = use == Use::tuned ? tuned_conversation_ : base_conversation_;
  if (!conversation) {
    Decoder& decoder = decoder_of(use);
    with_memory_errors(device_, "A conversation of " + std::to_string(options_.context) + " tokens", [&] {
      conversation = std::make_unique<Generator>(decoder, adapter_of(use), options_.context, chunk_tokens());
    });
  }
  return *conversation;
}

}  // namespace collie
