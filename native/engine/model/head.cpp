#include "engine/model/head.h"

#include <ATen/ops/logical_and.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/where.h>

#include <algorithm>

#include "engine/model/normed_input.h"
#include "engine/parallel/gathered.h"

namespace collie {

namespace {

void add_bias(Kernels& kernels, const at::Tensor& logits, const BaseWeight* bias) {
  if (bias) kernels.affine_columns({.x = logits, .factors = {}, .shifts = bias->computes(), .y = logits});
}

}  // namespace

Head::Head(const WeightOptions& norm, const WeightOptions* norm_bias, const ModelConfig& c, const ModelLayout& model)
    : vocabulary_(model.vocabulary),
      vocabulary_size_(model.vocabulary_size),
      norm_(norm, norm_bias, c.hidden_size, c),
      scale_(c.traits.logit_scale),
      softcap_(c.traits.logit_softcap) {}

void Head::cross_entropy(const StepContext& ctx, const SharedBuffers& shared, const CrossEntropy& c) const {
  if (!shared_vocabulary()) return ctx.kernels.cross_entropy(c);
  const int64_t rows = c.logits.size(0);
  const at::Tensor all = shared.statistics.flatten();
  const LogitStatistics s{.maxima = all.narrow(0, 0, rows), .sums = all.narrow(0, rows, 2 * rows).view({2, rows})};
  ctx.kernels.logit_maxima(c, s);
  ctx.tp.all_reduce(s.maxima, Reduce::max);
  ctx.kernels.logit_sums(c, s);
  ctx.tp.all_reduce(s.sums);
  ctx.kernels.cross_entropy_of(c, s);
}

// From whole rows, so that the draws do not depend on how many ranks share them.
void Head::draw_targets(const StepContext& ctx, const at::Tensor& logits, const Labels& labels, int64_t first,
                        const at::Tensor& targets) const {
  if (!shared_vocabulary()) {
    targets.copy_(sample_labels(logits, labels.key, first));
    return;
  }
  const at::Tensor whole = gathered(logits, {{1, vocabulary_, vocabulary_size_}}, ctx.tp);
  const at::Tensor own = at::sub(sample_labels(whole, labels.key, first), vocabulary_.begin);
  targets.copy_(at::where(at::logical_and(own.ge(0), own.lt(vocabulary_.size)), own, -1));
}

void Head::loss(const StepContext& ctx, const SharedBuffers& shared, const at::Tensor& x, const HeadWeights& weights,
                const TargetRows& t, const at::Tensor& dx, const Labels& labels) {
  Kernels& k = ctx.kernels;
  const BaseWeight& table = weights.table;
  const int64_t count = t.rows.size(0), chunk = shared.logits.size(0);
  const auto rows_of_chunk = [&](const at::Tensor& buffer, int64_t rows) {
    return buffer.narrow(0, 0, rows).narrow(1, 0, vocabulary_.size);
  };
  const at::Tensor h = ctx.rows.padded(shared.final_h);
  const int64_t own = ctx.rows.share().own;
  const NormStatistics kept{shared.final_rstd.narrow(0, 0, own),
                            shared.final_mean.narrow(0, 0, std::min(own, shared.final_mean.size(0)))};
  norm_tokens(ctx, norm_, {}, x, h, kept);
  k.gather_rows(ctx.rows.tokens(h), t.rows, shared.gathered.narrow(0, 0, count));
  for (int64_t first = 0; first < count; first += chunk) {
    const int64_t rows = std::min(chunk, count - first);
    const at::Tensor logits = rows_of_chunk(shared.logits, rows), hidden = shared.gathered.narrow(0, first, rows);
    k.gemm(hidden, table.computes().t(), logits, {.alpha = scale_});
    add_bias(k, logits, weights.bias);
    if (softcap_ != 0) k.soft_cap(logits, softcap_);
    const at::Tensor targets = t.targets.narrow(0, first, rows);
    if (labels.source == LabelSource::model) draw_targets(ctx, logits, labels, first, targets);
    const at::Tensor capped = softcap_ != 0 && t.scales.defined() ? rows_of_chunk(shared.capped, rows) : at::Tensor();
    if (capped.defined()) k.copy(logits, capped);  // the gradient takes their place
    cross_entropy(ctx, shared,
                  {.logits = logits,
                   .targets = targets,
                   .losses = shared.losses.narrow(0, first, rows),
                   .correct = t.correct.defined() ? t.correct.narrow(0, first, rows) : at::Tensor(),
                   .scales = t.scales.defined() ? t.scales.narrow(0, first, rows) : at::Tensor()});
    if (!t.scales.defined()) continue;
    if (capped.defined()) k.soft_cap_backward(capped, logits, softcap_);
    if (weights.bias && weights.bias->grad().defined())
      k.column_sums({.a = logits, .b = {}, .factors = {}, .sums = weights.bias->grad()});
    if (table.grad().defined()) k.gemm(logits.t(), hidden, table.grad(), {.alpha = scale_, .beta = 1});
    k.gemm(logits, table.computes(), hidden,
           {.alpha = scale_});  // the hidden rows of this chunk are not needed any more
  }
  if (!t.scales.defined()) return;
  // To all ranks, with sequence parallelism too: targets are fewer than tokens, and lie where they lie.
  if (shared_vocabulary()) ctx.tp.all_reduce(shared.gathered.narrow(0, 0, count));
  h.zero_();
  k.scatter_rows(shared.gathered.narrow(0, 0, count), t.rows, ctx.rows.tokens(h));
  dx.zero_();
  norm_.backward(ctx, ctx.rows.own(h), x, kept, dx);
}

void Head::logits(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                  const HeadWeights& weights, int64_t first, const at::Tensor& out) const {
  const int64_t chunk = shared.logits.size(0);
  const at::Tensor h = ctx.rows.padded(shared.final_h);
  norm_tokens(ctx, norm_, pending, shared.outputs.narrow(0, 0, ctx.rows.share().own), h, {});
  if (shared_vocabulary()) out.zero_();
  const at::Tensor own = out.narrow(1, vocabulary_.begin, vocabulary_.size);
  for (int64_t row = first; row < ctx.n; row += chunk) {
    const int64_t rows = std::min(chunk, ctx.n - row);
    const at::Tensor logits = own.narrow(0, row - first, rows);
    ctx.kernels.gemm(h.narrow(0, row, rows), weights.table.computes().t(), logits, {.alpha = scale_});
    add_bias(ctx.kernels, logits, weights.bias);
  }
  if (softcap_ != 0) ctx.kernels.soft_cap(own, softcap_);
  if (shared_vocabulary()) ctx.tp.all_reduce(out);
}

}  // namespace collie
