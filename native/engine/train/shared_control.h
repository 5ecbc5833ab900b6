// What the outside asks of a run, agreed on by all its ranks: rank 0 hears it, and tells the others when all of them ask. So every
// rank takes the same turn. Every call is a message to all: the same calls in the same order on every rank.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "engine/parallel/communicator.h"
#include "engine/train/control.h"

namespace collie {

class SharedControl {
 public:
  SharedControl(Control& own, Communicator& world) : own_(own), world_(world) {}

  // All that was asked for since the last look, in one message.
  Requests look() {
    enum { stop, paused, question, save, sample, evaluate, end_epoch, learning_rate, total_steps, fields };
    std::array<double, fields> message{};
    if (world_.rank() == 0) {
      const Requests own = own_.take_requests();
      const Change change = own.change.value_or(Change{});
      message = {on(own.stop),
                 on(own.paused),
                 on(own.question),
                 on(own.save),
                 on(own.sample),
                 on(own.evaluate),
                 static_cast<double>(own.end_epoch.value_or(-1)),
                 change.learning_rate.value_or(0),
                 static_cast<double>(change.total_steps.value_or(0))};
    }
    world_.broadcast(message, 0);
    Requests asked{message[stop] != 0,
                   message[paused] != 0,
                   message[question] != 0,
                   message[save] != 0,
                   message[sample] != 0,
                   message[evaluate] != 0,
                   {},
                   {}};
    if (message[end_epoch] >= 0) asked.end_epoch = static_cast<int64_t>(message[end_epoch]);
    if (message[learning_rate] != 0) asked.change = Change{0, message[learning_rate], {}};
    if (message[total_steps] == 0) return asked;
    if (!asked.change) asked.change.emplace();
    asked.change->total_steps = static_cast<int64_t>(message[total_steps]);
    return asked;
  }

  bool stop_requested() const { return agree(own_.stop_requested()); }
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
  static double on(bool value) { return value ? 1 : 0; }

  bool agree(bool value) const {
    double shared = on(value);
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
