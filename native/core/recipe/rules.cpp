#include "core/recipe/rules.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>

#include "core/base/error.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr const char* kRules =
#include "core/recipe/rules.inc"
    ;

const json& rules() {
  static const json parsed = json::parse(kRules);
  return parsed;
}

// The value of a setting by its dotted path; null where there is none, or none that rules look at.
json at(const json& spec, const std::string& path) {
  const json* value = &spec;
  std::stringstream keys(path);
  for (std::string key; std::getline(keys, key, '.');) {
    if (!value->is_object() || !value->contains(key)) return {};
    value = &(*value)[key];
  }
  return value->is_structured() ? json() : *value;
}

json operand(const json& spec, const std::string& text) {
  if (text.find_first_not_of("0123456789.") == std::string::npos) return std::stod(text);
  return at(spec, text);
}

double apply(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "*") return a * b;
  if (op == "up_to") return std::ceil(a / b) * b;
  throw std::logic_error("the rule book has an operator " + op);
}

// A setting, a number, or several of them with operators between, from left to right; null where a setting is not there.
json evaluate(const json& spec, const std::string& expression) {
  std::stringstream words(expression);
  std::string word, op;
  words >> word;
  json value = operand(spec, word);
  while (words >> op >> word) {
    const json other = operand(spec, word);
    if (!value.is_number() || !other.is_number()) return {};
    value = apply(op, value.get<double>(), other.get<double>());
  }
  return value;
}

bool equal(const json& a, const json& b) {
  return a.is_number() && b.is_number() ? a.get<double>() == b.get<double>() : a == b;
}

bool holds(const json& spec, const json& condition) {
  const json value = evaluate(spec, condition.at("value").get<std::string>());
  if (value.is_null()) return false;
  if (condition.contains("is")) return equal(value, condition["is"]);
  if (condition.contains("not")) return !equal(value, condition["not"]);
  if (condition.contains("one_of")) return std::ranges::find(condition["one_of"], value) != condition["one_of"].end();
  for (const char* kind : {"above", "from", "no_multiple_of"}) {
    if (!condition.contains(kind)) continue;
    const json& bound = condition[kind];
    const json other = bound.is_string() ? evaluate(spec, bound.get<std::string>()) : bound;
    if (!value.is_number() || !other.is_number()) return false;
    const double a = value.get<double>(), b = other.get<double>();
    if (std::string(kind) == "above") return a > b;
    return std::string(kind) == "from" ? a >= b : std::fmod(a, b) != 0;
  }
  throw std::logic_error("the rule book has a condition that is none: " + condition.dump());
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() && value.get<double>() == std::floor(value.get<double>()))
    return std::to_string(static_cast<int64_t>(value.get<double>()));
  return value.dump();
}

std::string filled(const json& spec, const std::string& text) {
  std::string result;
  for (size_t begin = 0; begin < text.size();) {
    const size_t open = text.find('{', begin);
    result += text.substr(begin, open - begin);
    if (open == std::string::npos) break;
    const size_t close = text.find('}', open);
    result += text_of(evaluate(spec, text.substr(open + 1, close - open - 1)));
    begin = close + 1;
  }
  return result;
}

}  // namespace

std::vector<Refusal> rule_refusals(const json& spec) {
  std::vector<Refusal> refusals;
  for (const json& rule : rules()) {
    if (!std::ranges::all_of(rule.at("when"), [&](const json& condition) { return holds(spec, condition); })) continue;
    const std::string path = rule.at("path");
    refusals.push_back(
        {path, rule.at("code"), filled(spec, rule.at("message")), filled(spec, rule.at("fix")), at(spec, path)});
  }
  return refusals;
}

void throw_refusals(const std::vector<Refusal>& refusals) {
  if (refusals.empty()) return;
  json issues = json::array();
  for (const Refusal& r : refusals)
    issues.push_back(
        {{"path", r.path}, {"code", r.code}, {"message", r.message}, {"received", r.received}, {"suggestion", r.fix}});
  throw Error("spec.invalid", refusals[0].path + ": " + refusals[0].message, refusals[0].fix, {{"issues", issues}});
}

}  // namespace collie
