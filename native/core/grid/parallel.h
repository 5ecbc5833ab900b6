// How a run is laid out over its ranks: one grid pp x dp x tp, what each rank holds of the model, and the shares that dimensions
// are cut into. Pure functions; engine, planner and validation use the same.
//
// Rank r of the world has tp_rank = r % tp, dp_rank = r / tp % dp, stage = r / (tp dp): tensor-parallel neighbours, who talk most,
// are next to each other. Narayanan et al. 2021 (arXiv 2104.04473), ZeRO: Rajbhandari et al. 2020 (arXiv 1910.02054).
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/json_reader.h"
#include "core/model/model_config.h"

namespace collie {

enum class PipelinePartition { parameters, layers };

// `parallel` of a run's spec.
struct ParallelSpec {
  int64_t dp_size = 1, tp_size = 1, pp_size = 1;
  bool sequence_parallel = false;  // tp ranks share the tokens of the residual stream too: TokenShare
  int64_t zero_stage = 0;  // over the dp ranks: 1 shards optimizer state and masters, 2 gradients too, 3 weights too
  int64_t pipeline_chunks = 1;  // chunks of layers a pipeline rank has; more than 1: interleaved 1F1B
  PipelinePartition pipeline_partition = PipelinePartition::parameters;
  std::vector<int64_t>
      pipeline_layers;  // layers of each chunk, bottom up, pp_size * pipeline_chunks of them; empty: by pipeline_partition
  bool timeline = false;      // spans of every micro-batch are recorded
  double hang_timeout = 600;  // seconds in one collective after which the run is ended

  int64_t world_size() const { return dp_size * tp_size * pp_size; }
};

// Reads `parallel` of a spec. Throws spec.invalid.
ParallelSpec read_parallel(JsonReader reader);

struct GridPlace {
  int64_t stage = 0, dp_rank = 0, tp_rank = 0;
};
GridPlace place_of(const ParallelSpec& spec, int64_t rank);
int64_t rank_of(const ParallelSpec& spec, const GridPlace& place);

struct Range {
  int64_t begin = 0, size = 0;
  int64_t end() const { return begin + size; }
  Range scaled(int64_t factor) const { return {begin * factor, size * factor}; }
  bool contains(int64_t i) const { return i >= begin && i < end(); }
  bool operator==(const Range&) const = default;
};

// The part of `total` that falls to `index` of `parts`: contiguous, sizes differ by at most one, the larger ones first.
Range share_of(int64_t total, int64_t parts, int64_t index);

// Attention heads of one tensor-parallel rank. With at most as many ranks as key-value heads each has whole groups (shares may
// differ by one group); with more, tp must be a multiple of the key-value heads and divide each group's query heads evenly:
// then several ranks hold the same key-value head ("replicas").
struct HeadShare {
  Range heads, kv_heads;
  int64_t kv_replicas = 1;
};
// Throws spec.invalid with the numbers and the degrees that are possible.
HeadShare heads_of(const ModelConfig& config, int64_t tp_size, int64_t tp_rank);
// Degrees up to `most` that heads_of() takes.
std::vector<int64_t> tp_sizes(const ModelConfig& config, int64_t most);

// Layers of every chunk of the pipeline, bottom up: pp_size * pipeline_chunks ranges; chunk v runs on stage v % pp_size. By
// parameters: the largest sum of parameters in a chunk is as small as it can be, embedding and head counted. Throws spec.invalid:
// fewer layers than chunks, or given layers that do not add up.
std::vector<Range> pipeline_ranges(const ModelConfig& config, const ParallelSpec& spec);

// What one rank holds of the model.
struct ModelShard {
  int64_t tp_size = 1, tp_rank = 0;
  bool sequence_parallel = false;
  std::vector<Range> chunks;  // global layers of its chunks, in the order of the pipeline
  bool embedding = true,
       head = true;  // has the first, the last chunk of the pipeline (with tied embeddings both hold the table)
  int64_t n_layers() const;
  // Global index of the local layer i.
  int64_t layer(int64_t i) const;
};
// The whole model on one rank.
ModelShard whole_model(const ModelConfig& config);
ModelShard model_shard(const ModelConfig& config, const ParallelSpec& spec, const GridPlace& place);

// The rank's part of the intermediate size: multiples of 64 where there are enough of them, so that products stay aligned and
// blocks of quantized weights whole.
Range intermediate_share(const ModelConfig& config, const ModelShard& shard);

// The tokens of a micro-batch that a rank of a tensor-parallel group holds between the linears: norms, residual stream, what is passed
// on to other stages. All of them; or, with sequence parallelism (Korthikanti et al. 2022, arXiv 2205.05198), as many as every other
// rank, for the collectives want equal parts: the last ranks' end with padding, rows that stand for no token.
struct TokenShare {
  int64_t all = 0;
  int64_t begin = 0, own = 0;  // rows begin .. begin + own of the padded ones
  int64_t padded = 0;          // own rows of all ranks
};
TokenShare token_share(const ModelShard& shard, int64_t tokens);

// A part of a tensor along one dim; dim -1: all of it.
struct Slice {
  int64_t dim = -1;
  Range range;        // within the whole
  int64_t whole = 0;  // size of the dim in the whole tensor
  bool operator==(const Slice&) const = default;
};

}  // namespace collie
