// What the outside asks of a run, agreed on by all its ranks: rank 0 hears it, and tells the others when all of them ask. So every
// rank takes the same turn. Every call is a message to all: the same calls in the same order on every rank.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/parallel/communicator.h"
#include "engine/train/control.h"

namespace collie {

class SharedControl {
 public:
  SharedControl(Control& own, Communicator& world) : own_(own), world_(world) {}

  bool stop_requested() const { return agree(own_.stop_requested()); }
  bool take_save() { return agree(own_.take_save()); }
  bool take_sample() { return agree(own_.take_sample()); }
  bool paused() const { return agree(own_.paused()); }
  // What rank 0 was asked, on every rank.
  std::optional<Question> take_question() {
    std::optional<Question> question = world_.rank() == 0 ? own_.take_question() : std::nullopt;
    if (!agree(question.has_value())) return std::nullopt;
    if (!question) question.emplace();
    share(question->id);
    share(question->request);
    return question;
  }
  bool answer_cancelled() const { return agree(own_.answer_cancelled() || own_.stop_requested()); }
  // Rank 0 wants no more of the answer under way; all hear of it when they next ask.
  void cancel_answer() const {
    if (world_.rank() == 0) own_.cancel_answer();
  }
  // What the host says of an evaluated set: on rank 0, which asks for all. Nothing on the others.
  std::optional<Scores> wait_scores(const std::string& set, int64_t step) {
    return world_.rank() == 0 ? own_.wait_scores(set, step) : std::nullopt;
  }

 private:
  bool agree(bool value) const {
    double shared = value ? 1 : 0;
    world_.broadcast(std::span(&shared, 1), 0);
    return shared != 0;
  }

  // A text of rank 0.
  void share(std::string& text) const {
    if (world_.size() == 1) return;
    double length = static_cast<double>(text.size());
    world_.broadcast(std::span(&length, 1), 0);
    std::vector<double> letters(text.begin(), text.end());
    letters.resize(static_cast<size_t>(length));
    world_.broadcast(std::span(letters), 0);
    text.assign(letters.begin(), letters.end());
  }

  Control& own_;
  Communicator& world_;
};

}  // namespace collie
