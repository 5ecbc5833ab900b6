#include "engine/peft/nf4.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include <algorithm>
#include <cmath>

namespace collie {
namespace {

constexpr float kSmallest = 1e-38f;

template <size_t n>
std::array<float, n - 1> midpoints(const std::array<float, n>& sorted) {
  std::array<float, n - 1> between;
  for (size_t i = 0; i + 1 < n; ++i) between[i] = (sorted[i] + sorted[i + 1]) / 2;
  return between;
}

// Which of the sorted values is nearest; of two equally near ones the lower.
template <size_t n>
uint8_t nearest(const std::array<float, n>& between, float value) {
  return static_cast<uint8_t>(std::lower_bound(between.begin(), between.end(), value) - between.begin());
}

float largest_magnitude(const float* values, int64_t n) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(values[i]));
  return largest;
}

// Codes of blocks [begin, end). Whole blocks are multiplied by an inverse, a shorter last one is divided, as in the original.
void quantize_blocks(const float* values, int64_t n, int64_t begin, int64_t end, uint8_t* codes, float* magnitudes) {
  static const auto between = midpoints(nf4::kLevels);
  for (int64_t b = begin; b < end; ++b) {
    const int64_t first = b * nf4::kBlock, count = std::min(nf4::kBlock, n - first);
    const float magnitude = largest_magnitude(values + first, count), divisor = std::max(magnitude, kSmallest);
    magnitudes[b] = magnitude;
    const float inverse = 1.0f / divisor;
    for (int64_t i = first; i < first + count; ++i) {
      const float scaled = count == nf4::kBlock ? values[i] * inverse : values[i] / divisor;
      const uint8_t code = nearest(between, std::clamp(scaled, -1.0f, 1.0f));
      codes[i / 2] = i % 2 == 0 ? static_cast<uint8_t>(code << 4) : static_cast<uint8_t>(codes[i / 2] | code);
    }
  }
}

void quantize_magnitudes(const at::Tensor& magnitudes, Nf4Matrix& w) {
  static const auto between = midpoints(nf4::scale_map());
  const float* values = magnitudes.const_data_ptr<float>();
  const auto offset = static_cast<float>(w.offset);
  const int64_t n = magnitudes.numel();
  for (int64_t first = 0; first < n; first += nf4::kScaleBlock) {
    const int64_t end = std::min(first + nf4::kScaleBlock, n);
    float largest = 0;
    for (int64_t i = first; i < end; ++i) largest = std::max(largest, std::abs(values[i] - offset));
    w.scales.mutable_data_ptr<float>()[first / nf4::kScaleBlock] = largest;
    for (int64_t i = first; i < end; ++i)
      w.magnitudes.mutable_data_ptr<uint8_t>()[i] = nearest(between, (values[i] - offset) / std::max(largest, kSmallest));
  }
}

}  // namespace

Nf4Matrix quantize_nf4(const at::Tensor& values, at::Device device) {
  const int64_t n = values.numel(), rows = values.size(0), blocks = nf4::blocks_of(n, nf4::kBlock);
  const at::TensorOptions bytes = at::TensorOptions().dtype(at::kByte), fp32 = at::TensorOptions().dtype(at::kFloat);
  Nf4Matrix w{.codes = at::empty({nf4::blocks_of(n, 2)}, bytes),
              .magnitudes = at::empty({blocks}, bytes),
              .scales = at::empty({nf4::blocks_of(blocks, nf4::kScaleBlock)}, fp32)};
  const at::Tensor magnitudes = at::empty({blocks}, fp32);
  // In groups of rows that are whole blocks: fp32 copies of whole matrices, made and freed between the codes that stay, would leave
  // the heap full of holes of their size.
  for (int64_t first = 0; first < rows; first += nf4::kBlock) {
    const int64_t some = std::min(nf4::kBlock, rows - first), before = first * values.size(1);
    const at::Tensor host = values.narrow(0, first, some).to(at::kCPU).to(at::kFloat).contiguous();
    at::parallel_for(0, nf4::blocks_of(host.numel(), nf4::kBlock), 256, [&](int64_t begin, int64_t end) {
      quantize_blocks(host.const_data_ptr<float>(), host.numel(), begin, end,
                      w.codes.mutable_data_ptr<uint8_t>() + before / 2,
                      magnitudes.mutable_data_ptr<float>() + before / nf4::kBlock);
    });
  }
  w.offset = at::mean(magnitudes).const_data_ptr<float>()[0];
  quantize_magnitudes(magnitudes, w);
  w.codes = w.codes.to(device);
  w.magnitudes = w.magnitudes.to(device);
  w.scales = w.scales.to(device);
  return w;
}

}  // namespace collie
