// Errors that reach the user. Codes are the closed set of electron/shared/errors.ts; message names the thing and
// the value, hint says what to do next. Programmer errors are asserts, never collie::Error.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace collie {

class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message, std::string hint = "",
        nlohmann::json data = nlohmann::json::object())
      : std::runtime_error(message), code_(std::move(code)), hint_(std::move(hint)), data_(std::move(data)) {}

  const std::string& code() const { return code_; }
  const std::string& hint() const { return hint_; }
  const nlohmann::json& data() const { return data_; }

  // {code, message, hint, data}: the ErrorInfo of the API and of events.
  nlohmann::json to_json() const { return {{"code", code_}, {"message", what()}, {"hint", hint_}, {"data", data_}}; }

 private:
  std::string code_;
  std::string hint_;
  nlohmann::json data_;
};

}  // namespace collie
