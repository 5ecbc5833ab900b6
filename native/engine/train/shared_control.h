// What the outside asks of a run, agreed on by all its ranks: rank 0 hears it, and tells the others when all of them ask. So every
// rank takes the same turn. Every call is a message to all: the same calls in the same order on every rank.
#pragma once

#include "engine/parallel/communicator.h"
#include "engine/train/control.h"

namespace collie {

class SharedControl {
 public:
  SharedControl(Control& own, Communicator& world) : own_(own), world_(world) {}

  bool stop_requested() const { return agree(own_.stop_requested()); }
  bool take_save() { return agree(own_.take_save()); }
  bool take_sample() { return agree(own_.take_sample()); }
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

  Control& own_;
  Communicator& world_;
};

}  // namespace collie
