// What a run will take, before it starts: planMemory(configJson, specJson) on one rank, planLayout(configJson, specJson, threads) for
// every rank of its layout; tensorParallelSizes(configJson, most): the degrees that the model's heads allow; ruleRefusals(specJson): what of a
// spec does not go together; objectives(): their rows.
#pragma once

#include <napi.h>

namespace collie::addon {

Napi::Value plan_memory_of_run(const Napi::CallbackInfo& info);
Napi::Value plan_layout_of_run(const Napi::CallbackInfo& info);
Napi::Value rule_refusals_of(const Napi::CallbackInfo& info);
Napi::Value objectives_of_core(const Napi::CallbackInfo& info);
Napi::Value tensor_parallel_sizes(const Napi::CallbackInfo& info);

}  // namespace collie::addon
