#include "core/recipe/parallel_support.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/formats/nf4.h"

namespace collie {
namespace {

constexpr Exclusion kExclusions[] = {
    {"method.type", "adalora", ParallelAxis::tensor, "it scores and prunes whole pairs of factors, whose parts would lie on several ranks",
     "Use lora, dora or pissa, or parallel.tp_size 1."},
    {"method.type", "adalora", ParallelAxis::pipeline, "it shares out ranks among the adapters of all layers, which would lie on several stages",
     "Use lora, dora or pissa, or parallel.pp_size 1."},
    {"method.type", "adalora", ParallelAxis::zero, "its allocation of ranks needs the importance of all adapters, which would lie with several owners",
     "Use lora, dora or pissa, or parallel.zero_stage 0."},
    {"method.type", "prompt_tuning", ParallelAxis::pipeline, "its virtual tokens stand before every sequence, and only the first stage knows them",
     "Use lora, or parallel.pp_size 1."},
    {"method.type", "p_tuning", ParallelAxis::pipeline, "its virtual tokens stand before every sequence, and only the first stage knows them",
     "Use lora, or parallel.pp_size 1."},
    {"method.type", "prefix_tuning", ParallelAxis::pipeline, "the keys and values of all layers are one tensor, which every stage would need",
     "Use lora, or parallel.pp_size 1."},
    {"optimizer.type", "muon", ParallelAxis::tensor, "it orthogonalizes whole matrices, whose parts would lie on several ranks",
     "Use adamw or adafactor, or parallel.tp_size 1."},
    {"optimizer.type", "apollo", ParallelAxis::tensor, "it projects whole matrices, whose parts would lie on several ranks",
     "Use adamw or adafactor, or parallel.tp_size 1."},
    {"optimizer.type", "adamw8bit", ParallelAxis::tensor, "its states are quantized in blocks that shares of a matrix would cut",
     "Use adamw or adafactor, or parallel.tp_size 1."},
};

bool uses(const ParallelSpec& p, const Exclusion& exclusion) {
  if (exclusion.axis == ParallelAxis::tensor) return p.tp_size > 1;
  if (exclusion.axis == ParallelAxis::pipeline) return p.pp_size > 1;
  return p.zero_stage >= exclusion.zero_stage;
}

std::string setting_of(const ParallelSpec& p, ParallelAxis axis) {
  if (axis == ParallelAxis::tensor) return "parallel.tp_size " + std::to_string(p.tp_size);
  if (axis == ParallelAxis::pipeline) return "parallel.pp_size " + std::to_string(p.pp_size);
  return "parallel.zero_stage " + std::to_string(p.zero_stage);
}

void check_combination(const ParallelUse& use, std::vector<Refusal>& refusals) {
  if (use.parallel.sequence_parallel && use.parallel.tp_size == 1)
    refusals.push_back({"parallel.sequence_parallel", "shares tokens among tensor-parallel ranks; with parallel.tp_size 1 there is nobody to share with",
                        "Set it to false, or raise parallel.tp_size."});
  for (const Exclusion& e : kExclusions) {
    const std::string& received = std::string(e.field) == "method.type" ? use.method.type : use.optimizer.type;
    if (received != e.value || !uses(use.parallel, e)) continue;
    refusals.push_back({e.field, "cannot be " + received + " with " + setting_of(use.parallel, e.axis) + ", because " + e.reason, e.fix});
  }
}

// Data-parallel ranks put a layer together at the same time; stages take micro-batches in orders of their own.
void check_gathering(const ParallelSpec& p, std::vector<Refusal>& refusals) {
  if (p.zero_stage < 3 || p.pp_size == 1) return;
  refusals.push_back({"parallel.zero_stage",
                      "cannot be 3 with parallel.pp_size " + std::to_string(p.pp_size) +
                          ": every layer is put together when it is computed, and stages compute in orders of their own",
                      "Set it to 2, as the stages cut the weights already, or set parallel.pp_size to 1."});
}

// Degrees up to `most` at which every rank's shares of heads and intermediate size are whole blocks of quantized weights.
bool whole_blocks(const ModelConfig& c, int64_t tp) {
  const auto aligned = [](int64_t n) { return n % nf4::kBlock == 0; };
  for (int64_t rank = 0; rank < tp; ++rank) {
    const HeadShare heads = heads_of(c, tp, rank);
    const Range f = intermediate_share(c, {.tp_size = tp, .tp_rank = rank, .chunks = {}});
    if (!aligned(heads.heads.size * c.head_dim) || !aligned(f.size)) return false;
    if (!aligned(heads.kv_heads.size * c.head_dim * c.hidden_size)) return false;
  }
  return aligned(c.hidden_size) && aligned(c.n_heads * c.head_dim) && aligned(c.intermediate_size);
}

std::string listed(const std::vector<int64_t>& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return text;
}

void check_sizes(const ParallelUse& use, std::vector<Refusal>& refusals) {
  const ModelConfig& c = *use.model;
  const int64_t tp = use.parallel.tp_size;
  if (tp == 1) return;
  const std::vector<int64_t> possible = tp_sizes(c, 64);
  if (std::ranges::find(possible, tp) == possible.end()) {
    refusals.push_back({"parallel.tp_size",
                        "cannot be " + std::to_string(tp) + ": the model has " + std::to_string(c.n_heads) + " attention heads over " +
                            std::to_string(c.n_kv_heads) + " key-value heads, which do not divide that way",
                        "Use one of " + listed(possible) + "."});
    return;
  }
  if (use.quantization == Quantization::none || whole_blocks(c, tp)) return;
  std::vector<int64_t> whole = {1};
  for (const int64_t size : possible)
    if (size > 1 && whole_blocks(c, size)) whole.push_back(size);
  refusals.push_back({"parallel.tp_size",
                      "cannot be " + std::to_string(tp) + " with quantization nf4: shares of hidden size " + std::to_string(c.hidden_size) +
                          ", " + std::to_string(c.n_heads) + " heads of " + std::to_string(c.head_dim) + " and intermediate size " +
                          std::to_string(c.intermediate_size) + " would cut its blocks of " + std::to_string(nf4::kBlock),
                      "Use one of " + listed(whole) + ", or quantization none."});
}

}  // namespace

const char* name_of(ParallelAxis axis) {
  return axis == ParallelAxis::tensor ? "tensor" : axis == ParallelAxis::pipeline ? "pipeline" : "zero";
}

std::span<const Exclusion> exclusions() { return kExclusions; }

std::vector<Refusal> parallel_refusals(const ParallelUse& use) {
  std::vector<Refusal> refusals;
  check_combination(use, refusals);
  check_gathering(use.parallel, refusals);
  if (use.model) check_sizes(use, refusals);
  for (Refusal& refusal : refusals) refusal.message += ".";
  return refusals;
}

void check_parallel(const ParallelUse& use) {
  const std::vector<Refusal> refusals = parallel_refusals(use);
  if (refusals.empty()) return;
  nlohmann::json issues = nlohmann::json::array();
  for (const Refusal& r : refusals)
    issues.push_back({{"path", r.path}, {"code", "not_combinable"}, {"message", r.message}, {"suggestion", r.fix}});
  throw Error("spec.invalid", refusals[0].path + ": " + refusals[0].message, refusals[0].fix, {{"issues", issues}});
}

}  // namespace collie
