// Between C++ values and JavaScript's, and from collie::Error to a thrown Error with `.collie` = ErrorInfo.
#pragma once

#include <napi.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/base/error.h"

namespace collie::addon {

// Integers beyond 2^53 lose their last digits, as JavaScript's numbers do.
Napi::Value to_js(Napi::Env env, const nlohmann::json& value);

// An Error whose property `collie` is {code, message, hint, data}.
Napi::Error to_js_error(Napi::Env env, const Error& error);

// Arguments of the right type, or a TypeError that names function and argument.
std::string string_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
Napi::Function function_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
int64_t integer_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
Napi::Uint32Array uint32_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
Napi::Float32Array float32_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
Napi::Uint8Array uint8_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
int64_t integer_property(const Napi::Object& object, const char* name);

// Runs plain C++ and turns what it throws into a JavaScript exception; others become code `internal`.
template <typename F>
auto guarded(Napi::Env env, F&& work) -> decltype(work()) {
  try {
    return std::forward<F>(work)();
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& error) {
    throw to_js_error(env, error);
  } catch (const std::exception& error) {
    throw to_js_error(env, Error("internal", error.what(), "This is a fault in Collie. The log has the details."));
  }
}

}  // namespace collie::addon
