#include "addon/planner.h"

#include "addon/values.h"
#include "core/devices.h"
#include "core/memory_plan.h"
#include "core/model_config.h"
#include "core/run_spec.h"

namespace collie::addon {

namespace {

nlohmann::json parse_json(const std::string& text, const char* code, const char* name) {
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) throw Error(code, std::string(name) + " is not JSON.");
  return value;
}

}  // namespace

Napi::Value plan_memory_of_run(const Napi::CallbackInfo& info) {
  const std::string config = string_argument(info, 0, "configJson"), spec = string_argument(info, 1, "specJson");
  return guarded(info.Env(), [&] {
    const MemoryPlan plan = plan_memory(ModelConfig::parse(parse_json(config, "model.bad_config", "config.json")),
                                        RunSpec::parse(parse_json(spec, "spec.invalid", "The spec")), usable_cores());
    return to_js(info.Env(), {{"weightsBytes", plan.weights},
                              {"gradientsBytes", plan.gradients},
                              {"optimizerBytes", plan.optimizer},
                              {"activationsBytes", plan.activations + plan.scratch},
                              {"totalBytes", plan.total()},
                              {"totalParams", plan.total_params},
                              {"trainableParams", plan.trainable_params},
                              {"adapterBytes", plan.adapter}});
  });
}

}  // namespace collie::addon
