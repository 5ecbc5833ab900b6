// Questions to the model while it trains: answered by the weights as they are between two steps. The training is not touched by them: they have
// a key-value cache of their own, which is given back after each answer, and no random number of the training.
#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/train/session.h"
#include "engine/train/shared_control.h"

namespace collie {

class LiveAnswers {
 public:
  // Answers go to <run>/answers/<id>.jsonl: {"token"} for each token as soon as it is known, then {"finish", "seconds", "step"} or
  // {"error"}. Who asked makes the file and removes it; one that cannot be written any more (a full disk) is removed here, which tells who
  // asked, as are those that a crash left. All ranks must do the same.
  LiveAnswers(Session& session, const std::filesystem::path& run_folder);

  // What is wrong with the question, or fails while it is answered (no memory), goes into the answer: it never ends the run.
  // How long question and answer may be is the host's to say. request: {"adapter": whether the trained adapter takes part, ...} and the keys of generation_request.h.
  void answer(const Question& question, const SharedControl& control, int64_t step);

 private:
  Finish generate(const Question& question, const SharedControl& control, const std::function<void(int32_t)>& on_token);

  Session& session_;
  std::filesystem::path folder_;
};

}  // namespace collie
