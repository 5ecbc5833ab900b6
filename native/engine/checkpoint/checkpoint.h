// Checkpoints of a run: runs/<id>/checkpoints/step-00000100/ with the fp32 masters, the optimizer's state, meta.json and DONE. Every
// rank writes what it holds into files of its own (sharded_tensors.h); rank 0 writes meta.json and, once all are done, DONE.
// A folder without DONE is not a checkpoint. Nothing but these is needed to go on bit for bit: the data position follows from
// the step, dropout masks from seed and step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/recipe/run_spec.h"
#include "engine/checkpoint/sharded_tensors.h"
#include "engine/parallel/communicator.h"
#include "engine/peft/parameter.h"

namespace collie {

struct CheckpointMeta {
  int64_t step = 0;          // optimizer steps done
  double epoch = 0;          // epochs done, fractions included
  int64_t tokens = 0;        // forwarded so far
  double seconds = 0;        // trained so far
  int64_t seq = 0;           // next event of the rank
  nlohmann::json method;     // as in spec.json
  nlohmann::json optimizer;  // as in spec.json
  nlohmann::json config;     // config.json of the base model
  nlohmann::json parallel;   // the layout that wrote it, as in spec.json: for people, any layout can go on
};

// What one rank has of a run's weights and state.
struct CheckpointTensors {
  std::vector<NamedTensor> trained;  // weights that the method trains
  std::vector<NamedTensor> state;    // what a resume needs besides
};

struct SavedCheckpoint {
  std::string name;
  int64_t bytes = 0;
};

// "step-00000100"
std::string checkpoint_name(int64_t step);
// How weight files begin: adapter, model.
const char* weights_stem(const MethodSpec& method);

class CheckpointStore {
 public:
  explicit CheckpointStore(const std::filesystem::path& run_folder);

  // Complete checkpoints by step, oldest first.
  std::vector<std::string> complete() const;
  // Deletes folders without DONE: what a crash or a full disk left.
  void remove_incomplete() const;

  // Writes a checkpoint beside its place, then renames it. Called by all ranks of the world at once; `own` is what this one is to
  // write: together every part of every tensor at least once. Throws disk.full; then nothing of it is left once the others have ended
  // too, and other checkpoints are untouched. A complete checkpoint of the same step is replaced (it belongs to a course of the run
  // that was left).
  SavedCheckpoint save(const CheckpointMeta& meta, const MethodSpec& method, const CheckpointTensors& own,
                       Communicator& world) const;

  // Keeps the checkpoint of `step` and the newest before it, `keep` in all, and the `best`; deletes other complete ones, also later ones.
  // To be called after save().
  void prune(int64_t keep, int64_t step, const std::vector<std::string>& best = {}) const;

  // Throws checkpoint.not_found (names those that exist), checkpoint.truncated, checkpoint.corrupt (bytes that are not those that were
  // written).
  CheckpointMeta read_meta(const std::string& name) const;
  // Fills what this rank holds, whichever layout wrote it. Throws as read_meta, and checkpoint.mismatch (a tensor missing, of another
  // shape or dtype, or, when this rank holds everything, too many).
  void load(const std::string& name, const MethodSpec& method, const CheckpointTensors& own, Contents contents) const;

  // Folder of a complete checkpoint. Throws checkpoint.not_found.
  std::filesystem::path folder(const std::string& name) const;

 private:
  // `files`: what rank 0 wrote.
  int64_t publish(const std::filesystem::path& folder, const CheckpointMeta& meta,
                  std::vector<std::string> files) const;

  std::filesystem::path root_;
};

// Throws checkpoint.mismatch when a checkpoint was made by another method, optimizer or base model, and says which.
void check_matches(const CheckpointMeta& meta, const RunSpec& spec, const nlohmann::json& model_config,
                   const std::string& name);

}  // namespace collie
