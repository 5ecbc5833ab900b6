#include "core/grid/parallel.h"

#include <algorithm>
#include <string>

#include "core/base/error.h"
#include "core/model/layer_tensors.h"

namespace collie {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& message, const std::string& fix) {
  const nlohmann::json issue = {
      {"path", path}, {"code", "not_divisible"}, {"message", message + "."}, {"suggestion", fix}};
  throw Error("spec.invalid", path + ": " + message + ".", fix, {{"issues", nlohmann::json::array({issue})}});
}

bool splits_heads(const ModelConfig& c, int64_t tp) {
  if (tp <= c.n_kv_heads) return true;
  return tp % c.n_kv_heads == 0 && (c.n_heads / c.n_kv_heads) % (tp / c.n_kv_heads) == 0;
}

// Ranges of sizes that add up to the layers.
std::vector<Range> ranges_of(const std::vector<int64_t>& sizes) {
  std::vector<Range> ranges;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    ranges.push_back({begin, size});
    begin += size;
  }
  return ranges;
}

// Layers of each chunk such that no chunk has more than `most` parameters and none is empty: from the bottom, as many as fit
// while enough are left for the others. Empty when it cannot be done.
std::vector<int64_t> within(const ModelConfig& c, int64_t chunks, int64_t most) {
  const int64_t layer = layer_parameters(c), table = c.vocab_size * c.hidden_size;
  std::vector<int64_t> sizes;
  int64_t left = c.n_layers;
  for (int64_t v = 0; v < chunks; ++v) {
    const int64_t extra = (v == 0 ? table : 0) + (v == chunks - 1 ? table : 0);
    const int64_t fit = std::min((most - extra) / layer, left - (chunks - 1 - v));
    if (fit < 1) return {};
    sizes.push_back(fit);
    left -= fit;
  }
  return left == 0 ? sizes : std::vector<int64_t>{};
}

std::vector<int64_t> by_parameters(const ModelConfig& c, int64_t chunks) {
  const int64_t layer = layer_parameters(c), table = c.vocab_size * c.hidden_size;
  int64_t low = layer, high = c.n_layers * layer + 2 * table;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (within(c, chunks, middle).empty())
      low = middle + 1;
    else
      high = middle;
  }
  return within(c, chunks, low);
}

}  // namespace

ParallelSpec read_parallel(JsonReader reader) {
  ParallelSpec spec;
  spec.dp_size = reader.integer("dp_size", 1, 1024);
  spec.tp_size = reader.integer("tp_size", 1, 64);
  spec.pp_size = reader.integer("pp_size", 1, 64);
  spec.sequence_parallel = reader.boolean("sequence_parallel");
  spec.zero_stage = reader.integer("zero_stage", 0, 3);
  spec.pipeline_chunks = reader.integer("pipeline_chunks", 1, 16);
  spec.pipeline_partition = reader.one_of<PipelinePartition>(
      "pipeline_partition", {{"parameters", PipelinePartition::parameters}, {"layers", PipelinePartition::layers}});
  spec.pipeline_layers = reader.integers("pipeline_layers");
  spec.timeline = reader.boolean("timeline");
  spec.hang_timeout = reader.number("hang_timeout", 1, 86400);
  reader.finish();
  return spec;
}

GridPlace place_of(const ParallelSpec& spec, int64_t rank) {
  return {.stage = rank / (spec.tp_size * spec.dp_size),
          .dp_rank = rank / spec.tp_size % spec.dp_size,
          .tp_rank = rank % spec.tp_size};
}

int64_t rank_of(const ParallelSpec& spec, const GridPlace& place) {
  return (place.stage * spec.dp_size + place.dp_rank) * spec.tp_size + place.tp_rank;
}

Range share_of(int64_t total, int64_t parts, int64_t index) {
  const int64_t size = total / parts, larger = total % parts;
  return {index * size + std::min(index, larger), size + (index < larger ? 1 : 0)};
}

std::vector<int64_t> tp_sizes(const ModelConfig& config, int64_t most) {
  std::vector<int64_t> sizes;
  for (int64_t tp = 1; tp <= most; ++tp)
    if (splits_heads(config, tp)) sizes.push_back(tp);
  return sizes;
}

HeadShare heads_of(const ModelConfig& c, int64_t tp, int64_t rank) {
  if (!splits_heads(c, tp)) {
    std::string possible;
    for (const int64_t size : tp_sizes(c, 64)) possible += (possible.empty() ? "" : ", ") + std::to_string(size);
    refuse("parallel.tp_size",
           "cannot be " + std::to_string(tp) + ": the model has " + std::to_string(c.n_heads) +
               " attention heads over " + std::to_string(c.n_kv_heads) +
               " key-value heads, which do not divide that way",
           "Use one of " + possible + ".");
  }
  const int64_t group = c.n_heads / c.n_kv_heads;
  if (tp <= c.n_kv_heads) {
    const Range kv = share_of(c.n_kv_heads, tp, rank);
    return {{kv.begin * group, kv.size * group}, kv, 1};
  }
  const int64_t replicas = tp / c.n_kv_heads, own = group / replicas;
  return {{rank * own, own}, {rank / replicas, 1}, replicas};
}

std::vector<Range> pipeline_ranges(const ModelConfig& c, const ParallelSpec& spec) {
  const int64_t chunks = spec.pp_size * spec.pipeline_chunks;
  if (chunks > c.n_layers)
    refuse("parallel.pp_size",
           std::to_string(spec.pp_size) + " stages of " + std::to_string(spec.pipeline_chunks) +
               (spec.pipeline_chunks == 1 ? " chunk" : " chunks") + " need at least " + std::to_string(chunks) +
               " layers; the model has " + std::to_string(c.n_layers),
           "Lower pp_size or pipeline_chunks.");
  if (spec.pipeline_layers.empty() && spec.pipeline_partition == PipelinePartition::parameters)
    return ranges_of(by_parameters(c, chunks));
  std::vector<int64_t> sizes = spec.pipeline_layers;
  if (sizes.empty())
    for (int64_t v = 0; v < chunks; ++v) sizes.push_back(share_of(c.n_layers, chunks, v).size);
  int64_t sum = 0;
  for (const int64_t size : sizes) sum += size;
  if (static_cast<int64_t>(sizes.size()) != chunks || sum != c.n_layers || std::ranges::min(sizes) < 1)
    refuse("parallel.pipeline_layers",
           "must be " + std::to_string(chunks) + " positive numbers that add up to " + std::to_string(c.n_layers) +
               ", not " + std::to_string(sizes.size()) + " that add up to " + std::to_string(sum),
           "Give the layers of every chunk, bottom up, or leave it empty.");
  return ranges_of(sizes);
}

int64_t ModelShard::n_layers() const {
  int64_t n = 0;
  for (const Range& chunk : chunks) n += chunk.size;
  return n;
}

int64_t ModelShard::layer(int64_t i) const {
  for (const Range& chunk : chunks) {
    if (i < chunk.size) return chunk.begin + i;
    i -= chunk.size;
  }
  throw std::logic_error("a layer beyond those of the rank");
}

Range intermediate_share(const ModelConfig& c, const ModelShard& shard) {
  constexpr int64_t kAligned = 64;
  const bool aligned = c.intermediate_size % kAligned == 0 && c.intermediate_size / kAligned >= shard.tp_size;
  const int64_t unit = aligned ? kAligned : 1;
  return share_of(c.intermediate_size / unit, shard.tp_size, shard.tp_rank).scaled(unit);
}

TokenShare token_share(const ModelShard& shard, int64_t tokens) {
  if (!shard.sequence_parallel) return {.all = tokens, .begin = 0, .own = tokens, .padded = tokens};
  const int64_t own = (tokens + shard.tp_size - 1) / shard.tp_size;
  return {.all = tokens, .begin = shard.tp_rank * own, .own = own, .padded = shard.tp_size * own};
}

ModelShard whole_model(const ModelConfig& config) { return {.chunks = {{0, config.n_layers}}}; }

ModelShard model_shard(const ModelConfig& config, const ParallelSpec& spec, const GridPlace& place) {
  const std::vector<Range> ranges = pipeline_ranges(config, spec);
  ModelShard shard{
      .tp_size = spec.tp_size, .tp_rank = place.tp_rank, .sequence_parallel = spec.sequence_parallel, .chunks = {}};
  for (size_t v = static_cast<size_t>(place.stage); v < ranges.size(); v += static_cast<size_t>(spec.pp_size))
    shard.chunks.push_back(ranges[v]);
  shard.embedding = place.stage == 0;
  shard.head = place.stage == spec.pp_size - 1;
  return shard;
}

}  // namespace collie
