// What the ranks of every layout send in one step, measured, is what the formulas of docs/parallel.md say.
#include "parallel/layout_run.h"

namespace collie::test {
namespace {

struct Volumes {
  CommVolume tp, dp, pp, weights;
};

Volumes volumes_of(const Parallel& grid) {
  return {grid.tp->volume(), grid.dp->volume(), grid.pp->volume(),
          grid.weights ? grid.weights->volume() : CommVolume{}};
}

int64_t sent(const CommVolume& before, const CommVolume& after, Collective collective) {
  return after.bytes_of(collective) - before.bytes_of(collective);
}

// Of this rank's micro-batches.
struct Load {
  int64_t micro_batches = 0, tokens = 0, targets = 0;
  int64_t own = 0;  // tokens of the rank's shares, with padding
};

Load load_of(const TokenStore& rows, const Parallel& grid, const ModelShard& shard, int64_t micro_batches) {
  const StepPlan plan = layout_plan(rows, 0, micro_batches);
  Load load;
  for (auto i = static_cast<size_t>(grid.place.dp_rank); i < plan.micro_batches.size();
       i += static_cast<size_t>(grid.spec.dp_size)) {
    ++load.micro_batches;
    int64_t tokens = 0;
    for (const int64_t row : plan.micro_batches[i]) {
      tokens += rows.length(row);
      load.targets += count_targets(rows[row]);
    }
    load.tokens += tokens;
    load.own += token_share(shard, tokens).own;
  }
  return load;
}

void check_volumes(const Parallel& grid) {
  const ParallelSpec& p = grid.spec;
  const ModelConfig config = layout_config(p, Tables::untied);
  const TemporaryStore rows(layout_rows(config));
  LayoutRun run(config, {"full", "adamw", Tables::untied}, grid, 8, *rows);
  const ModelShard shard = model_shard(config, p, grid.place);
  const Load load = load_of(*rows, grid, shard, 8);
  int64_t trained = 0, gathered = 0;
  for (const Parameter& parameter : run.decoder().trainable()) {
    trained += 4 * parameter.grad.numel();
    if (p.zero_stage == 3 && parameter.name.starts_with("model.layers.") && parameter.grad.dim() == 2)
      gathered += 4 * parameter.grad.numel();
  }

  const Volumes before = volumes_of(grid);
  const int64_t ring_before = sent_bytes(grid);
  run.step(0);
  const Volumes after = volumes_of(grid);
  const int64_t ring = sent_bytes(grid) - ring_before;

  const int64_t row = config.hidden_size * 4, residual = load.own * row, layers = shard.n_layers();
  const int64_t first = shard.embedding ? 1 : 0, last = shard.head ? 1 : 0;
  const int64_t reduced = p.zero_stage >= 2 ? load.micro_batches : 1;
  // Two sums of outputs and two of input gradients a layer; embeddings.
  const int64_t sums = 4 * layers + first;
  // Input gradients and statistics of the targets in the head.
  const int64_t targets = last * load.targets * (row + 3 * 4);
  if (p.sequence_parallel) {
    CHECK(sent(before.tp, after.tp, Collective::reduce_scatter) == p.tp_size * residual * sums);
    // Two normed inputs a layer, forward and again backward, and two output gradients; the head's input; the embedding's gradient.
    CHECK(sent(before.tp, after.tp, Collective::all_gather) == residual * (6 * layers + last + first));
    // Gradients of norms.
    CHECK(sent(before.tp, after.tp, Collective::all_reduce) == targets + row * reduced * (2 * layers + last));
  } else if (p.tp_size > 1) {
    CHECK(sent(before.tp, after.tp, Collective::all_reduce) == residual * sums + targets);
  }
  // A chunk's output upwards, its input's gradient downwards.
  CHECK(sent(before.pp, after.pp, Collective::send) ==
        (p.pp_size > 1 ? residual * (2 * p.pipeline_chunks - first - last) : 0));
  CHECK(sent(before.dp, after.dp, Collective::all_reduce) == (p.dp_size > 1 && p.zero_stage == 0 ? trained : 0));
  CHECK(sent(before.dp, after.dp, Collective::reduce) == (p.zero_stage > 0 ? trained * reduced : 0));
  CHECK(sent(before.dp, after.dp, Collective::broadcast) == (p.zero_stage > 0 ? trained - gathered : 0));
  // Matrices come for the forward and for the backward pass, which begins with the two layers that the other ended with.
  CHECK(sent(before.weights, after.weights, Collective::broadcast) ==
        load.micro_batches * (2 * shard.n_layers() - 2) * gathered / shard.n_layers());
  // All of it, as rings send it.
  const int64_t d = p.dp_size;
  if (p.tp_size == 1 && p.pp_size == 1) {
    if (p.zero_stage == 0) CHECK(ring == 2 * (d - 1) * trained / d);
    if (p.zero_stage == 1 || p.zero_stage == 2) CHECK(ring == (d - 1) * trained * (reduced + 1) / d);
  }
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "layouts: what is sent in a step is what the formulas say" *
                             doctest::skip(!Ranks::among({2, 4, 8}))) {
  for (const ParallelSpec& spec : layouts(size)) {
    if (spec.tp_size > 2) continue;  // there ranks share key-value heads, whose gradients are summed besides
    const std::string layout = text_of(spec);
    CAPTURE(layout);
    check_volumes(make_parallel(spec, world));
  }
}

}  // namespace collie::test
