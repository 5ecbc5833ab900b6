#include "rank/serving_models.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/train/session.h"

namespace collie {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr int64_t kPromptChunk = 512;  // tokens of a prompt that are computed at once
constexpr int64_t kUsualContext = 4096;

// Whether a run's model is certainly not the one that is served. One that has been moved may be: its config is compared.
bool is_another(const fs::path& trained, const fs::path& served) {
  return fs::exists(trained / "config.json") && !fs::equivalent(trained, served);
}

const char* in_words(Quantization quantization) {
  return quantization == Quantization::none ? "without quantization" : "in 4 bits (nf4)";
}

}  // namespace

ServingOptions serving_options(const Arguments& arguments) {
  ServingOptions options;
  options.model = arguments.required("model");
  const std::vector<std::string> runs = arguments.all("run"), checkpoints = arguments.all("checkpoint");
  if (runs.size() != checkpoints.size())
    throw UsageError("every --run needs a --checkpoint: there are " + std::to_string(runs.size()) + " and " +
                     std::to_string(checkpoints.size()));
  for (size_t i = 0; i < runs.size(); ++i) options.tuned.push_back({runs[i], checkpoints[i]});
  options.precision =
      arguments.choice("precision", "bf16", {"bf16", "fp32"}) == "bf16" ? Precision::bf16 : Precision::fp32;
  options.device = arguments.choice("device", "cpu", {"cpu", "cuda"}) == "cpu" ? DeviceType::cpu : DeviceType::cuda;
  options.context = arguments.integer("context", 0, 16, 1 << 20);
  return options;
}

ServingModels::ServingModels(const ServingOptions& options)
    : options_(options), config_(ModelConfig::load(options.model)), device_(choose_device(options.device)) {
  if (options_.context == 0) options_.context = std::min(config_.max_position, kUsualContext);
  if (options.tuned.empty()) base();
  for (const TunedSource& source : options.tuned) add(source);
}

// Throws request.invalid for what cannot be served over the base that is there.
void ServingModels::check_fits(const TunedSource& source, const RunSpec& spec) const {
  const json data = {{"run", source.run.string()}, {"checkpoint", source.checkpoint}};
  const auto same = [&](const Served& one) {
    return one.source.run == source.run && one.source.checkpoint == source.checkpoint;
  };
  if (std::ranges::any_of(tuned_, same))
    throw Error("request.invalid",
                "Checkpoint " + source.checkpoint + " of the run " + source.run.string() + " is there already.",
                "Name every checkpoint once.", data);
  if (is_another(spec.model, options_.model))
    throw Error("request.invalid",
                "The run " + source.run.string() + " trained the model " + spec.model + ", and " +
                    options_.model.string() + " is served: what a run made fits no other model.",
                "Serve it with --model " + spec.model + ", or choose a run of the model that is served.", data);
  if ((base_.decoder || !tuned_.empty()) && spec.quantization != quantization_)
    throw Error("request.invalid",
                "The run " + source.run.string() + " trained over a base " + in_words(spec.quantization) +
                    ", and the base here is one " + in_words(quantization_) + ": they cannot be one model.",
                std::string("Compare it with runs over a base ") + in_words(spec.quantization) + ".", data);
}

std::unique_ptr<Decoder> ServingModels::make_decoder(DecoderOptions options, AdapterStart start,
                                                     const std::optional<MethodSpec>& guest) const {
  options.precision = options_.precision;
  options.device = device_;
  options.quantization = quantization_;
  const int64_t slots = options.method ? virtual_tokens(*options.method) : 0;
  options.capacity_tokens = chunk_tokens() + slots;
  options.max_document = chunk_tokens() + slots;
  std::unique_ptr<Decoder> decoder;
  with_memory_errors(device_, "The model and a context of " + std::to_string(options_.context) + " tokens", [&] {
    decoder = std::make_unique<Decoder>(config_, options);
    if (guest) decoder->make_room(*guest);
    decoder->load(options_.model, {}, start);
  });
  return decoder;
}

// With room for the guest's adapter in its weights, if there is one.
ServingModels::Served& ServingModels::base(const std::optional<MethodSpec>& guest) {
  if (!base_.decoder)
    base_.decoder = make_decoder({}, AdapterStart::fresh, guest);
  else if (guest)
    with_memory_errors(device_, "Room for another adapter", [&] { base_.decoder->make_room(*guest); });
  return base_;
}

size_t ServingModels::add(const TunedSource& source) {
  const RunSpec spec = RunSpec::load(source.run);
  check_fits(source, spec);
  const CheckpointStore store(source.run);
  const CheckpointMeta meta = store.read_meta(source.checkpoint);
  check_matches(meta, spec, read_json_file(options_.model / "config.json"), source.checkpoint);
  quantization_ = spec.quantization;
  DecoderOptions options;
  options.method = spec.method;
  if (keeps_base(spec.method)) options.base = base(spec.method).decoder.get();
  std::unique_ptr<Decoder> decoder = make_decoder(std::move(options), AdapterStart::stored);
  read_tensors(ShardedTensors(store.folder(source.checkpoint), weights_stem(spec.method)), decoder->trained_tensors(),
               Contents::exactly, Formats::converted);
  decoder->bind_base();
  active_.reset();  // the tails of whichever adapter was in place are overwritten
  decoder->sync_weights();
  tuned_.push_back({source, std::move(decoder), nullptr});
  active_ = tuned_.size() - 1;
  return *active_;
}

void ServingModels::require(Choice choice) const {
  if (!choice || *choice < tuned()) return;
  throw Error("request.invalid",
              "There is no tuned model " + std::to_string(*choice) + " here: the rank serves the base model and " +
                  std::to_string(tuned()) + " tuned ones, counted from 0.",
              "Start it with --run and --checkpoint for each, or send it \"load\".",
              {{"tuned", *choice}, {"served", tuned()}});
}

// The model with its adapter in place. The base computes without any, whichever is there.
ServingModels::Served& ServingModels::served(Choice choice) {
  require(choice);
  if (!choice) return base();  // possibly asked for for the first time
  Served& wanted = tuned_[*choice];
  if (active_ != choice) wanted.decoder->sync_weights();
  active_ = choice;
  return wanted;
}

at::Tensor ServingModels::logits(Choice choice, const PackedBatch& document) {
  const int64_t most = chunk_tokens();
  if (document.n_tokens() > most)
    throw Error("request.invalid",
                "A document has " + std::to_string(document.n_tokens()) + " tokens; at most " + std::to_string(most) +
                    " are computed at once.",
                "Give shorter documents.");
  return served(choice).decoder->logits(document, choice ? AdapterUse::on : AdapterUse::off);
}

std::vector<Answer> ServingModels::answers(Choice choice, std::span<const GenerationRequest> requests,
                                           int64_t at_once) {
  at_once = std::min({at_once, chunk_tokens(), static_cast<int64_t>(requests.size())});
  BatchGenerator generator(*served(choice).decoder, choice ? AdapterUse::on : AdapterUse::off, at_once,
                           options_.context);
  return generator.run(requests, [](int64_t) { return Next::go_on; });
}

// Tokens computed at once.
int64_t ServingModels::chunk_tokens() const { return std::min(kPromptChunk, options_.context); }

Generator& ServingModels::conversation(Choice choice) {
  Served& model = served(choice);
  if (!model.conversation)
    with_memory_errors(device_, "A conversation of " + std::to_string(options_.context) + " tokens", [&] {
      model.conversation = std::make_unique<Generator>(*model.decoder, choice ? AdapterUse::on : AdapterUse::off,
                                                       options_.context, chunk_tokens());
    });
  return *model.conversation;
}

}  // namespace collie
