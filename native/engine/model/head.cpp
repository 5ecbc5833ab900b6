#include "engine/model/head.h"

#include <algorithm>

namespace collie {

Head::Head(const WeightOptions& norm, const ModelConfig& c) : norm_(norm, c.hidden_size, c.rms_norm_eps) {}

void Head::loss(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const BaseWeight& table,
                const TargetRows& t, double grad_scale, const at::Tensor& dx, const Labels& labels) {
  Kernels& k = ctx.kernels;
  const int64_t count = t.rows.size(0), chunk = shared.logits.size(0);
  const at::Tensor x = shared.final_x.narrow(0, 0, ctx.n), h = shared.final_h.narrow(0, 0, ctx.n);
  const at::Tensor rstd = shared.final_rstd.narrow(0, 0, ctx.n);
  norm_.forward(ctx, pending, x, h, rstd);
  k.gather_rows(h, t.rows, shared.gathered.narrow(0, 0, count));
  for (int64_t first = 0; first < count; first += chunk) {
    const int64_t rows = std::min(chunk, count - first);
    const at::Tensor logits = shared.logits.narrow(0, 0, rows), hidden = shared.gathered.narrow(0, first, rows);
    k.gemm(hidden, table.computes().t(), logits);
    const at::Tensor targets = t.targets.narrow(0, first, rows);
    if (labels.source == LabelSource::model) targets.copy_(sample_labels(logits, labels.key, first));
    k.cross_entropy({.logits = logits,
                     .targets = targets,
                     .losses = shared.losses.narrow(0, first, rows),
                     .correct = t.correct.defined() ? t.correct.narrow(0, first, rows) : at::Tensor(),
                     .grad_scale = grad_scale});
    if (grad_scale == 0) continue;
    if (table.grad().defined()) k.gemm(logits.t(), hidden, table.grad(), {.beta = 1});
    k.gemm(logits, table.computes(), hidden);  // the hidden rows of this chunk are not needed any more
  }
  if (grad_scale == 0) return;
  h.zero_();
  k.scatter_rows(shared.gathered.narrow(0, 0, count), t.rows, h);
  dx.zero_();
  norm_.backward(ctx, h, x, rstd, dx);
}

void Head::logits(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const BaseWeight& table,
                  int64_t first, const at::Tensor& out) const {
  const int64_t chunk = shared.logits.size(0);
  const at::Tensor h = shared.final_h.narrow(0, 0, ctx.n);
  norm_.forward(ctx, pending, shared.final_x.narrow(0, 0, ctx.n), h, at::Tensor());
  for (int64_t row = first; row < ctx.n; row += chunk) {
    const int64_t rows = std::min(chunk, ctx.n - row);
    ctx.kernels.gemm(h.narrow(0, row, rows), table.computes().t(), out.narrow(0, row - first, rows));
  }
}

}  // namespace collie
