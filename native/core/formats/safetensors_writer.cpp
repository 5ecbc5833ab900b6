#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/formats/safetensors.h"

namespace collie {

namespace {

struct Slot {
  uint64_t offset = 0;  // in the file
  uint64_t bytes = 0;
  uint64_t written = 0;
};

}  // namespace

struct SafetensorsWriter::Impl {
  OutputFile file;
  std::map<std::string, Slot> slots;
  uint64_t size_bytes = 0;

  Slot& slot(const std::string& name) {
    const auto found = slots.find(name);
    if (found == slots.end()) throw std::logic_error("SafetensorsWriter: tensor " + name + " was not declared");
    return found->second;
  }
};

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : impl_(new Impl{OutputFile(path), {}, 0}) {
  // Wide elements first, so that every tensor is aligned to its element size.
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return dtype_bytes(a.dtype) > dtype_bytes(b.dtype);
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t data_bytes = 0;
  for (const TensorSpec& tensor : tensors) {
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const int64_t dim : tensor.shape) bytes *= static_cast<uint64_t>(dim);
    if (!impl_->slots.emplace(tensor.name, Slot{data_bytes, bytes, 0}).second)
      throw std::logic_error("SafetensorsWriter: tensor " + tensor.name + " declared twice");
    header[tensor.name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {data_bytes, data_bytes + bytes}}};
    data_bytes += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // keeps the data aligned

  const uint64_t length = text.size();
  for (auto& [name, slot] : impl_->slots) slot.offset += sizeof(length) + length;
  impl_->size_bytes = sizeof(length) + length + data_bytes;
  impl_->file.reserve(impl_->size_bytes);
  impl_->file.append(std::as_bytes(std::span(&length, 1)));
  impl_->file.append(text);
}

SafetensorsWriter::~SafetensorsWriter() = default;
SafetensorsWriter::SafetensorsWriter(SafetensorsWriter&&) noexcept = default;

void SafetensorsWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  const Slot& slot = impl_->slot(name);
  if (slot.written != 0 || bytes.size() != slot.bytes)
    throw std::logic_error("SafetensorsWriter: " + std::to_string(bytes.size()) + " bytes for tensor " + name + " of " +
                           std::to_string(slot.bytes));
  write_part(name, bytes);
}

void SafetensorsWriter::write_part(const std::string& name, std::span<const std::byte> bytes) {
  Slot& slot = impl_->slot(name);
  if (bytes.size() > slot.bytes - slot.written)
    throw std::logic_error("SafetensorsWriter: too many bytes for tensor " + name);
  impl_->file.write_at(slot.offset + slot.written, bytes);
  slot.written += bytes.size();
}

void SafetensorsWriter::finish() {
  for (const auto& [name, slot] : impl_->slots)
    if (slot.written != slot.bytes) throw std::logic_error("SafetensorsWriter: tensor " + name + " is not whole");
  impl_->file.commit();
}

uint64_t SafetensorsWriter::size_bytes() const { return impl_->size_bytes; }

}  // namespace collie
