#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "engine/checkpoint/checkpoint.h"

using namespace collie;
namespace fs = std::filesystem;

namespace {

class TemporaryRun {
 public:
  TemporaryRun()
      : path_(fs::temp_directory_path() / ("collie-checkpoint-" + std::to_string(::getpid()) + "-" +
                                           std::to_string(reinterpret_cast<uintptr_t>(this)))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TemporaryRun() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const MethodSpec kLora{"lora"}, kFull{"full"};

std::vector<NamedTensor> weights(double value, std::vector<int64_t> shape = {2, 3}) {
  return {{"layer.lora_A.weight", at::full(shape, value, at::kFloat)}};
}

std::vector<NamedTensor> state(double value, std::vector<int64_t> shape = {2, 3}) {
  return {{"layer.lora_A.weight.m", at::full(shape, value, at::kFloat)}};
}

CheckpointMeta meta(int64_t step) {
  CheckpointMeta meta;
  meta.step = step;
  meta.epoch = 0.25;
  meta.tokens = 1234;
  meta.seconds = 1.5;
  meta.seq = 17;
  meta.method = {{"type", "lora"}};
  meta.optimizer = {{"type", "adamw"}};
  meta.config = {{"hidden_size", 4}};
  return meta;
}

std::string save(const CheckpointStore& store, int64_t step) {
  return store.save(meta(step), kLora, {weights(static_cast<double>(step)), state(0.5)}, *single_rank()).name;
}

void load(const CheckpointStore& store, const std::string& name, std::vector<int64_t> shape = {2, 3}) {
  auto into = weights(0, shape);
  store.load(name, kLora, {into, state(0, shape)}, Contents::exactly);
}

std::string code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  const SavedCheckpoint saved = store.save(meta(100), kLora, {weights(1.25), state(-3)}, *single_rank());
  CHECK(saved.name == "step-00000100");
  CHECK(saved.bytes > 0);
  for (const char* file : {"adapter.safetensors", "optimizer.safetensors", "meta.json", "DONE"})
    CHECK(fs::exists(run.path() / "checkpoints" / saved.name / file));
  CHECK(store.complete() == std::vector<std::string>{"step-00000100"});
  auto into = weights(0);
  auto moments = state(0);
  store.load(saved.name, kLora, {into, moments}, Contents::exactly);
  CHECK(at::equal(into[0].tensor, weights(1.25)[0].tensor));
  CHECK(at::equal(moments[0].tensor, state(-3)[0].tensor));
  const CheckpointMeta read = store.read_meta(saved.name);
  CHECK(read.step == 100);
  CHECK(read.epoch == 0.25);
  CHECK(read.tokens == 1234);
  CHECK(read.seconds == 1.5);
  CHECK(read.seq == 17);
  CHECK(read.config == meta(100).config);
}

TEST_CASE("without DONE it is no checkpoint, and is removed at the next start") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  const std::string torn = save(store, 2);
  save(store, 1);
  fs::remove(run.path() / "checkpoints" / torn / "DONE");
  fs::create_directories(run.path() / "checkpoints" / "step-00000003.tmp");
  CHECK(store.complete() == std::vector<std::string>{"step-00000001"});
  CHECK(code_of([&] { load(store, torn); }) == "checkpoint.not_found");
  store.remove_incomplete();
  CHECK_FALSE(fs::exists(run.path() / "checkpoints" / torn));
  CHECK_FALSE(fs::exists(run.path() / "checkpoints" / "step-00000003.tmp"));
  CHECK(fs::exists(run.path() / "checkpoints" / "step-00000001"));
}

TEST_CASE("keep counts the newest, and what lies beyond the current step is dropped") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  for (const int64_t step : {1, 2, 3, 9}) save(store, step);
  store.prune(2, 3);  // 9 belongs to a course of the run that was left when step 1 was resumed
  CHECK(store.complete() == std::vector<std::string>{"step-00000002", "step-00000003"});
  store.prune(1, 3);
  CHECK(store.complete() == std::vector<std::string>{"step-00000003"});
}

TEST_CASE("a truncated file, another shape, too many tensors and a missing file each have their error") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  const std::string name = save(store, 4);
  const fs::path folder = run.path() / "checkpoints" / name;
  CHECK(code_of([&] { load(store, name, {3, 2}); }) == "checkpoint.mismatch");
  CHECK(code_of([&] {
          auto into = weights(0);
          into[0].name = "another.weight";
          store.load(name, kLora, {into, state(0)}, Contents::exactly);
        }) == "checkpoint.mismatch");
  CHECK(code_of([&] { store.load(name, kLora, {{}, state(0)}, Contents::exactly); }) == "checkpoint.mismatch");
  CHECK(code_of([&] {
          auto into = weights(0);
          store.load(name, kFull, {into, state(0)}, Contents::exactly);
        }) == "checkpoint.not_found");
  fs::resize_file(folder / "adapter.safetensors", fs::file_size(folder / "adapter.safetensors") - 1);
  CHECK(code_of([&] { load(store, name); }) == "checkpoint.truncated");
  std::ofstream(folder / "meta.json") << "{\"v\": 1, \"step\":";
  CHECK(code_of([&] { store.read_meta(name); }) == "checkpoint.corrupt");
  fs::remove(folder / "checksums.json");  // as an older version wrote it
  CHECK(code_of([&] { store.read_meta(name); }) == "checkpoint.truncated");
  CHECK(code_of([&] { store.read_meta("step-00000099"); }) == "checkpoint.not_found");
}

TEST_CASE("a flipped bit anywhere in a checkpoint is found when it is read, before anything of it is taken") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  const std::string name = save(store, 4);
  int64_t corrupt = 0;
  for (const char* file : {"adapter.safetensors", "optimizer.safetensors", "meta.json"}) {
    const fs::path path = run.path() / "checkpoints" / name / file;
    const auto size = static_cast<std::streamoff>(fs::file_size(path));
    for (std::streamoff bit = 0; bit < size * 8; bit += 5) {
      const auto flip = [&] {
        std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekg(bit / 8);
        const char byte = static_cast<char>(stream.get() ^ (1 << (bit % 8)));
        stream.seekp(bit / 8).put(byte);
      };
      flip();
      auto into = weights(7);
      auto moments = state(7);
      const std::string code = code_of([&] {
        store.read_meta(name);
        store.load(name, kLora, {into, moments}, Contents::exactly);
      });
      CHECK(code.starts_with("checkpoint."));
      corrupt += code == "checkpoint.corrupt" ? 1 : 0;
      CHECK(at::equal(into[0].tensor, weights(7)[0].tensor));
      flip();
    }
  }
  CHECK(corrupt > 100);
  load(store, name);
  fs::remove(run.path() / "checkpoints" / name / "checksums.json");
  load(store, name);
}

TEST_CASE("a refused checkpoint changes nothing") {
  const TemporaryRun run;
  const CheckpointStore store(run.path());
  const std::string name = save(store, 4);
  auto into = weights(7);
  into.push_back({"extra.weight", at::full({1}, 7, at::kFloat)});
  CHECK(code_of([&] { store.load(name, kLora, {into, state(0)}, Contents::exactly); }) == "checkpoint.mismatch");
  CHECK(at::equal(into[0].tensor, weights(7)[0].tensor));
}

TEST_CASE("a checkpoint of another method, optimizer or model is refused by name") {
  RunSpec spec;
  spec.method_json = {{"type", "lora"}};
  spec.optimizer.type = "adamw";
  const CheckpointMeta own = meta(1);
  CHECK_NOTHROW(check_matches(own, spec, own.config, "step-00000001"));
  CHECK_THROWS_WITH_AS(check_matches(own, spec, {{"hidden_size", 8}}, "step-00000001"), doctest::Contains("base model"),
                       Error);
  spec.method_json = {{"type", "full"}};
  CHECK_THROWS_WITH_AS(check_matches(own, spec, own.config, "step-00000001"), doctest::Contains("method"), Error);
}
