#include "engine/kernels/cpu/cpu_kernels.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <string>

#include "core/base/error.h"

namespace collie::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr int64_t kRowGrain = 8;
constexpr int64_t kElementGrain = 1 << 15;

template <class F>
void over_rows(int64_t rows, const F& f) {
  at::parallel_for(0, rows, kRowGrain, f);
}

size_t index(const at::Tensor& t) { return static_cast<size_t>(storage_of(t)); }

}  // namespace

Scratch::~Scratch() {
  if (data_) ::operator delete(data_, kAlignment);
}

Scratch::Scratch(Scratch&& other) noexcept : data_(other.data_), capacity_(other.capacity_) {
  other.data_ = nullptr;
  other.capacity_ = 0;
}

float* Scratch::reserve(int64_t floats) {
  if (floats > capacity_) {
    if (data_) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    data_ = static_cast<float*>(::operator new(static_cast<size_t>(floats) * sizeof(float), kAlignment));
    capacity_ = floats;
  }
  return data_;
}

Storage storage_of(const at::Tensor& t) {
  TORCH_INTERNAL_ASSERT(t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16, "storage is fp32 or bf16");
  return t.scalar_type() == at::kFloat ? Storage::f32 : Storage::bf16;
}

ConstMatrix const_matrix(const at::Tensor& t) {
  TORCH_INTERNAL_ASSERT(t.dim() == 2 && (t.stride(0) == 1 || t.stride(1) == 1 || t.numel() <= 1));
  return {t.const_data_ptr(), storage_of(t), t.stride(0), t.stride(1)};
}

Matrix matrix(const at::Tensor& t) { return {t.mutable_data_ptr(), storage_of(t), t.stride(0)}; }

CpuKernels::CpuKernels(const Table& table) : table_(table), name_(std::string("cpu ") + table.name) {
#ifdef COLLIE_X86
  native_bf16_ = __builtin_cpu_supports("avx512bf16");  // every CPU with AMX has it too
#endif
  threads_.resize(static_cast<size_t>(std::max(at::get_num_threads(), 1)));
}

float* CpuKernels::thread_scratch(int64_t floats) {
  const size_t thread = static_cast<size_t>(at::get_thread_num());
  TORCH_INTERNAL_ASSERT(thread < threads_.size(), "set the number of threads before the kernels are made");
  return threads_[thread].reserve(floats);
}

int64_t CpuKernels::scratch_bytes() const {
  int64_t bytes = packed_b_.bytes() + sums_.bytes();
  for (const Scratch& s : threads_) bytes += s.bytes();
  return bytes;
}

void CpuKernels::rms_norm(const RmsNormForward& f) {
  TORCH_INTERNAL_ASSERT(f.x.is_contiguous() && (!f.residual.defined() || f.sum.is_contiguous()));
  const RmsNormArgs args{
      .x = f.x.const_data_ptr(),
      .residual = f.residual.defined() ? f.residual.const_data_ptr() : nullptr,
      .sum_out = f.residual.defined() ? f.sum.mutable_data_ptr() : nullptr,
      .weight = f.weight.const_data_ptr(),
      .y = f.y.mutable_data_ptr(),
      .rstd = f.rstd.defined() ? f.rstd.mutable_data_ptr<float>() : nullptr,
      .residual_stride = f.residual.defined() ? f.residual.stride(0) : 0,
      .y_stride = f.y.stride(0),
      .dim = f.x.size(1),
      .eps = static_cast<float>(f.eps),
      .offset = static_cast<float>(f.offset),
  };
  over_rows(f.x.size(0), [&](int64_t b, int64_t e) { table_.rms_norm[index(f.x)](args, b, e); });
}

void CpuKernels::rms_norm_backward(const RmsNormBackward& b) {
  const RmsNormBackwardArgs args{
      .x = b.x.const_data_ptr(),
      .weight = b.weight.const_data_ptr(),
      .dy = b.dy.const_data_ptr(),
      .rstd = b.rstd.const_data_ptr<float>(),
      .dx = b.dx.defined() ? b.dx.mutable_data_ptr() : nullptr,
      .dweight = b.dweight.defined() ? b.dweight.mutable_data_ptr<float>() : nullptr,
      .dy_stride = b.dy.stride(0),
      .dim = b.x.size(1),
      .rows = b.x.size(0),
      .offset = static_cast<float>(b.offset),
  };
  if (args.dx) over_rows(args.rows, [&](int64_t s, int64_t e) { table_.rms_norm_backward[index(b.x)](args, s, e); });
  if (args.dweight)
    at::parallel_for(0, args.dim, 64,
                     [&](int64_t s, int64_t e) { table_.rms_norm_weight_backward[index(b.x)](args, s, e); });
}

void CpuKernels::rotary(const Rotary& r, Direction direction) {
  const RotaryArgs args{
      .x = r.x.mutable_data_ptr(),
      .positions = r.positions.const_data_ptr<int32_t>(),
      .cos = r.cos.const_data_ptr<float>(),
      .sin = r.sin.const_data_ptr<float>(),
      .x_stride = r.x.stride(0),
      .heads = r.heads,
      .head_dim = r.head_dim,
      .half = r.cos.size(1),
      .sign = direction == Direction::forward ? 1.f : -1.f,
  };
  over_rows(r.x.size(0),
            [&](int64_t b, int64_t e) { table_.rotary[static_cast<size_t>(r.pairs)][index(r.x)](args, b, e); });
}

void CpuKernels::over_logits(const CrossEntropy& c, const LogitStatistics& s,
                             void (*rows)(const CrossEntropyArgs&, int64_t, int64_t)) {
  const CrossEntropyArgs args{
      .logits = c.logits.mutable_data_ptr(),
      .targets = c.targets.const_data_ptr<int32_t>(),
      .losses = c.losses.defined() ? c.losses.mutable_data_ptr<float>() : nullptr,
      .correct = c.correct.defined() ? c.correct.mutable_data_ptr<int32_t>() : nullptr,
      .vocab = c.logits.size(1),
      .logits_stride = c.logits.stride(0),
      .scales = c.scales.defined() ? c.scales.const_data_ptr<float>() : nullptr,
      .maxima = s.maxima.defined() ? s.maxima.mutable_data_ptr<float>() : nullptr,
      .sums = s.sums.defined() ? s.sums.mutable_data_ptr<float>() : nullptr,
      .rows = c.logits.size(0),
  };
  at::parallel_for(0, c.logits.size(0), 1, [&](int64_t b, int64_t e) { rows(args, b, e); });
}

void CpuKernels::cross_entropy(const CrossEntropy& c) { over_logits(c, {}, table_.cross_entropy[index(c.logits)]); }

void CpuKernels::logit_maxima(const CrossEntropy& c, const LogitStatistics& s) {
  over_logits(c, s, table_.logit_maxima[index(c.logits)]);
}

void CpuKernels::logit_sums(const CrossEntropy& c, const LogitStatistics& s) {
  over_logits(c, s, table_.logit_sums[index(c.logits)]);
}

void CpuKernels::cross_entropy_of(const CrossEntropy& c, const LogitStatistics& s) {
  over_logits(c, s, table_.cross_entropy_of[index(c.logits)]);
}

void CpuKernels::masked(const at::Tensor& x, const at::Tensor& y, DropoutMask mask,
                        void (*rows)(const DropoutArgs&, int64_t, int64_t)) {
  const DropoutArgs args{x.const_data_ptr(), y.mutable_data_ptr(),          x.stride(0),      y.stride(0), x.size(1),
                         mask.key,           static_cast<float>(mask.rate), mask.first_column};
  over_rows(x.size(0), [&](int64_t b, int64_t e) { rows(args, b, e); });
}

void CpuKernels::dropout(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) {
  masked(x, y, mask, table_.dropout[index(x)]);
}

void CpuKernels::dropout_add(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) {
  masked(x, y, mask, table_.dropout_add[index(x)]);
}

void CpuKernels::update(const ElementUpdate& u) {
  TORCH_INTERNAL_ASSERT(u.weight.is_contiguous() && u.grad.is_contiguous() && u.grad.numel() == u.weight.numel());
  UpdateArgs args{.weight = u.weight.mutable_data_ptr(),
                  .grad = u.grad.const_data_ptr<float>(),
                  .state = {},
                  .rule = std::visit([](const auto& rule) -> const void* { return &rule; }, u.rule),
                  .grad_scale = static_cast<float>(u.grad_scale),
                  .rounding_key = u.rounding_key,
                  .first_element = u.first_element};
  for (size_t i = 0; i < u.state.size(); ++i)
    if (u.state[i].defined()) {
      TORCH_INTERNAL_ASSERT(u.state[i].is_contiguous() && u.state[i].numel() == u.weight.numel());
      args.state[i] = u.state[i].mutable_data_ptr<float>();
    }
  const auto loop = table_.update[u.rule.index()][index(u.weight)];
  at::parallel_for(0, u.weight.numel(), kElementGrain, [&](int64_t b, int64_t e) { loop(args, b, e); });
}

double CpuKernels::squared_norm_of(const at::Tensor& x) const {
  TORCH_INTERNAL_ASSERT(x.is_contiguous());
  // Parts of fixed size, summed in order: the result does not depend on the number of threads.
  const int64_t n = x.numel(), parts = (n + kElementGrain - 1) / kElementGrain;
  std::vector<double> sums(static_cast<size_t>(parts));
  const float* data = x.const_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i)
      sums[static_cast<size_t>(i)] =
          table_.squared_norm(data + i * kElementGrain, std::min(kElementGrain, n - i * kElementGrain));
  });
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

double CpuKernels::squared_norm(std::span<const at::Tensor> all) {
  double sum = 0;
  for (const at::Tensor& x : all) sum += squared_norm_of(x);
  return sum;
}

bool CpuKernels::all_finite(const at::Tensor& x) {
  TORCH_INTERNAL_ASSERT(x.is_contiguous());
  return table_.all_finite[index(x)](x.const_data_ptr(), x.numel());
}

}  // namespace collie::cpu

namespace collie {
namespace {

CpuVariant best_variant() {
#ifdef COLLIE_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx2 && avx512) return CpuVariant::avx512;
  if (avx2) return CpuVariant::avx2;
#endif
  return CpuVariant::baseline;
}

CpuVariant requested_variant() {
  const char* value = std::getenv("COLLIE_CPU");
  const std::string name = value ? value : "";
  if (name.empty()) return best_variant();
  if (name == "baseline") return CpuVariant::baseline;
  if (name == "avx2") return CpuVariant::avx2;
  if (name == "avx512") return CpuVariant::avx512;
  throw Error("device.unavailable", "COLLIE_CPU is \"" + name + "\"", "Use baseline, avx2 or avx512, or unset it.");
}

}  // namespace

std::unique_ptr<Kernels> make_cpu_kernels(CpuVariant variant) {
  if (variant == CpuVariant::best) variant = requested_variant();
  if (variant > best_variant())
    throw Error("device.unavailable", "This CPU lacks the instruction set that was asked for",
                "Unset COLLIE_CPU: the best set is chosen by itself.");
#ifdef COLLIE_X86
  if (variant == CpuVariant::avx512) return std::make_unique<cpu::CpuKernels>(cpu::table_avx512());
  if (variant == CpuVariant::avx2) return std::make_unique<cpu::CpuKernels>(cpu::table_avx2());
#endif
  return std::make_unique<cpu::CpuKernels>(cpu::table_baseline());
}

}  // namespace collie
