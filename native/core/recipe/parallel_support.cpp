#include "core/recipe/parallel_support.h"

#include <algorithm>

#include "core/formats/nf4.h"

namespace collie {
namespace {

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

}  // namespace

std::vector<Refusal> layout_refusals(const ModelConfig& c, Quantization quantization, const ParallelSpec& parallel) {
  const int64_t tp = parallel.tp_size;
  if (tp == 1) return {};
  const std::vector<int64_t> possible = tp_sizes(c, 64);
  if (std::ranges::find(possible, tp) == possible.end()) {
    return {{"parallel.tp_size", "not_divisible",
             "cannot be " + std::to_string(tp) + ": the model has " + std::to_string(c.n_heads) +
                 " attention heads over " + std::to_string(c.n_kv_heads) +
                 " key-value heads, which do not divide that way.",
             "Use one of " + listed(possible) + ".", tp}};
  }
  if (c.traits.qk_norm == QkNorm::whole)
    return {{"parallel.tp_size", "not_supported",
             "cannot be " + std::to_string(tp) + ": models of family " + c.family +
                 " norm queries and keys over all heads, of which a rank would have some.",
             "Use 1, and more ranks of data or pipeline parallelism.", tp}};
  if (quantization == Quantization::none || whole_blocks(c, tp)) return {};
  std::vector<int64_t> whole = {1};
  for (const int64_t size : possible)
    if (size > 1 && whole_blocks(c, size)) whole.push_back(size);
  return {{"parallel.tp_size", "not_divisible",
           "cannot be " + std::to_string(tp) + " with quantization nf4: shares of hidden size " +
               std::to_string(c.hidden_size) + ", " + std::to_string(c.n_heads) + " heads of " +
               std::to_string(c.head_dim) + " and intermediate size " + std::to_string(c.intermediate_size) +
               " would cut its blocks of " + std::to_string(nf4::kBlock) + ".",
           "Use one of " + listed(whole) + ", or quantization none.", tp}};
}

void check_layout(const ModelConfig& config, Quantization quantization, const ParallelSpec& parallel) {
  throw_refusals(layout_refusals(config, quantization, parallel));
}

}  // namespace collie
