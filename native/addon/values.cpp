#include "addon/values.h"

#include <cmath>

namespace collie::addon {

using nlohmann::json;

Napi::Value to_js(Napi::Env env, const json& value) {
  switch (value.type()) {
    case json::value_t::null:
    case json::value_t::discarded:
    case json::value_t::binary:
      return env.Null();
    case json::value_t::boolean:
      return Napi::Boolean::New(env, value.get<bool>());
    case json::value_t::string:
      return Napi::String::New(env, value.get_ref<const std::string&>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return Napi::Number::New(env, value.get<double>());
    case json::value_t::array: {
      Napi::Array array = Napi::Array::New(env, value.size());
      uint32_t index = 0;
      for (const json& item : value) {
        const Napi::HandleScope scope(env);  // a vocabulary has a hundred thousand of them
        array[index++] = to_js(env, item);
      }
      return array;
    }
    case json::value_t::object:
      break;
  }
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [key, item] : value.items()) object[key] = to_js(env, item);
  return object;
}

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  Napi::Error thrown = Napi::Error::New(env, error.what());
  thrown.Set("collie", to_js(env, error.to_json()));
  return thrown;
}

namespace {

[[noreturn]] void fail_argument(const Napi::CallbackInfo& info, const char* name, const char* expected) {
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be " + expected);
}

template <typename T>
T typed_array_argument(const Napi::CallbackInfo& info, size_t index, const char* name, napi_typedarray_type type,
                       const char* expected) {
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != type)
    fail_argument(info, name, expected);
  return info[index].As<T>();
}

}  // namespace

std::string string_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsString()) fail_argument(info, name, "a string");
  return info[index].As<Napi::String>();
}

Napi::Function function_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsFunction()) fail_argument(info, name, "a function");
  return info[index].As<Napi::Function>();
}

int64_t integer_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : std::nan("");
  if (std::floor(value) != value || std::abs(value) > 0x1p53) fail_argument(info, name, "a whole number");
  return static_cast<int64_t>(value);
}

Napi::Uint32Array uint32_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return typed_array_argument<Napi::Uint32Array>(info, index, name, napi_uint32_array, "a Uint32Array");
}

Napi::Float32Array float32_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return typed_array_argument<Napi::Float32Array>(info, index, name, napi_float32_array, "a Float32Array");
}

Napi::Uint8Array uint8_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return typed_array_argument<Napi::Uint8Array>(info, index, name, napi_uint8_array, "a Uint8Array");
}

int64_t integer_property(const Napi::Object& object, const char* name) {
  const Napi::Value found = object.Get(name);
  const double value = found.IsNumber() ? found.As<Napi::Number>().DoubleValue() : std::nan("");
  if (std::floor(value) != value || std::abs(value) > 0x1p53)
    throw Napi::TypeError::New(object.Env(), std::string(name) + " must be a whole number");
  return static_cast<int64_t>(value);
}

}  // namespace collie::addon
