// The class behind stepLines(passedOver): lines of steps in bytes of an events file, as rows of numbers.
#pragma once

#include <napi.h>

#include <memory>

#include "core/formats/step_lines.h"

namespace collie::addon {

// {learn(befores: string[], places: Uint32Array, end: string), read(bytes: Uint8Array, from: number, rows: Float64Array): number, position: number}
class StepLinesObject : public Napi::ObjectWrap<StepLinesObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit StepLinesObject(const Napi::CallbackInfo& info);

 private:
  void learn(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value position(const Napi::CallbackInfo& info);

  std::unique_ptr<StepLines> lines_;
  size_t position_ = 0;
};

}  // namespace collie::addon
