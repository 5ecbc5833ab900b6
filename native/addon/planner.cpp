#include "addon/planner.h"

#include "addon/values.h"
#include "core/base/json_parse.h"
#include "core/machine/devices.h"
#include "core/plan/layout_plan.h"
#include "core/plan/memory_plan.h"
#include "core/model/model_config.h"
#include "core/recipe/objectives.h"
#include "core/recipe/rules.h"
#include "core/recipe/run_spec.h"

namespace collie::addon {

namespace {

nlohmann::json parse_json(const std::string& text, const char* code, const char* name) {
  ParsedJson parsed = collie::parse_json(text);
  if (!parsed.problem.empty()) throw Error(code, std::string(name) + ": " + parsed.problem + ".");
  return std::move(parsed.value);
}

nlohmann::json memory_json(const MemoryPlan& plan) {
  return {{"weightsBytes", plan.weights},
          {"gradientsBytes", plan.gradients},
          {"optimizerBytes", plan.optimizer},
          {"activationsBytes", plan.activations + plan.scratch},
          {"totalBytes", plan.total()}};
}

nlohmann::json rank_json(const RankPlan& plan) {
  return {
      {"rank", plan.rank},
      {"stage", plan.place.stage},
      {"tpRank", plan.place.tp_rank},
      {"layers", plan.layers},
      {"memory", memory_json(plan.memory)},
      {"flopsPerToken", plan.flops_per_token},
      {"traffic", {{"tensor", plan.traffic.tensor}, {"pipeline", plan.traffic.pipeline}, {"data", plan.traffic.data}}}};
}

}  // namespace

Napi::Value plan_layout_of_run(const Napi::CallbackInfo& info) {
  const std::string config = string_argument(info, 0, "configJson"), spec = string_argument(info, 1, "specJson");
  const int64_t threads = integer_argument(info, 2, "threads");
  return guarded(info.Env(), [&] {
    nlohmann::json ranks = nlohmann::json::array();
    for (const RankPlan& plan : plan_layout(ModelConfig::parse(parse_json(config, "model.bad_config", "config.json")),
                                            RunSpec::parse(parse_json(spec, "spec.invalid", "The spec")), threads))
      ranks.push_back(rank_json(plan));
    return to_js(info.Env(), ranks);
  });
}

Napi::Value rule_refusals_of(const Napi::CallbackInfo& info) {
  const std::string spec = string_argument(info, 0, "specJson");
  return guarded(info.Env(), [&] {
    nlohmann::json issues = nlohmann::json::array();
    for (const Refusal& r : rule_refusals(parse_json(spec, "spec.invalid", "The spec")))
      issues.push_back({{"path", r.path},
                        {"code", r.code},
                        {"message", r.message},
                        {"received", r.received},
                        {"suggestion", r.fix}});
    return to_js(info.Env(), issues);
  });
}

Napi::Value tensor_parallel_sizes(const Napi::CallbackInfo& info) {
  const std::string config = string_argument(info, 0, "configJson");
  const int64_t most = integer_argument(info, 1, "most");
  return guarded(info.Env(), [&] {
    return to_js(info.Env(), tp_sizes(ModelConfig::parse(parse_json(config, "model.bad_config", "config.json")), most));
  });
}

Napi::Value plan_memory_of_run(const Napi::CallbackInfo& info) {
  const std::string config = string_argument(info, 0, "configJson"), spec = string_argument(info, 1, "specJson");
  return guarded(info.Env(), [&] {
    const MemoryPlan plan = plan_memory(ModelConfig::parse(parse_json(config, "model.bad_config", "config.json")),
                                        RunSpec::parse(parse_json(spec, "spec.invalid", "The spec")), usable_cores());
    nlohmann::json forecast = memory_json(plan);
    forecast.update({{"totalParams", plan.total_params},
                     {"trainableParams", plan.trainable_params},
                     {"adapterBytes", plan.adapter}});
    return to_js(info.Env(), forecast);
  });
}

Napi::Value objectives_of_core(const Napi::CallbackInfo& info) {
  nlohmann::json rows = nlohmann::json::array();
  for (const ObjectiveRow& row : objective_rows())
    rows.push_back({{"type", row.type}, {"documents", row.documents}, {"reference", row.reference}});
  return to_js(info.Env(), rows);
}

}  // namespace collie::addon
