// planMemory(configJson, specJson): what a run will take, before it starts.
#pragma once

#include <napi.h>

namespace collie::addon {

Napi::Value plan_memory_of_run(const Napi::CallbackInfo& info);

}  // namespace collie::addon
