// GGUF conversion off the main thread, as a promise.
#pragma once

#include <napi.h>

namespace collie::addon {

// ggufConvert(path, outDir, onProgress): Promise<void>. onProgress gets the share done; when it returns false the
// conversion ends and the promise rejects with job.cancelled.
Napi::Value gguf_convert_async(const Napi::CallbackInfo& info);

}  // namespace collie::addon
