#include "engine/kernels/cuda/cuda_kernels.h"

#include <ATen/ops/empty.h>

#include "engine/kernels/cuda/tensors.h"

namespace collie {

std::unique_ptr<Kernels> make_cuda_kernels(at::Device device) {
  return std::make_unique<cuda::CudaKernels>(cuda::checked_device(device));
}

namespace cuda {
namespace {

at::Tensor buffer_on(at::Device device, int64_t elements, at::ScalarType dtype) {
  return at::empty({elements}, at::TensorOptions().dtype(dtype).device(device));
}

void reserve(at::Tensor& buffer, const at::Tensor& like, int64_t elements) {
  if (!buffer.defined() || buffer.numel() < elements) buffer = buffer_on(like.device(), elements, at::kFloat);
}

DropoutArgs dropout_args(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) {
  return {storage_of(x),    data(x),       data(y),
          row_stride(x),    row_stride(y), x.size(0),
          x.size(1),        mask.key,      static_cast<float>(mask.rate),
          mask.first_column};
}

RowsArgs rows_args(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) {
  return {storage_of(x), data(x),         data_as<int32_t>(rows), data(out),
          row_stride(x), row_stride(out), rows.numel(),           out.size(1)};
}

LossArgs loss_args(const CrossEntropy& c, const LogitStatistics& s) {
  return {storage_of(c.logits),
          data(c.logits),
          data_as<int32_t>(c.targets),
          data_as<float>(c.losses),
          data_as<int32_t>(c.correct),
          row_stride(c.logits),
          c.logits.size(0),
          c.logits.size(1),
          data_as<float>(c.scales),
          data_as<float>(s.maxima),
          data_as<float>(s.sums)};
}

CopyArgs copy_args(const at::Tensor& src, const at::Tensor& dst, double scale) {
  const bool matrix = src.dim() == 2;
  return {storage_of(src),
          storage_of(dst),
          data(src),
          data(dst),
          matrix ? src.size(0) : 1,
          matrix ? src.size(1) : src.numel(),
          matrix ? src.stride(0) : 0,
          matrix ? dst.stride(0) : 0,
          static_cast<float>(scale)};
}

}  // namespace

CudaKernels::CudaKernels(at::Device device)
    : name_(device_name(device)),
      norm_result_(buffer_on(device, 1, at::kDouble)),
      finite_result_(buffer_on(device, 1, at::kInt)) {
  sum_products_in_fp32();
}

// cuBLAS takes operands of one type; a result of another type goes through its fp32 output, or a rounded copy.
void CudaKernels::gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  if (a.scalar_type() != b.scalar_type()) return gemm(a.to(at::kFloat), b.to(at::kFloat), c, scale);
  if (a.scalar_type() == c.scalar_type() || c.scalar_type() == at::kFloat) return multiply(a, b, c, scale);
  const at::Tensor wide = c.to(at::kFloat);
  multiply(a, b, wide, scale);
  at::Tensor(c).copy_(wide);
}

void CudaKernels::embedding(const at::Tensor& ids, const at::Tensor& table, const at::Tensor& out) {
  gather_rows(table, ids, out);
}

void CudaKernels::embedding_backward(const at::Tensor& ids, const at::Tensor& dout, const at::Tensor& dtable) {
  run_on(dout, [&](cudaStream_t stream) { cuda::embedding_backward(rows_args(dout, ids, dtable), stream); });
}

void CudaKernels::rms_norm(const RmsNormForward& f) {
  const NormArgs args{storage_of(f.x),
                      data(f.x),
                      data(f.residual),
                      data(f.sum),
                      data(f.weight),
                      data(f.y),
                      data_as<float>(f.rstd),
                      row_stride(f.x),
                      row_stride(f.residual),
                      row_stride(f.sum),
                      row_stride(f.y),
                      f.x.size(0),
                      f.x.size(1),
                      static_cast<float>(f.eps),
                      static_cast<float>(f.offset)};
  run_on(f.x, [&](cudaStream_t stream) { cuda::rms_norm(args, stream); });
}

void CudaKernels::rms_norm_backward(const RmsNormBackward& b) {
  if (b.dweight.defined()) reserve(norm_partial_, b.x, kNormPartials * b.x.size(1));
  const NormBackwardArgs args{storage_of(b.x),
                              data(b.x),
                              data(b.weight),
                              data(b.dy),
                              data_as<float>(b.rstd),
                              data(b.dx),
                              data_as<float>(b.dweight),
                              data_as<float>(norm_partial_),
                              row_stride(b.x),
                              row_stride(b.dy),
                              row_stride(b.dx),
                              b.x.size(0),
                              b.x.size(1),
                              static_cast<float>(b.offset)};
  run_on(b.x, [&](cudaStream_t stream) { cuda::rms_norm_backward(args, stream); });
}

void CudaKernels::rotary(const Rotary& r, Direction direction) {
  const RotaryArgs args{storage_of(r.x),
                        data(r.x),
                        data_as<int32_t>(r.positions),
                        data_as<float>(r.cos),
                        data_as<float>(r.sin),
                        row_stride(r.x),
                        r.x.size(0),
                        r.heads,
                        r.head_dim,
                        direction == Direction::forward ? 1.f : -1.f,
                        r.cos.size(1),
                        r.pairs};
  run_on(r.x, [&](cudaStream_t stream) { cuda::rotary(args, stream); });
}

void CudaKernels::cross_entropy(const CrossEntropy& c) {
  run_on(c.logits, [&](cudaStream_t stream) { cuda::cross_entropy(loss_args(c, {}), stream); });
}

void CudaKernels::logit_maxima(const CrossEntropy& c, const LogitStatistics& s) {
  run_on(c.logits, [&](cudaStream_t stream) { cuda::logit_maxima(loss_args(c, s), stream); });
}

void CudaKernels::logit_sums(const CrossEntropy& c, const LogitStatistics& s) {
  run_on(c.logits, [&](cudaStream_t stream) { cuda::logit_sums(loss_args(c, s), stream); });
}

void CudaKernels::cross_entropy_of(const CrossEntropy& c, const LogitStatistics& s) {
  run_on(c.logits, [&](cudaStream_t stream) { cuda::cross_entropy_of(loss_args(c, s), stream); });
}

void CudaKernels::dropout(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) {
  run_on(x, [&](cudaStream_t stream) { cuda::dropout(dropout_args(x, y, mask), DropoutInto::overwrite, stream); });
}

void CudaKernels::dropout_add(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) {
  run_on(x, [&](cudaStream_t stream) { cuda::dropout(dropout_args(x, y, mask), DropoutInto::add, stream); });
}

void CudaKernels::gather_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) {
  run_on(x, [&](cudaStream_t stream) { cuda::gather_rows(rows_args(x, rows, out), stream); });
}

void CudaKernels::scatter_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) {
  run_on(x, [&](cudaStream_t stream) { cuda::scatter_rows(rows_args(x, rows, out), stream); });
}

void CudaKernels::update(const ElementUpdate& u) {
  UpdateArgs args{storage_of(u.weight),   data(u.weight),
                  data_as<float>(u.grad), {},
                  u.weight.numel(),       static_cast<float>(u.grad_scale),
                  u.rounding_key,         u.first_element};
  for (size_t i = 0; i < u.state.size(); ++i) args.state[i] = data_as<float>(u.state[i]);
  run_on(u.weight,
         [&](cudaStream_t stream) { std::visit([&](const auto& rule) { cuda::update(args, rule, stream); }, u.rule); });
}

void CudaKernels::update(const ByteAdamW& u) {
  const auto moment = [](const ByteMoment& m) {
    return ByteMomentArgs{data_as<uint8_t>(m.codes), data_as<float>(m.scales), data_as<float>(m.map),
                          data_as<float>(m.borders)};
  };
  const ByteAdamWArgs args{{storage_of(u.weight),
                            data(u.weight),
                            data_as<float>(u.grad),
                            {},
                            u.weight.numel(),
                            static_cast<float>(u.grad_scale),
                            u.rounding_key,
                            0},
                           {moment(u.m), moment(u.v)}};
  const AdamWRule rule{.decay = static_cast<float>(u.decay),
                       .one_minus_beta1 = static_cast<float>(1 - u.beta1),
                       .one_minus_beta2 = static_cast<float>(1 - u.beta2),
                       .rate = static_cast<float>(u.rate),
                       .root = static_cast<float>(1 / u.root),
                       .eps = static_cast<float>(u.eps)};
  run_on(u.weight, [&](cudaStream_t stream) { cuda::update(args, rule, stream); });
}

// The host waits once, for the sum over all of them.
double CudaKernels::squared_norm(std::span<const at::Tensor> all) {
  int64_t parts = 1;
  for (const at::Tensor& x : all) parts += square_parts(x.numel());
  if (norm_result_.numel() < parts) norm_result_ = buffer_on(norm_result_.device(), parts, at::kDouble);
  double* const result = norm_result_.data_ptr<double>();
  run_on(norm_result_, [&](cudaStream_t stream) {
    double* next = result + 1;
    for (const at::Tensor& x : all) next += square_partials(data_as<float>(x), x.numel(), next, stream);
    sum_partials(result + 1, next - result - 1, result, stream);
  });
  return norm_result_[0].item<double>();
}

bool CudaKernels::all_finite(const at::Tensor& x) {
  finite_result_.zero_();
  int32_t* result = finite_result_.data_ptr<int32_t>();
  run_on(x, [&](cudaStream_t stream) { count_non_finite(storage_of(x), data(x), x.numel(), result, stream); });
  return finite_result_.item<int32_t>() == 0;
}

void CudaKernels::copy(const at::Tensor& src, const at::Tensor& dst, double scale) {
  run_on(src, [&](cudaStream_t stream) { cuda::copy(copy_args(src, dst, scale), CopyInto::overwrite, stream); });
}

void CudaKernels::add(const at::Tensor& src, const at::Tensor& dst) {
  run_on(src, [&](cudaStream_t stream) { cuda::copy(copy_args(src, dst, 1), CopyInto::add, stream); });
}

int64_t CudaKernels::scratch_bytes() const {
  int64_t bytes = 0;
  for (const at::Tensor* t : {&norm_result_, &finite_result_, &norm_partial_, &column_partial_, &nf4_tables_, &delta_})
    if (t->defined()) bytes += t->numel() * static_cast<int64_t>(t->element_size());
  return bytes;
}

}  // namespace cuda
}  // namespace collie
