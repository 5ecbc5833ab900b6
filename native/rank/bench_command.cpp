// collie-rank bench: speed and memory of real optimizer steps, without Node, data or a run folder. One JSON line a step
// and one at the end with --json, else a readable line.
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>
#include <cstdio>

#include "core/plan/memory_plan.h"
#include "engine/optim/clip.h"
#include "engine/train/session.h"
#include "rank/arguments.h"
#include "rank/bench_options.h"
#include "rank/commands.h"
#include "rank/process.h"
#include "rank/trace.h"

namespace collie {

using nlohmann::json;

namespace {

class Bench {
 public:
  explicit Bench(const BenchOptions& options) : options_(options), kernels_(make_kernels(options.decoder.device)) {
    with_memory_errors(options.decoder.device, "The model", [&] {
      decoder_ = std::make_unique<Decoder>(options.config, options.decoder);
      options.weights ? decoder_->load(*options.weights)
                      : decoder_->randomize(
                            /*seed=*/1, options.decoder.device.is_cuda() ? RandomSource::device : RandomSource::name);
      optimizer_ = make_optimizer(options.optimizer, decoder_->trainable(), *kernels_);
    });
  }

  // The 0-based step as a JSON object. Seconds until the device has finished.
  json step(int64_t index) {
    const auto begin = std::chrono::steady_clock::now();
    const PackedBatch& batch = options_.batches[static_cast<size_t>(index) % options_.batches.size()];
    const auto targets = static_cast<double>(batch.n_targets());
    const auto [loss, norm] = update(batch, 1 / targets, index);
    if (options_.decoder.device.is_cuda()) at::accelerator::synchronizeDevice(options_.decoder.device.index());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const MemoryNow memory = memory_now(options_.decoder.device);
    return {{"step", index + 1},
            {"seconds", seconds},
            {"tokens", batch.n_tokens()},
            {"tokens_per_second", static_cast<double>(batch.n_tokens()) / seconds},
            {"loss", loss / targets},
            {"grad_norm", norm},
            {"memory_bytes", memory.bytes},
            {"memory_peak_bytes", memory.peak_bytes}};
  }

  json summary(double seconds, int64_t tokens) const {
    const Decoder::MemoryUse use = decoder_->memory_use();
    const MemoryPlan plan = forecast();
    return {{"summary", true},
            {"model", options_.model_name},
            {"method", options_.decoder.method->type},
            {"optimizer", options_.optimizer.type},
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
              {"optimizer_bytes", optimizer_->memory_bytes()}}},
            {"forecast",
             {{"weights_bytes", plan.weights},
              {"gradients_bytes", plan.gradients},
              {"activations_bytes", plan.activations},
              {"scratch_bytes", plan.scratch},
              {"optimizer_bytes", plan.optimizer},
              {"total_bytes", plan.total()},
              {"trainable_params", plan.trainable_params},
              {"adapter_bytes", plan.adapter}}}};
  }

 private:
  struct Update {
    double loss, norm;
  };

  // Clipped by the global norm, except where that would take a pass of its own.
  Update update(const PackedBatch& batch, double scale, int64_t index) {
    if (options_.forward_only) return {decoder_->evaluate(batch).loss, 0};
    const auto key = static_cast<uint64_t>(index);
    OptimizerStep now{index + 1, options_.optimizer.learning_rate, 1};
    if (options_.decoder.gradients == GradientLife::one_layer) {
      double squares = 0;
      const LossSums sums =
          decoder_->forward_backward_fused(batch, scale, key, [&](const CompletedGradients& completed) {
            for (size_t i = 0; i < completed.parameters.size(); ++i) {
              squares += kernels_->squared_norm(completed.parameters[i].grad);
              optimizer_->update(completed.first + i, completed.parameters[i], now);
            }
          });
      return {sums.loss, std::sqrt(squares)};
    }
    decoder_->zero_grad();
    const LossSums sums = decoder_->forward_backward(batch, scale, key);
    const double norm = global_grad_norm(decoder_->trainable(), *kernels_);
    now.grad_factor = clip_factor(norm, 1);
    optimizer_->step(decoder_->trainable(), now);
    decoder_->sync_weights();
    return {sums.loss, norm};
  }

  MemoryPlan forecast() const {
    const DecoderOptions& decoder = options_.decoder;
    return plan_memory(options_.config, {.purpose = decoder.purpose,
                                         .method = decoder.method,
                                         .masters = decoder.masters,
                                         .gradients = decoder.gradients,
                                         .quantization = decoder.quantization,
                                         .precision = decoder.precision,
                                         .checkpointing = decoder.checkpointing,
                                         .capacity_tokens = decoder.capacity_tokens,
                                         .max_document = decoder.max_document,
                                         .threads = at::get_num_threads(),
                                         .optimizer = options_.optimizer,
                                         .device = decoder.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu});
  }

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
  const Arguments arguments(words, bench_option_names(), {"forward-only", "json"});
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
  // One step more: tracing slows it down.
  if (options.profile)
    trace(*options.profile, options.decoder.device, [&] { bench.step(options.warmup + options.steps); });
  show(bench.summary(seconds, tokens), output);
  return 0;
}

}  // namespace collie
