// Allocation of ranks in AdaLoRA (Zhang et al. 2023, arXiv 2303.10512): every update smooths the importance of all triplets (a row
// of A, a column of B, a value of E); on a cubic schedule fewer and fewer of them are kept, those that matter least over the
// whole model are set to zero. The rules are PEFT's RankAllocator's, called after the update with steps counted from 1.
#pragma once

#include "engine/peft/adalora_adapter.h"
#include "engine/peft/model_method.h"

namespace collie {

// How many ranks a model may keep after each update.
struct RankSchedule {
  int64_t first = 0, target = 0;             // ranks of all adapters together
  int64_t warmup = 0, final = 0, total = 1;  // steps before the first pruning, with fixed ranks at the end, in all
  int64_t interval = 1;

  // Ratios of a spec as steps of a run: rounded, with at least one step between them.
  static RankSchedule make(const MethodSpec& method, int64_t adapters, int64_t total_steps);
  int64_t last_allocation() const { return total - final; }
  int64_t budget(int64_t step) const;
  bool allocates(int64_t step) const;
};

class RankAllocator final : public ModelMethod {
 public:
  RankAllocator(const MethodSpec& method, const std::vector<LinearAdapter*>& adapters);
  std::optional<RankReport> after_update(const StepProgress& now) override;

 private:
  using Triplets = AdaLoraAdapter::Triplets;
  void measure(double grad_factor);
  void keep(int64_t budget);
  void apply() const;
  RankReport report(int64_t target) const;

  const MethodSpec method_;
  double beta1_, beta2_;
  std::vector<const Triplets*> triplets_;
};

}  // namespace collie
