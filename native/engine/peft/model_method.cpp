#include "engine/peft/model_method.h"

namespace collie {
namespace {

// Made on first use: registrations run before main() in any order.
std::map<std::string, ModelMethodMaker>& makers() {
  static std::map<std::string, ModelMethodMaker> known;
  return known;
}

}  // namespace

ModelMethodRegistration::ModelMethodRegistration(const char* type, ModelMethodMaker maker) { makers()[type] = maker; }

std::unique_ptr<ModelMethod> make_model_method(const MethodSpec& method, const std::vector<LinearAdapter*>& adapters) {
  const auto maker = makers().find(method.type);
  return maker == makers().end() ? nullptr : maker->second(method, adapters);
}

}  // namespace collie
