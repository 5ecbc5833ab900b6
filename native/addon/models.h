// Model files: ggufInfo(path), modelSummary(folder).
#pragma once

#include <napi.h>

namespace collie::addon {

Napi::Value gguf_info(const Napi::CallbackInfo& info);
Napi::Value model_summary(const Napi::CallbackInfo& info);

}  // namespace collie::addon
