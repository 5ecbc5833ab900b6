// Tensors of a checkpoint, whichever ranks wrote them: "<stem>.safetensors" of a single rank, or "<stem>.rank-NNN.safetensors" of
// several, each with logical names and, in its metadata under "slices", the place of every part in its whole tensor. A reader asks
// for logical tensors, or for the part of one that it holds itself: so a run resumes under any layout.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/grid/parallel.h"
#include "core/formats/safetensors.h"
#include "engine/peft/parameter.h"

namespace collie {

struct StoredTensor {
  struct Piece {
    Slice slice;
    const TensorView* view = nullptr;
    const FileCheck* file = nullptr;
  };
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;  // of the whole
  std::vector<Piece> pieces;   // from begin to end
};

class ShardedTensors {
 public:
  // Maps all files of `stem` in `folder`. Throws checkpoint.not_found, checkpoint.truncated (also when a part of a tensor is in no
  // file: names it), checkpoint.mismatch (parts that do not fit together). The bytes of a file are compared with their checksum when
  // the first tensor of it is read, which throws checkpoint.corrupt.
  ShardedTensors(const std::filesystem::path& folder, const std::string& stem);

  const StoredTensor* find(const std::string& name) const;
  // Throws checkpoint.mismatch; checkpoint.truncated when ranks wrote the files, of which one is missing then.
  const StoredTensor& at(const std::string& name) const;
  const StoredTensor& at(const std::string& name, std::span<const int64_t> shape) const;
  // Sorted by name.
  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  std::string where() const { return where_; }  // for messages

 private:
  void add(const SafetensorsFile& file, const FileCheck* check);
  void check_whole(StoredTensor& tensor) const;

  std::string where_;
  bool of_ranks_ = false;  // a file for each, instead of one
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::vector<std::unique_ptr<FileCheck>> checks_;
  std::map<std::string, StoredTensor> tensors_;
};

// The whole tensor on the CPU: over the file's bytes when it is in one piece and aligned, else put together.
at::Tensor as_tensor(const StoredTensor& tensor);
// Copies the part `wanted` of a stored tensor.
void read_slice(const StoredTensor& tensor, const Slice& wanted, const at::Tensor& destination);

// Fills tensors, each the part that its slice says, from stored ones of their whole shapes, and of their dtypes unless they may be
// converted. Contents::exactly: the files hold nothing else. All checks come before the first copy: a refused checkpoint changes
// nothing. Throws checkpoint.mismatch.
enum class Formats { exact, converted };
enum class Contents { exactly, more };
void read_tensors(const ShardedTensors& stored, const std::vector<NamedTensor>& tensors, Contents contents,
                  Formats formats = Formats::exact);

// Compares the files that these tensors are read from with their checksums. Throws checkpoint.corrupt.
void check_files(const ShardedTensors& stored, const std::vector<NamedTensor>& tensors);

enum class Writer { alone, one_of_several };
// "adapter.safetensors" or "adapter.rank-003.safetensors".
std::string shard_file(const std::string& stem, Writer writer, int64_t rank);

}  // namespace collie
