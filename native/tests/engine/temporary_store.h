// A token store on disk for the time of a test.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/formats/token_store.h"

namespace collie::test {

struct Row {
  std::vector<uint32_t> ids;
  std::vector<uint8_t> mask;
  std::vector<float> weights = {};
};

class TemporaryStore {
 public:
  explicit TemporaryStore(const std::vector<Row>& rows)
      : path_(std::filesystem::temp_directory_path() / ("collie-loader-" + std::to_string(::getpid()) + "-" +
                                                        std::to_string(reinterpret_cast<uintptr_t>(this)))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    TokenStoreWriter writer(path_, "train");
    for (const Row& row : rows) writer.append(row.ids, row.mask, {.weights = row.weights});
    writer.finish();
    store_ = std::make_unique<TokenStore>(TokenStore::open(path_, "train"));
  }
  ~TemporaryStore() { std::filesystem::remove_all(path_); }
  const TokenStore& operator*() const { return *store_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<TokenStore> store_;
};

}  // namespace collie::test
