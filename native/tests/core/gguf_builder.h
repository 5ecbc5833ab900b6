// GGUF files made byte by byte, right or wrong in any place.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace collie::test {

class Bytes {
 public:
  template <typename T>
  Bytes& put(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  Bytes& put_string(const std::string& value) {
    put<uint64_t>(value.size());
    text_ += value;
    return *this;
  }
  Bytes& put_raw(const std::string& value) {
    text_ += value;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A file of version 3 with correct counts, unless told otherwise.
class GgufBuilder {
 public:
  uint32_t magic = 0x46554747, version = 3;
  uint64_t extra_tensors = 0, extra_keys = 0;  // claimed, but not there
  uint64_t alignment = 32;

  GgufBuilder& key(const std::string& name, uint32_t type, const std::string& value) {
    keys_.put_string(name).put<uint32_t>(type).put_raw(value);
    ++n_keys_;
    return *this;
  }
  GgufBuilder& text(const std::string& name, const std::string& value) {
    return key(name, 8, Bytes().put_string(value).text());
  }
  GgufBuilder& number(const std::string& name, uint32_t value) { return key(name, 4, Bytes().put(value).text()); }
  GgufBuilder& real(const std::string& name, float value) { return key(name, 6, Bytes().put(value).text()); }

  // `dims` in the order of the file (fastest first). The offset is the next free place, unless given.
  GgufBuilder& tensor(const std::string& name, const std::vector<uint64_t>& dims, uint32_t type,
                      const std::string& data, int64_t offset = -1) {
    tensors_.put_string(name).put<uint32_t>(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) tensors_.put(dim);
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    tensors_.put(type).put<uint64_t>(offset < 0 ? data_.size() : static_cast<uint64_t>(offset));
    data_ += data;
    ++n_tensors_;
    return *this;
  }
  GgufBuilder& floats(const std::string& name, const std::vector<uint64_t>& dims, const std::vector<float>& values) {
    return tensor(name, dims, 0, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  std::string build() const {
    Bytes file;
    file.put(magic).put(version).put<uint64_t>(n_tensors_ + extra_tensors).put<uint64_t>(n_keys_ + extra_keys);
    file.put_raw(keys_.text()).put_raw(tensors_.text());
    std::string text = file.text();
    text.resize((text.size() + alignment - 1) / alignment * alignment);
    return text + data_;
  }

 private:
  Bytes keys_, tensors_;
  std::string data_;
  uint64_t n_keys_ = 0, n_tensors_ = 0;
};

}  // namespace collie::test
