#include "engine/objective/objective.h"

#include <map>
#include <stdexcept>

namespace collie {

namespace {

std::map<std::string, ObjectiveMaker>& makers() {
  static std::map<std::string, ObjectiveMaker> known;
  return known;
}

}  // namespace

RegisterObjective::RegisterObjective(const char* type, ObjectiveMaker make) {
  if (!makers().emplace(type, make).second) throw std::logic_error("two objectives are called " + std::string(type));
}

std::unique_ptr<Objective> make_objective(const std::string& type) {
  const auto maker = makers().find(objective_row(type).type);
  if (maker == makers().end()) throw std::logic_error("objective " + type + " has a row but no computation");
  return maker->second();
}

}  // namespace collie
