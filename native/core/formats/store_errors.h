// Errors of safetensors files, of a model or of a checkpoint: each kind has its codes.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/formats/safetensors.h"

namespace collie {

// Errors of one file, in the codes of its kind.
struct StoreErrors {
  const std::filesystem::path& path;
  StoreKind kind;

  const char* code(const char* of_model, const char* of_checkpoint) const;
  std::string hint() const;
  [[noreturn]] void truncated(const std::string& problem) const;
  [[noreturn]] void bad(const char* reason, const std::string& problem) const;
  [[noreturn]] void missing(const std::string& tensor) const;
  void check_shape(const TensorView& tensor, std::span<const int64_t> shape) const;
};

// "[2,3]"
std::string shape_text(std::span<const int64_t> shape);

}  // namespace collie
