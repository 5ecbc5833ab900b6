#include "core/formats/token_store.h"

#include <doctest/doctest.h>

#include <numeric>

#include "support.h"

namespace collie {
namespace {

using test::TempFolder;

void write_store(const TempFolder& folder) {
  TokenStoreWriter writer(folder.path(), "train");
  const std::vector<uint32_t> first = {5, 6, 7}, second = {}, third = {4'000'000'000u};
  writer.append(first, std::vector<uint8_t>{0, 1, 1});
  writer.append(second, std::vector<uint8_t>{});
  writer.append(third, std::vector<uint8_t>{0});
  writer.finish();
}

TEST_CASE("token store: documents come back as they were") {
  const TempFolder folder;
  write_store(folder);
  CHECK(test::files_in(folder.path()) == 4);  // with their checksums
  TokenStore store = TokenStore::open(folder.path(), "train");
  REQUIRE(store.size() == 3);
  CHECK(store.tokens() == 4);
  CHECK(store.length(0) == 3);
  CHECK(store.length(1) == 0);
  const Document first = store[0];
  CHECK(std::vector<uint32_t>(first.ids.begin(), first.ids.end()) == std::vector<uint32_t>{5, 6, 7});
  CHECK(std::vector<uint8_t>(first.mask.begin(), first.mask.end()) == std::vector<uint8_t>{0, 1, 1});
  CHECK(store[2].ids[0] == 4'000'000'000u);
  TokenStore moved = std::move(store);
  CHECK(moved[2].ids.size() == 1);
}

TEST_CASE("token store: more than a write buffer, and none at all") {
  const TempFolder folder;
  std::vector<uint32_t> ids(100'000);
  std::iota(ids.begin(), ids.end(), 0u);
  TokenStoreWriter writer(folder.path(), "train");
  for (size_t length : {70'000u, 1u, 100'000u, 65'536u})
    writer.append(std::span(ids).first(length), std::vector<uint8_t>(length, 1));
  writer.finish();
  const TokenStore store = TokenStore::open(folder.path(), "train");
  CHECK(store.tokens() == 70'000 + 1 + 100'000 + 65'536);
  CHECK(store[2].ids[99'999] == 99'999);
  CHECK(store[3].ids[0] == 0);

  TokenStoreWriter(folder.path(), "eval").finish();
  CHECK(TokenStore::open(folder.path(), "eval").size() == 0);
}

TEST_CASE("token store: an unfinished store is not seen, and goes away") {
  const TempFolder folder;
  {
    TokenStoreWriter writer(folder.path(), "train");
    writer.append(std::vector<uint32_t>{1}, std::vector<uint8_t>{1});
    CHECK(test::code_of([&] { TokenStore::open(folder.path(), "train"); }) == "dataset.not_found");
  }
  CHECK(test::files_in(folder.path()) == 0);
}

TEST_CASE("token store: weights, examples of several documents and values, where there are some") {
  const TempFolder folder;
  const auto write = [&] {
    TokenStoreWriter writer(folder.path(), "train");
    const std::vector<uint32_t> ids = {5, 6};
    const std::vector<uint8_t> mask = {0, 1};
    writer.append(ids, mask, {.value = -1.5f});
    writer.append(ids, mask, {.weights = std::vector<float>{1, 0.25f}, .value = -2.f, .same_example = true});
    writer.append(ids, mask, {.value = 3.f});
    writer.finish();
  };
  write();
  CHECK(test::files_in(folder.path()) == 7);
  const auto opened = [&] { return test::code_of([&] { TokenStore::open(folder.path(), "train"); }); };
  {
    const TokenStore store = TokenStore::open(folder.path(), "train");
    CHECK(store[0].weights[1] == 1);  // written after the fact
    CHECK(store[1].weights[1] == 0.25f);
    CHECK(store[2].weights.size() == 2);
    CHECK(std::vector<uint64_t>(store.groups().begin(), store.groups().end()) == std::vector<uint64_t>{0, 2, 3});
    CHECK(std::vector<float>(store.values().begin(), store.values().end()) == std::vector<float>{-1.5f, -2.f, 3.f});
  }
  std::filesystem::remove(folder / "train.weights.f32");
  CHECK(opened() == "dataset.not_found");  // it was written: its checksum is there
  write();
  std::filesystem::remove(folder / "train.checksums.json");
  test::write_text(folder / "train.values.f32", std::string(8, 'x'));
  CHECK(opened() == "dataset.unreadable");
  write();
  write_store(folder);  // over it: nothing of it is left
  CHECK(test::files_in(folder.path()) == 4);
  CHECK(TokenStore::open(folder.path(), "train").groups().empty());

  TokenStoreWriter some(folder.path(), "eval");
  some.append(std::vector<uint32_t>{1}, std::vector<uint8_t>{0}, {.value = 1.f});
  some.append(std::vector<uint32_t>{1}, std::vector<uint8_t>{0});
  CHECK_THROWS_AS(some.finish(), std::logic_error);
}

TEST_CASE("token store: files that do not fit together") {
  const TempFolder folder;
  const auto opened = [&] { return test::code_of([&] { TokenStore::open(folder.path(), "train"); }); };
  const auto with = [&](const char* name, const std::string& content) {
    write_store(folder);
    std::filesystem::remove(folder / "train.checksums.json");  // as an older version wrote it: what is left to compare
    test::write_text(folder / name, content);
    return opened();
  };
  const auto offsets = [](std::vector<uint64_t> values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  };
  CHECK(with("train.ids.u32", std::string(12, 'x')) == "dataset.unreadable");
  CHECK(with("train.ids.u32", std::string(17, 'x')) == "dataset.unreadable");
  CHECK(with("train.mask.u8", "123") == "dataset.unreadable");
  CHECK(with("train.offsets.u64", "") == "dataset.unreadable");
  CHECK(with("train.offsets.u64", offsets({1, 4})) == "dataset.unreadable");
  CHECK(with("train.offsets.u64", offsets({0, 3, 2, 4})) == "dataset.unreadable");
  CHECK(with("train.offsets.u64", offsets({0, 5})) == "dataset.unreadable");
  CHECK(with("train.offsets.u64", offsets({0, 4})) == "none");
  std::filesystem::remove(folder / "train.mask.u8");
  CHECK(opened() == "dataset.not_found");
}

}  // namespace
}  // namespace collie
