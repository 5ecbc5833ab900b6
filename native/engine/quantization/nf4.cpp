#include "engine/quantization/nf4.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

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
      w.magnitudes.mutable_data_ptr<uint8_t>()[i] =
          nearest(between, (values[i] - offset) / std::max(largest, kSmallest));
  }
}

// Where a part lies in its matrix, in rows and columns.
struct PartRange {
  Range rows, cols;
};

PartRange range_of(int64_t rows, int64_t cols, const Slice& part) {
  PartRange p{{0, rows}, {0, cols}};
  (part.dim == 0 ? p.rows : p.cols) = part.dim < 0 ? p.cols : part.range;
  const auto aligned = [](int64_t elements) { return elements % nf4::kBlock == 0; };
  const bool fits = part.dim < 0 || (part.dim == 0 ? aligned(p.rows.begin * cols) &&
                                                         (p.rows.end() == rows || aligned(p.rows.end() * cols))
                                                   : aligned(cols) && aligned(p.cols.begin) && aligned(p.cols.size));
  if (!fits) throw std::logic_error("a part of an NF4 matrix that cuts blocks");
  return p;
}

// From the codes of rows [first, first + rows) of the whole to those of the part.
void copy_codes(const std::vector<uint8_t>& group, int64_t first, int64_t rows, int64_t all_cols, const PartRange& p,
                uint8_t* codes) {
  const int64_t begin = std::max(first, p.rows.begin), end = std::min(first + rows, p.rows.end());
  if (begin >= end) return;
  const auto copy = [&](int64_t from, int64_t elements, int64_t to) {
    std::copy_n(group.begin() + from / 2, nf4::blocks_of(elements, 2), codes + to / 2);
  };
  if (p.cols.size == all_cols)
    return copy((begin - first) * all_cols, (end - begin) * all_cols, (begin - p.rows.begin) * all_cols);
  for (int64_t row = begin; row < end; ++row)
    copy((row - first) * all_cols + p.cols.begin, p.cols.size, (row - p.rows.begin) * p.cols.size);
}

}  // namespace

int64_t bytes_of(const Nf4Matrix& matrix) {
  if (!matrix.codes.defined()) return 0;
  return static_cast<int64_t>(matrix.codes.nbytes() + matrix.magnitudes.nbytes() + matrix.scales.nbytes() +
                              sizeof(float));
}

Nf4Matrix empty_nf4_part(int64_t rows, int64_t cols, const Slice& part, at::Device device) {
  const PartRange p = range_of(rows, cols, part);
  const int64_t elements = p.rows.size * p.cols.size, blocks = nf4::blocks_of(rows * cols, nf4::kBlock);
  const at::TensorOptions bytes = at::TensorOptions().dtype(at::kByte).device(device);
  Nf4Matrix w{.codes = at::empty({nf4::blocks_of(elements, 2)}, bytes),
              .magnitudes = at::empty({nf4::blocks_of(elements, nf4::kBlock)}, bytes),
              .scales = at::empty({nf4::blocks_of(blocks, nf4::kScaleBlock)}, bytes.dtype(at::kFloat))};
  if (part.dim == 0) {
    w.first_block = p.rows.begin * cols / nf4::kBlock;
  } else if (part.dim == 1) {
    w.first_block = p.cols.begin / nf4::kBlock;
    w.part_blocks = p.cols.size / nf4::kBlock;
    w.whole_blocks = cols / nf4::kBlock;
  }
  return w;
}

Nf4Matrix quantize_nf4(const at::Tensor& values, at::Device device) {
  return quantize_nf4_part(values, {}, values.scalar_type(), device);
}

Nf4Matrix quantize_nf4_part(const at::Tensor& whole, const Slice& part, at::ScalarType computed, at::Device device) {
  const PartRange p = range_of(whole.size(0), whole.size(1), part);
  const int64_t rows = whole.size(0), cols = whole.size(1), blocks = nf4::blocks_of(whole.numel(), nf4::kBlock);
  const at::TensorOptions bytes = at::TensorOptions().dtype(at::kByte), fp32 = at::TensorOptions().dtype(at::kFloat);
  Nf4Matrix w = empty_nf4_part(rows, cols, part, at::kCPU);
  w.magnitudes = at::empty({blocks}, bytes);  // of the whole at first
  const at::Tensor magnitudes = at::empty({blocks}, fp32);
  std::vector<uint8_t> group(static_cast<size_t>(nf4::blocks_of(nf4::kBlock * cols, 2)));
  // In groups of rows that are whole blocks: fp32 copies of whole matrices, made and freed between the codes that stay, would leave
  // the heap full of holes of their size.
  for (int64_t first = 0; first < rows; first += nf4::kBlock) {
    const int64_t some = std::min(nf4::kBlock, rows - first);
    const at::Tensor host = whole.narrow(0, first, some).to(at::kCPU).to(computed).to(at::kFloat).contiguous();
    at::parallel_for(0, nf4::blocks_of(host.numel(), nf4::kBlock), 256, [&](int64_t begin, int64_t end) {
      quantize_blocks(host.const_data_ptr<float>(), host.numel(), begin, end, group.data(),
                      magnitudes.mutable_data_ptr<float>() + first * cols / nf4::kBlock);
    });
    copy_codes(group, first, some, cols, p, w.codes.mutable_data_ptr<uint8_t>());
  }
  w.offset = at::mean(magnitudes).const_data_ptr<float>()[0];
  quantize_magnitudes(magnitudes, w);
  if (part.dim == 0) {
    w.magnitudes = w.magnitudes.narrow(0, w.first_block, nf4::blocks_of(p.rows.size * cols, nf4::kBlock)).clone();
  } else if (part.dim == 1) {
    w.magnitudes =
        w.magnitudes.view({rows, w.whole_blocks}).narrow(1, w.first_block, w.part_blocks).contiguous().view({-1});
  }
  w.codes = w.codes.to(device);
  w.magnitudes = w.magnitudes.to(device);
  w.scales = w.scales.to(device);
  return w;
}

}  // namespace collie
