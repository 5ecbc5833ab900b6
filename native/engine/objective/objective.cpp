#include "engine/objective/objective.h"

#include <stdexcept>

namespace collie {

std::unique_ptr<Objective> make_objective(const std::string& type) {
  const ObjectiveMaker* maker = ObjectiveRegistration::find(objective_row(type).type);
  if (!maker) throw std::logic_error("objective " + type + " has a row but no computation");
  return (*maker)();
}

}  // namespace collie
