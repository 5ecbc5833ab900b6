#include "addon/step_lines.h"

#include "addon/values.h"

namespace collie::addon {

namespace {

std::vector<std::string> strings_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsArray()) throw Napi::TypeError::New(info.Env(), std::string(name) + " must be an array");
  const auto list = info[index].As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t k = 0; k < list.Length(); ++k) texts.push_back(list.Get(k).ToString().Utf8Value());
  return texts;
}

}  // namespace

Napi::Function StepLinesObject::define(Napi::Env env) {
  return DefineClass(env, "StepLines",
                     {InstanceMethod<&StepLinesObject::learn>("learn"), InstanceMethod<&StepLinesObject::read>("read"),
                      InstanceAccessor<&StepLinesObject::position>("position")});
}

StepLinesObject::StepLinesObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info), lines_(std::make_unique<StepLines>(strings_argument(info, 0, "passedOver"))) {}

void StepLinesObject::learn(const Napi::CallbackInfo& info) {
  const std::vector<std::string> befores = strings_argument(info, 0, "befores");
  const Napi::Uint32Array places = uint32_argument(info, 1, "places");
  StepForm form;
  form.end = string_argument(info, 2, "end");
  if (places.ElementLength() != befores.size())
    throw Napi::TypeError::New(info.Env(), "befores and places must be of one length");
  for (size_t k = 0; k < befores.size(); ++k) form.slots.push_back({befores[k], places[k]});
  guarded(info.Env(), [&] { lines_->learn(std::move(form)); });
}

Napi::Value StepLinesObject::read(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = uint8_argument(info, 0, "bytes");
  const int64_t from = integer_argument(info, 1, "from");
  if (from < 0 || static_cast<size_t>(from) > bytes.ByteLength())
    throw Napi::RangeError::New(info.Env(), "from is outside of bytes");
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    throw Napi::TypeError::New(info.Env(), "rows must be a Float64Array");
  auto rows = info[2].As<Napi::Float64Array>();
  const auto [at, filled] = lines_->read({reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()},
                                         static_cast<size_t>(from), {rows.Data(), rows.ElementLength()});
  position_ = at;
  return Napi::Number::New(info.Env(), static_cast<double>(filled));
}

Napi::Value StepLinesObject::position(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(position_));
}

}  // namespace collie::addon
