// The rule book: which settings of a spec do not go together. The same rules as in the form and on the command line, with the same path,
// code and words: rules.inc is made from electron/shared/spec/rules.ts by `npm run docs:spec`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace collie {

struct Refusal {
  std::string path, code, message, fix;
  nlohmann::json received = {};
};

// Everything in a spec that the rules refuse. Settings that are not there break no rule.
std::vector<Refusal> rule_refusals(const nlohmann::json& spec);

// Throws spec.invalid with all of them as issues; without any it returns.
void throw_refusals(const std::vector<Refusal>& refusals);

}  // namespace collie
