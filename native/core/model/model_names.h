// Where the tensors of a model stand in its files. The only place that knows how a family's files name and cut them: loader, summary,
// merge and export go through it, both ways. Logical names are those of core/model/layer_tensors.h under "model.layers.N.".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"
#include "core/model/model_config.h"

namespace collie {

// Rows of a file's tensor: `count` blocks of `block` rows, one every `stride` rows, the first at `first`. The blocks of several parts fill
// the tensor: count * stride rows, where there is more than one block.
struct RowBlocks {
  int64_t first = 0, block = 0, stride = 0, count = 1;
  int64_t rows() const { return block * count; }
};

// `transposed`: the file has [in, out] where we have [out, in], and rows are its columns.
struct FilePlace {
  std::string name;
  RowBlocks rows;
  int64_t file_rows = 0;
  bool transposed = false;
  bool whole() const { return rows.rows() == file_rows; }
};
// Of "model.layers.0.self_attn.q_proj.weight" with the same ending.
FilePlace file_place(const ModelConfig& config, const std::string& logical, int64_t rows);

// What a file's tensor consists of; a tensor that is not cut is its own only part, under its logical name.
struct FilePart {
  std::string logical;
  RowBlocks rows;
  bool transposed = false;
};
std::vector<FilePart> file_parts(const ModelConfig& config, const std::string& file_name, int64_t file_rows);

// `file_name` as this folder has it, for families whose names begin alike in some folders and not in others.
std::string name_in(const ModelFolder& folder, const ModelConfig& config, const std::string& file_name);

// What the files call a module that lies in one tensor alone or with others: "model.layers.0.self_attn.q_proj".
std::string file_module(const ModelConfig& config, const std::string& logical);

// The rows of a view, under another name. Those of one block stay where they are; more are put together in `gathered`.
TensorView rows_of_view(const TensorView& view, const std::string& name, const RowBlocks& rows,
                        std::vector<std::byte>& gathered);
// A matrix the other way around, its elements in `turned`.
TensorView transposed_view(const TensorView& view, std::vector<std::byte>& turned);

// A model folder by logical names.
class ModelFiles {
 public:
  // Throws what ModelFolder throws.
  ModelFiles(const std::filesystem::path& folder, const ModelConfig& config) : folder_(folder), config_(config) {}
  // Valid until the next call. Throws model.missing_tensor, model.bad_tensor, with the file's name and shape.
  TensorView at(const std::string& logical, std::span<const int64_t> shape);
  // The file's tensor that it is a part of, checked as `at` does.
  const TensorView& stored(const std::string& logical, std::span<const int64_t> shape) const;
  const ModelFolder& folder() const { return folder_; }

 private:
  ModelFolder folder_;
  ModelConfig config_;
  std::vector<std::byte> gathered_, turned_;
};

}  // namespace collie
