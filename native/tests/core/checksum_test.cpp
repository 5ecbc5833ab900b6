#include "core/base/checksum.h"

#include <doctest/doctest.h>

#include <numeric>

#include "core/formats/token_store.h"
#include "support.h"

namespace collie {
namespace {

using test::code_of;
using test::error_of;
using test::TempFolder;

std::span<const std::byte> bytes_of(const std::vector<uint8_t>& values) { return std::as_bytes(std::span(values)); }

// RFC 3720, appendix B.4.
TEST_CASE("crc32c: the vectors of the standard, in one piece and in many") {
  const std::vector<uint8_t> zeros(32, 0), ones(32, 0xff);
  std::vector<uint8_t> rising(32), falling(32);
  std::iota(rising.begin(), rising.end(), uint8_t{0});
  std::iota(falling.rbegin(), falling.rend(), uint8_t{0});
  CHECK(crc32c(bytes_of(zeros)) == 0x8a9136aa);
  CHECK(crc32c(bytes_of(ones)) == 0x62a8ab43);
  CHECK(crc32c(bytes_of(rising)) == 0x46dd794e);
  CHECK(crc32c(bytes_of(falling)) == 0x113fdb5c);
  CHECK(crc32c({}) == 0);
  for (size_t cut = 0; cut <= rising.size(); ++cut) {
    const auto all = bytes_of(rising);
    CHECK(crc32c(all.subspan(cut), crc32c(all.first(cut))) == 0x46dd794e);
  }
}

TEST_CASE("a flipped bit anywhere in a listed file or in the list is found; a folder without lists is read as it is") {
  const TempFolder folder;
  test::write_text(folder / "a.bin", "some bytes");
  test::write_text(folder / "b.bin", "");
  CHECK_FALSE(folder_problem(folder.path()));
  write_folder_checksums(folder.path());
  CHECK_FALSE(folder_problem(folder.path()));
  const std::string whole = test::read_text(folder / "a.bin");
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    test::write_text(folder / "a.bin", flipped);
    CHECK(folder_problem(folder.path()));
  }
  test::write_text(folder / "a.bin", whole + "x");
  CHECK(folder_problem(folder.path())->find("it has 11 bytes, 10 were written") != std::string::npos);
  test::write_text(folder / "a.bin", whole);
  const std::string list = test::read_text(folder / "checksums.json");
  for (size_t at = list.find("crc32c") + 10; list[at] != '"'; ++at) {
    std::string flipped = list;
    flipped[at] ^= 1;
    test::write_text(folder / "checksums.json", flipped);
    CHECK(folder_problem(folder.path()));
  }
  test::write_text(folder / "checksums.json", list.substr(0, list.size() / 2));
  CHECK(folder_problem(folder.path())->find("checksums.json is damaged") != std::string::npos);
  test::write_text(folder / "checksums.json", list);
  std::filesystem::remove(folder / "a.bin");
  CHECK(folder_problem(folder.path())->ends_with("a.bin is missing"));
}

TEST_CASE("a token store whose bytes have changed is refused by name, and one of before there were checksums is read") {
  const TempFolder folder;
  {
    TokenStoreWriter writer(folder.path(), "train");
    writer.append(std::vector<uint32_t>{1, 2, 3}, std::vector<uint8_t>{0, 1, 1});
    writer.finish();
  }
  CHECK(TokenStore::open(folder.path(), "train").tokens() == 3);
  for (const char* part : {"train.ids.u32", "train.mask.u8"}) {
    std::string text = test::read_text(folder / part);
    text[0] ^= 4;
    test::write_text(folder / part, text);
    const auto error = error_of([&] { TokenStore::open(folder.path(), "train"); });
    CHECK(error["code"] == "dataset.unreadable");
    CHECK(error["data"]["path"] == (folder / part).string());
    text[0] ^= 4;
    test::write_text(folder / part, text);
  }
  std::filesystem::remove(folder / "train.checksums.json");
  CHECK(TokenStore::open(folder.path(), "train").tokens() == 3);
}

}  // namespace
}  // namespace collie
