#include "core/library/gguf_convert.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/float_bits.h"
#include "core/formats/gguf_dequantize.h"
#include "core/formats/safetensors.h"
#include "core/library/gguf_mapping.h"
#include "core/model/gguf_config.h"
#include "core/model/model_config.h"

namespace collie {

namespace {

constexpr size_t kChunkElements = 1 << 20;

using Report = std::function<void(uint64_t bytes)>;

// A vector's elements are its rows; of one in blocks this is rounded down.
uint64_t row_bytes(const GgufTensor& tensor) { return tensor.bytes.size() / static_cast<uint64_t>(tensor.shape[0]); }

// Rows of one tensor of the file, as bf16.
class RowReader {
 public:
  explicit RowReader(const GgufPart& part)
      : part_(part),
        columns_(part.source->shape.size() == 1 ? 1 : part.source->shape.back()),
        row_bytes_(row_bytes(*part.source)),
        row_(static_cast<size_t>(columns_)) {
    if (part.source->shape.size() > 1) return;
    vector_.resize(static_cast<size_t>(part.source->shape[0]));
    gguf_dequantize(part.source->type, part.source->bytes, vector_);
  }

  uint64_t bytes() const { return row_bytes_; }

  std::span<const uint16_t> row(int64_t row) {
    const auto from = static_cast<size_t>(part_.source_row(row));
    if (vector_.empty()) {
      values_.resize(row_.size());
      gguf_dequantize(part_.source->type, part_.source->bytes.subspan(from * row_bytes_, row_bytes_), values_);
    } else {
      values_.assign(1, vector_[from]);
    }
    if (part_.shift != 0)  // adding 0 would make -0 another number
      for (float& value : values_) value += static_cast<float>(part_.shift);
    std::ranges::transform(values_, row_.begin(), float_to_bfloat16);
    return row_;
  }

 private:
  const GgufPart& part_;
  int64_t columns_;
  uint64_t row_bytes_;
  std::vector<float> vector_, values_;
  std::vector<uint16_t> row_;
};

// For each row of the target: which part, and which row of it.
std::vector<std::pair<size_t, int64_t>> row_table(const GgufTarget& target) {
  int64_t all = 0;
  for (const GgufPart& part : target.parts) all += part.rows;
  std::vector<std::pair<size_t, int64_t>> table(static_cast<size_t>(all));
  for (size_t p = 0; p < target.parts.size(); ++p) {
    const RowBlocks& to = target.parts[p].target;
    for (int64_t row = 0; row < to.rows(); ++row)
      table[static_cast<size_t>(to.first + row / to.block * to.stride + row % to.block)] = {p, row};
  }
  return table;
}

void convert_rows(const GgufTarget& target, SafetensorsWriter& writer, const Report& report) {
  std::vector<RowReader> readers(target.parts.begin(), target.parts.end());
  std::vector<uint16_t> chunk;
  uint64_t bytes = 0;
  const auto flush = [&] {
    writer.write_part(target.spec.name, std::as_bytes(std::span(chunk)));
    report(std::exchange(bytes, 0));
    chunk.clear();
  };
  for (const auto& [part, row] : row_table(target)) {
    const std::span<const uint16_t> values = readers[part].row(row);
    chunk.insert(chunk.end(), values.begin(), values.end());
    bytes += readers[part].bytes();
    if (chunk.size() >= kChunkElements) flush();
  }
  if (!chunk.empty()) flush();
}

// Whole in memory: linears of layers, in the architectures that store them so.
void convert_transposed(const GgufTarget& target, SafetensorsWriter& writer, const Report& report) {
  const auto columns = static_cast<size_t>(target.spec.shape[1]);
  std::vector<uint16_t> all(static_cast<size_t>(target.spec.shape[0]) * columns);
  std::vector<RowReader> readers(target.parts.begin(), target.parts.end());
  uint64_t bytes = 0;
  size_t column = 0;
  for (const auto& [part, row] : row_table(target)) {
    const std::span<const uint16_t> values = readers[part].row(row);
    for (size_t i = 0; i < values.size(); ++i) all[i * columns + column] = values[i];
    ++column;
    bytes += readers[part].bytes();
  }
  writer.write_part(target.spec.name, std::as_bytes(std::span(all)));
  report(bytes);
}

}  // namespace

void gguf_convert(const GgufFile& file, const std::filesystem::path& out_dir,
                  const std::function<Continue(double)>& progress) {
  const nlohmann::ordered_json config = gguf_model_config(file);
  const std::vector<GgufTarget> targets = map_gguf_tensors(file, ModelConfig::parse(nlohmann::json(config)));
  std::vector<TensorSpec> specs;
  uint64_t total = 0, done = 0;
  for (const GgufTarget& target : targets) {
    specs.push_back(target.spec);
    for (const GgufPart& part : target.parts) total += row_bytes(*part.source) * static_cast<uint64_t>(part.rows);
  }
  SafetensorsWriter writer(out_dir / "model.safetensors", std::move(specs));
  const Report report = [&](uint64_t bytes) {
    done += bytes;
    if (progress(static_cast<double>(done) / static_cast<double>(total)) == Continue::no)
      throw Error("job.cancelled", "The conversion was cancelled.");
  };
  for (const GgufTarget& target : targets)
    (target.transposed ? convert_transposed : convert_rows)(target, writer, report);
  writer.finish();
  write_file(out_dir / "config.json", config.dump(2) + "\n");
}

}  // namespace collie
