#include "engine/peft/model_method.h"

namespace collie {

std::unique_ptr<ModelMethod> make_model_method(const MethodSpec& method, const std::vector<LinearAdapter*>& adapters) {
  const ModelMethodMaker* maker = ModelMethodRegistration::find(method.type);
  return maker ? (*maker)(method, adapters) : nullptr;
}

}  // namespace collie
