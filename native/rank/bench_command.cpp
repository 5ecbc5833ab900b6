// collie-rank bench: speed and memory of real optimizer steps, without Node, data or a run folder. One JSON line a step
// and one at the end with --json, else a readable line.
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "engine/optim/clip.h"
#include "engine/train/session.h"
#include "rank/arguments.h"
#include "rank/bench_workload.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace collie {

using nlohmann::json;

namespace {

struct BenchOptions {
  std::string model_name;
  ModelConfig config;
  std::optional<std::filesystem::path> weights;
  DecoderOptions decoder;
  std::vector<PackedBatch> batches;
  int64_t steps = 0;
  int64_t warmup = 0;
};

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

BenchOptions bench_options(const Arguments& arguments) {
  BenchOptions options;
  if (arguments.has("model") == arguments.has("model-shape"))
    throw UsageError("give either --model-shape or --model");
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
  const std::string method = arguments.choice("method", "lora", {"lora", "full"});
  decoder.precision =
      arguments.choice("precision", "bf16", {"bf16", "fp32"}) == "bf16" ? Precision::bf16 : Precision::fp32;
  decoder.device =
      choose_device(arguments.choice("device", "cpu", {"cpu", "cuda"}) == "cpu" ? DeviceType::cpu : DeviceType::cuda);
  if (arguments.has("checkpointing")) decoder.checkpointing = ActivationCheckpointing::every_layer;
  if (arguments.choice("quantization", "none", {"none", "nf4"}) == "nf4") {
    if (method == "full") throw UsageError("--quantization nf4 needs --method lora: 4 bits cannot hold the steps of trained weights");
    decoder.quantization = Quantization::nf4;
  }
  decoder.method = method == "full" ? MethodSpec{"full"} : lora(arguments);
  const int64_t batch = arguments.integer("batch", 4, 1, 1024);
  options.batches = bench_batches(document_lengths(arguments, batch), batch, options.config.vocab_size, /*seed=*/7);
  for (const PackedBatch& one : options.batches) {
    decoder.capacity_tokens = std::max(decoder.capacity_tokens, one.n_tokens());
    decoder.max_document = std::max(decoder.max_document, one.longest_document());
  }
  options.steps = arguments.integer("steps", 5, 1, 100000);
  options.warmup = arguments.integer("warmup", 1, 0, 1000);
  return options;
}

OptimizerSpec adamw() {
  return {"adamw", 1e-4, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};
}

class Bench {
 public:
  explicit Bench(const BenchOptions& options) : options_(options), kernels_(make_kernels(options.decoder.device)) {
    with_memory_errors(options.decoder.device, "The model", [&] {
      decoder_ = std::make_unique<Decoder>(options.config, options.decoder);
      options.weights ? decoder_->load(*options.weights) : decoder_->randomize(/*seed=*/1);
      optimizer_ = make_optimizer(adamw(), decoder_->trainable(), *kernels_);
    });
  }

  // The 0-based step as a JSON object. Seconds until the device has finished.
  json step(int64_t index) {
    const auto begin = std::chrono::steady_clock::now();
    const PackedBatch& batch = options_.batches[static_cast<size_t>(index) % options_.batches.size()];
    const auto targets = static_cast<double>(batch.n_targets());
    decoder_->zero_grad();
    const LossSums sums = decoder_->forward_backward(batch, 1 / targets, static_cast<uint64_t>(index));
    const double norm = global_grad_norm(decoder_->trainable(), *kernels_);
    optimizer_->step(decoder_->trainable(), {index + 1, 1e-4, clip_factor(norm, 1)});
    decoder_->sync_weights();
    if (options_.decoder.device.is_cuda()) at::accelerator::synchronizeDevice(options_.decoder.device.index());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const MemoryNow memory = memory_now(options_.decoder.device);
    return {{"step", index + 1},
            {"seconds", seconds},
            {"tokens", batch.n_tokens()},
            {"tokens_per_second", static_cast<double>(batch.n_tokens()) / seconds},
            {"loss", sums.loss / targets},
            {"grad_norm", norm},
            {"memory_bytes", memory.bytes},
            {"memory_peak_bytes", memory.peak_bytes}};
  }

  json summary(double seconds, int64_t tokens) const {
    const Decoder::MemoryUse use = decoder_->memory_use();
    return {{"summary", true},
            {"model", options_.model_name},
            {"method", options_.decoder.method->type},
            {"precision", options_.decoder.precision == Precision::bf16 ? "bf16" : "fp32"},
            {"device", device_name(options_.decoder.device)},
            {"kernels", kernels_->name()},
            {"threads", at::get_num_threads()},
            {"params", decoder_->total_params()},
            {"steps", options_.steps},
            {"tokens_per_second", static_cast<double>(tokens) / seconds},
            {"memory_peak_bytes", memory_now(options_.decoder.device).peak_bytes},
            {"memory",
             {{"weights_bytes", use.weights_bytes},
              {"gradients_bytes", use.gradients_bytes},
              {"activations_bytes", use.activations_bytes},
              {"scratch_bytes", use.scratch_bytes},
              {"optimizer_bytes", optimizer_->memory_bytes()}}}};
  }

 private:
  const BenchOptions& options_;
  std::unique_ptr<Kernels> kernels_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Optimizer> optimizer_;
};

enum class Output { json, text };

void show(const json& line, Output output) {
  if (output == Output::json) return print_line(line);
  const double peak = line["memory_peak_bytes"].get<double>() / 1e9;
  const double speed = line["tokens_per_second"].get<double>();
  if (line.contains("summary"))
    std::printf("%s %s %s on %s: %.1f tokens/s, peak %.2f GB\n", line["model"].get<std::string>().c_str(),
                line["method"].get<std::string>().c_str(), line["precision"].get<std::string>().c_str(),
                line["kernels"].get<std::string>().c_str(), speed, peak);
  else
    std::printf("step %d: %.3f s, %.1f tokens/s, loss %.4f, peak %.2f GB\n", line["step"].get<int>(),
                line["seconds"].get<double>(), speed, line["loss"].get<double>(), peak);
  std::fflush(stdout);
}

}  // namespace

int bench_command(const Words& words) {
  const Arguments arguments(words,
                            {"model-shape", "model", "method", "quantization", "precision", "device", "batch", "seq", "tokens", "steps",
                             "warmup", "rank", "dropout-percent", "threads"},
                            {"checkpointing", "json"});
  set_threads(arguments.integer("threads", 0, 0, 1024));
  const BenchOptions options = bench_options(arguments);
  const Output output = arguments.has("json") ? Output::json : Output::text;
  Bench bench(options);
  double seconds = 0;
  int64_t tokens = 0;
  for (int64_t step = 0; step < options.warmup + options.steps; ++step) {
    const json line = bench.step(step);
    show(line, output);
    if (step < options.warmup) continue;
    seconds += line["seconds"].get<double>();
    tokens += line["tokens"].get<int64_t>();
  }
  show(bench.summary(seconds, tokens), output);
  return 0;
}

}  // namespace collie
