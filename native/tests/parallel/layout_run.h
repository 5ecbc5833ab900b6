// Training under a layout as a session does it, on a small model and made-up rows: the same call with serial() is the oracle.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/train/step.h"
#include "engine/temporary_store.h"
#include "parallel/model_pair.h"

namespace collie::test {

// What is trained, and with what.
struct Recipe {
  std::string method = "full", optimizer = "adamw";
  Tables tables = Tables::tied;
  Precision precision = Precision::fp32;
  double max_grad_norm = 1;
  Quantization quantization = Quantization::none;
  Overlap overlap = Overlap::beside_compute;
  bool fused() const { return optimizer == "lomo" || optimizer == "adalomo"; }
};

// 8 layers, so that 4 stages of 2 chunks have one each.
ModelConfig layout_config(const ParallelSpec& spec, Tables tables);
std::vector<Row> layout_rows(const ModelConfig& config);
// Step `step` of `micro_batches`, the same rows however many there are.
StepPlan layout_plan(const TokenStore& rows, int64_t step, int64_t micro_batches);

class LayoutRun {
 public:
  LayoutRun(const ModelConfig& config, const Recipe& recipe, const Parallel& parallel, int64_t micro_batches,
            const TokenStore& rows);

  StepResult step(int64_t step);
  LossSums evaluate(int64_t step);
  Decoder& decoder() { return *decoder_; }
  Optimizer& optimizer() { return *optimizer_; }
  GradientSync& sync() { return *sync_; }
  Pipeline& pipeline() { return *pipeline_; }

 private:
  // The factors that start at zero: they would hide errors in gradients.
  void fill_zeros();

  Recipe recipe_;
  Parallel parallel_;
  int64_t micro_batches_;
  const TokenStore& rows_;
  std::unique_ptr<Objective> objective_ = make_objective("cross_entropy");
  std::unique_ptr<Kernels> kernels_ = make_kernels(at::kCPU);
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<GradientSync> sync_;
  std::unique_ptr<Optimizer> optimizer_;
};

// Every layout of so many ranks: tp and pp of 1, 2, 4, the rest dp, with ZeRO 0 to 2 where there is dp, 3 too where there is no pp, and interleaving where there is pp.
std::vector<ParallelSpec> layouts(int64_t ranks);
std::string text_of(const ParallelSpec& spec);

}  // namespace collie::test
