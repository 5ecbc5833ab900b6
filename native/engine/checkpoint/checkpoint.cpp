#include "engine/checkpoint/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/sharded_tensors.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kDone = "DONE";
constexpr const char* kState = "optimizer";
constexpr int64_t kMetaVersion = 1;

// The step of a folder name as checkpoint_name() makes it.
std::optional<int64_t> step_of(const std::string& name) {
  constexpr std::string_view prefix = "step-";
  if (name.size() != prefix.size() + 8 || !name.starts_with(prefix)) return std::nullopt;
  const std::string digits = name.substr(prefix.size());
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return std::stoll(digits);
}

json to_json(const CheckpointMeta& meta) {
  return {{"v", kMetaVersion},       {"step", meta.step},        {"epoch", meta.epoch},   {"tokens", meta.tokens},
          {"seconds", meta.seconds}, {"seq", meta.seq},          {"method", meta.method}, {"optimizer", meta.optimizer},
          {"config", meta.config},   {"parallel", meta.parallel}};
}

// What a rank wrote. "checksums.json" has no rank in its name: it is there also when only one wrote.
std::string checksums_file(int64_t rank) {
  if (rank == 0) return "checksums.json";
  char name[32];
  std::snprintf(name, sizeof name, "checksums.rank-%03lld.json", static_cast<long long>(rank));
  return name;
}

[[noreturn]] void mismatch(const std::string& name, const char* what, const json& made_with, const json& wanted) {
  throw Error("checkpoint.mismatch", "Checkpoint " + name + " was made with another " + what + ".",
              "Resume with the spec and the model that the run started with.",
              {{"checkpoint", name}, {"made_with", made_with}, {"wanted", wanted}});
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  // Not the folders above: a run that was deleted while it trained is not made anew.
  fs::create_directory(folder.parent_path(), error);
  if (!error) fs::create_directory(folder, error);
  if (!error) return;
  if (error == std::errc::no_such_file_or_directory)
    throw Error("run.not_found", "The run folder " + folder.parent_path().parent_path().string() + " is gone.",
                "It was deleted or moved while the run was going.", {{"path", folder.string()}});
  const bool full = error == std::errc::no_space_on_device;
  throw Error(full ? "disk.full" : "file.unreadable", folder.string() + " cannot be made: " + error.message() + ".",
              full ? "Free some disk space, then resume the run." : "Check the permissions of the run folder.",
              {{"path", folder.string()}});
}

}  // namespace

std::string checkpoint_name(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

const char* weights_stem(const MethodSpec& method) { return has_adapter(method) ? "adapter" : "model"; }

CheckpointStore::CheckpointStore(const fs::path& run_folder) : root_(run_folder / "checkpoints") {}

std::vector<std::string> CheckpointStore::complete() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (step_of(name) && fs::exists(entry.path() / kDone, ignored)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

void CheckpointStore::remove_incomplete() const {
  std::error_code ignored;
  std::vector<fs::path> incomplete;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("step-") || !entry.is_directory(ignored)) continue;
    if (!step_of(name) || !fs::exists(entry.path() / kDone, ignored)) incomplete.push_back(entry.path());
  }
  for (const fs::path& folder : incomplete) fs::remove_all(folder, ignored);
}

SavedCheckpoint CheckpointStore::save(const CheckpointMeta& meta, const MethodSpec& method,
                                      const CheckpointTensors& own, Communicator& world) const {
  const std::string name = checkpoint_name(meta.step);
  const fs::path folder = root_ / (name + ".tmp");
  const bool leads = world.rank() == 0;
  std::error_code ignored;
  try {
    if (leads) {
      fs::remove_all(folder, ignored);
      create_folder(folder);
    }
    world.barrier();
    const Writer writer = world.size() == 1 ? Writer::alone : Writer::one_of_several;
    double bytes = 0;
    std::vector<std::string> files;
    for (const auto& [stem, tensors] : {std::pair{weights_stem(method), &own.trained}, std::pair{kState, &own.state}}) {
      if (!leads && tensors->empty()) continue;  // a file of each kind there always is
      files.push_back(shard_file(stem, writer, world.rank()));
      bytes += static_cast<double>(write_tensors(folder / files.back(), *tensors));
    }
    if (!leads && !files.empty()) write_checksums(folder, checksums_file(world.rank()), files);
    world.all_reduce(std::span(&bytes, 1));  // all have written
    if (leads) bytes += static_cast<double>(publish(folder, meta, std::move(files)));
    world.broadcast(std::span(&bytes, 1), 0);  // the checkpoint is there for all
    return {name, static_cast<int64_t>(bytes)};
  } catch (...) {
    if (leads) fs::remove_all(folder, ignored);
    throw;
  }
}

// Makes a checkpoint of a folder that all ranks have written to. Returns the bytes of meta.json.
int64_t CheckpointStore::publish(const fs::path& folder, const CheckpointMeta& meta,
                                 std::vector<std::string> files) const {
  const fs::path final_folder = root_ / checkpoint_name(meta.step);
  const std::string text = to_json(meta).dump(2) + "\n";
  write_file(folder / "meta.json", text);
  files.push_back("meta.json");
  write_checksums(folder, checksums_file(0), files);
  sync_folder(folder);
  write_file(folder / kDone, "");
  sync_folder(folder);
  fs::remove_all(final_folder);
  fs::rename(folder, final_folder);
  sync_folder(root_);
  return static_cast<int64_t>(text.size());
}

void CheckpointStore::prune(int64_t keep, int64_t step, const std::vector<std::string>& best) const {
  const std::vector<std::string> names = complete();
  std::vector<std::string> kept;
  for (const std::string& name : names)
    if (*step_of(name) <= step) kept.push_back(name);
  if (static_cast<int64_t>(kept.size()) > keep) kept.erase(kept.begin(), kept.end() - keep);
  std::error_code ignored;
  for (const std::string& name : names) {
    if (std::ranges::find(kept, name) != kept.end() || std::ranges::find(best, name) != best.end()) continue;
    fs::remove(root_ / name / kDone, ignored);  // first, so that a half-deleted folder is no checkpoint
    fs::remove_all(root_ / name, ignored);
  }
}

fs::path CheckpointStore::folder(const std::string& name) const {
  const std::vector<std::string> names = complete();
  if (std::ranges::find(names, name) != names.end()) return root_ / name;
  std::string existing;
  for (const std::string& other : names) existing += (existing.empty() ? "" : ", ") + other;
  throw Error("checkpoint.not_found", "There is no complete checkpoint " + name + " in " + root_.string() + ".",
              existing.empty() ? "This run has no checkpoint yet." : "It has " + existing + ".",
              {{"checkpoint", name}, {"existing", names}});
}

CheckpointMeta CheckpointStore::read_meta(const std::string& name) const {
  const fs::path path = folder(name) / "meta.json";
  check_file(Checksums::of_folder(path.parent_path()), path);
  try {
    const json document = read_json_file(path);
    JsonReader reader(document);
    reader.integer("v", kMetaVersion, kMetaVersion);
    CheckpointMeta meta{reader.integer("step", 0),   reader.number("epoch", 0), reader.integer("tokens", 0),
                        reader.number("seconds", 0), reader.integer("seq", 0),  reader.value("method"),
                        reader.value("optimizer"),   reader.value("config"),    {}};
    if (reader.has("parallel")) meta.parallel = reader.value("parallel");  // older ones have none
    reader.finish();
    return meta;
  } catch (const Error& error) {
    throw Error("checkpoint.truncated", "meta.json of checkpoint " + name + " cannot be used: " + error.what(),
                "Resume from another checkpoint.", {{"checkpoint", name}, {"path", path.string()}});
  }
}

void CheckpointStore::load(const std::string& name, const MethodSpec& method, const CheckpointTensors& own,
                           Contents contents) const {
  const fs::path from = folder(name);
  const ShardedTensors trained(from, weights_stem(method)), state(from, kState);
  check_files(trained, own.trained);
  check_files(state, own.state);
  read_tensors(trained, own.trained, contents);
  read_tensors(state, own.state, contents);
}

void check_matches(const CheckpointMeta& meta, const RunSpec& spec, const json& model_config, const std::string& name) {
  if (meta.method != spec.method_json) mismatch(name, "method", meta.method, spec.method_json);
  if (meta.optimizer.value("type", "") != spec.optimizer.type)
    mismatch(name, "optimizer", meta.optimizer, spec.optimizer_json);
  if (meta.config != model_config) mismatch(name, "base model", meta.config, model_config);
}

}  // namespace collie
