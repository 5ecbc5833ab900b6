// Where the tensors of a model stand in its files. The only place that knows how a family's files name and cut them: loader, summary,
// merge and export go through it, both ways. Logical names are those of core/model/layer_tensors.h under "model.layers.N.".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"
#include "core/model/model_config.h"

namespace collie {

// The rows [first_row, first_row + rows) of a file's tensor; `file_rows` of all of it.
struct FilePlace {
  std::string name;
  int64_t first_row = 0, rows = 0, file_rows = 0;
  bool whole() const { return rows == file_rows; }
};
// Of "model.layers.0.self_attn.q_proj.weight" with the same ending.
FilePlace file_place(const ModelConfig& config, const std::string& logical, int64_t rows);

// What a file's tensor consists of, in the order of its rows; a tensor that is not cut is its own only part.
struct FilePart {
  std::string logical;
  int64_t first_row = 0, rows = 0;
};
std::vector<FilePart> file_parts(const ModelConfig& config, const std::string& file_name, int64_t file_rows);

// The rows of a view, under another name.
TensorView rows_of_view(const TensorView& view, const std::string& name, int64_t first_row, int64_t rows);

// A model folder by logical names.
class ModelFiles {
 public:
  // Throws what ModelFolder throws.
  ModelFiles(const std::filesystem::path& folder, const ModelConfig& config) : folder_(folder), config_(config) {}
  // Throws model.missing_tensor, model.bad_tensor, with the file's name and shape.
  TensorView at(const std::string& logical, std::span<const int64_t> shape) const;
  const ModelFolder& folder() const { return folder_; }

 private:
  ModelFolder folder_;
  ModelConfig config_;
};

}  // namespace collie
