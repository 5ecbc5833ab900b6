#include <doctest/doctest.h>

#include <numeric>

#include "core/base/error.h"
#include "core/grid/parallel.h"

namespace collie {
namespace {

ModelConfig starter() {
  ModelConfig c;
  c.hidden_size = 576;
  c.intermediate_size = 1536;
  c.n_layers = 30;
  c.n_heads = 9;
  c.n_kv_heads = 3;
  c.head_dim = 64;
  c.vocab_size = 49152;
  c.tied_embeddings = true;
  return c;
}

std::vector<int64_t> sizes(const std::vector<Range>& ranges) {
  std::vector<int64_t> all;
  for (const Range& range : ranges) all.push_back(range.size);
  return all;
}

TEST_CASE("a rank's place and back") {
  const ParallelSpec spec{.dp_size = 3, .tp_size = 2, .pp_size = 4};
  CHECK(spec.world_size() == 24);
  for (int64_t rank = 0; rank < 24; ++rank) CHECK(rank_of(spec, place_of(spec, rank)) == rank);
  CHECK(place_of(spec, 1).tp_rank == 1);
  CHECK(place_of(spec, 2).dp_rank == 1);
  CHECK(place_of(spec, 6).stage == 1);
}

TEST_CASE("shares cover the whole once and differ by at most one") {
  for (const int64_t total : {1, 7, 1536, 49153})
    for (const int64_t parts : {1, 2, 3, 8}) {
      int64_t next = 0;
      for (int64_t i = 0; i < parts; ++i) {
        const Range share = share_of(total, parts, i);
        CHECK(share.begin == next);
        CHECK(share.size - total / parts <= 1);
        CHECK(share.size >= total / parts);
        next = share.end();
      }
      CHECK(next == total);
    }
}

TEST_CASE("tokens are shared in equal parts, the last ones with padding") {
  const auto share = [](int64_t rank, int64_t tokens) {
    return token_share({.tp_size = 4, .tp_rank = rank, .sequence_parallel = true, .chunks = {}}, tokens);
  };
  for (const int64_t tokens : {1, 4, 7, 320})
    for (int64_t rank = 0; rank < 4; ++rank) {
      CHECK(share(rank, tokens).padded == 4 * share(0, tokens).own);
      CHECK(share(rank, tokens).begin == rank * share(0, tokens).own);
      CHECK(share(rank, tokens).padded - tokens < 4);
    }
  CHECK(share(3, 7).own == 2);
  const TokenShare alone = token_share({.tp_size = 4, .tp_rank = 2, .chunks = {}}, 7);
  CHECK(alone.own == 7);
  CHECK(alone.begin == 0);
  CHECK(alone.padded == 7);
}

TEST_CASE("heads go by whole groups, or groups are split and their keys replicated") {
  const ModelConfig c = starter();
  CHECK(tp_sizes(c, 9) == std::vector<int64_t>{1, 2, 3, 9});
  CHECK(heads_of(c, 2, 0).heads == Range{0, 6});
  CHECK(heads_of(c, 2, 1).heads == Range{6, 3});
  CHECK(heads_of(c, 2, 1).kv_heads == Range{2, 1});
  const HeadShare last = heads_of(c, 9, 8);
  CHECK(last.heads == Range{8, 1});
  CHECK(last.kv_heads == Range{2, 1});
  CHECK(last.kv_replicas == 3);
  CHECK_THROWS_WITH_AS(heads_of(c, 4, 0), doctest::Contains("9 attention heads over 3 key-value heads"), Error);
}

TEST_CASE("the pipeline is cut by parameters, by layers, or as given") {
  const ModelConfig c = starter();
  // The table of 28 million weighs as much as eight layers: the ends get fewer.
  CHECK(sizes(pipeline_ranges(c, {.pp_size = 2})) == std::vector<int64_t>{15, 15});
  const std::vector<int64_t> four = sizes(pipeline_ranges(c, {.pp_size = 4}));
  CHECK(std::accumulate(four.begin(), four.end(), int64_t{0}) == 30);
  CHECK(four.front() < four[1]);
  CHECK(four.back() < four[2]);
  CHECK(sizes(pipeline_ranges(c, {.pp_size = 4, .pipeline_partition = PipelinePartition::layers})) ==
        std::vector<int64_t>{8, 8, 7, 7});
  CHECK(sizes(pipeline_ranges(c, {.pp_size = 2, .pipeline_layers = {10, 20}})) == std::vector<int64_t>{10, 20});
  CHECK_THROWS_WITH_AS(pipeline_ranges(c, {.pp_size = 2, .pipeline_layers = {10, 10}}),
                       doctest::Contains("add up to 30"), Error);
  CHECK_THROWS_WITH_AS(pipeline_ranges(c, {.pp_size = 31}), doctest::Contains("the model has 30"), Error);
}

TEST_CASE("a stage's chunks are interleaved over the stages") {
  const ModelConfig c = starter();
  const ParallelSpec spec{.pp_size = 2, .pipeline_chunks = 2, .pipeline_partition = PipelinePartition::layers};
  const ModelShard shard = model_shard(c, spec, {.stage = 1});
  CHECK(shard.chunks == std::vector<Range>{{8, 8}, {23, 7}});
  CHECK(!shard.embedding);
  CHECK(shard.head);
  CHECK(shard.n_layers() == 15);
  CHECK(shard.layer(7) == 15);
  CHECK(shard.layer(8) == 23);
}

}  // namespace
}  // namespace collie
