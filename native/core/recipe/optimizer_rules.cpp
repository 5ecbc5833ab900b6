#include "core/recipe/optimizer_rules.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "core/base/error.h"
#include "core/recipe/optimizer_sizes.h"

namespace collie {

namespace {

constexpr double kSmallest = std::numeric_limits<double>::denorm_min();  // "positive" in the schema
constexpr int64_t kFloat = 4;

HyperField number(const char* name, double min, double max) { return {name, FieldKind::number, min, max, {}}; }
HyperField integer(const char* name, double min, double max) { return {name, FieldKind::integer, min, max, {}}; }
HyperField flag(const char* name) { return {name, FieldKind::boolean, 0, 0, {}}; }
HyperField choice(const char* name, std::vector<std::string> choices) {
  return {name, FieldKind::choice, 0, 0, std::move(choices)};
}

const HyperField kBeta1 = number("beta1", 0, 0.9999), kBeta2 = number("beta2", 0, 0.99999),
                 kEps = number("eps", kSmallest, 1), kDecay = number("weight_decay", 0, 1);

// `floats` values of fp32 an element.
template <int64_t floats>
int64_t floats_each(const TrainableTensor& tensor, const Hyper&) {
  return floats * kFloat * tensor.elements();
}

int64_t no_state(const TrainableTensor&, const Hyper&) { return 0; }

int64_t momentum_bytes(const TrainableTensor& tensor, const Hyper& hyper) {
  return hyper.number("momentum") > 0 ? kFloat * tensor.elements() : 0;
}

// Second moments as a mean a row and a mean a column; vectors have them in full.
int64_t factored_state(const TrainableTensor& tensor, const Hyper&) {
  const bool matrix = tensor.shape.size() == 2;
  return kFloat * (matrix ? tensor.shape[0] + tensor.shape[1] : tensor.elements());
}

// A group of rows of the update, and a value a column.
int64_t factored_workspace(const TrainableTensor& tensor, const Hyper&) {
  const bool matrix = tensor.shape.size() == 2;
  const int64_t rows = matrix ? tensor.shape[0] : 1, cols = matrix ? tensor.shape[1] : tensor.elements();
  return kFloat * (chunk_rows(rows, cols) + 1) * cols;
}

bool is_hidden_matrix(const TrainableTensor& tensor) {
  return tensor.kind == ParameterKind::matrix && tensor.shape.size() == 2;
}

// Momentum of matrices, AdamW's moments of the rest.
int64_t muon_state(const TrainableTensor& tensor, const Hyper&) {
  return (is_hidden_matrix(tensor) ? 1 : 2) * kFloat * tensor.elements();
}

// The matrix twice, and two products with itself.
int64_t muon_workspace(const TrainableTensor& tensor, const Hyper&) {
  if (!is_hidden_matrix(tensor)) return 0;
  const int64_t small = std::min(tensor.shape[0], tensor.shape[1]);
  return kFloat * 2 * (tensor.elements() + small * small);
}

// A byte a value and a scale a block, twice; small tensors as AdamW.
int64_t adamw8bit_state(const TrainableTensor& tensor, const Hyper&) {
  const int64_t n = tensor.elements();
  return n < kSmallest8bit ? 2 * kFloat * n : 2 * (n + kFloat * ((n + k8bitBlock - 1) / k8bitBlock));
}

// Both moments, a temporary and codes of the blocks that are worked on at once.
int64_t adamw8bit_workspace(const TrainableTensor& tensor, const Hyper&) {
  const int64_t n = tensor.elements();
  return n < kSmallest8bit ? 0 : 4 * kFloat * k8bitBlock * std::min(k8bitBlocksAtOnce, n / k8bitBlock);
}

bool is_projected(const TrainableTensor& tensor, const Hyper& hyper) {
  return is_hidden_matrix(tensor) && std::min(tensor.shape[0], tensor.shape[1]) > hyper.integer("rank");
}

// Moments of the projected gradient, the projection and a norm; AdamW's moments of the rest.
int64_t apollo_state(const TrainableTensor& tensor, const Hyper& hyper) {
  if (!is_projected(tensor, hyper)) return 2 * kFloat * tensor.elements();
  const int64_t small = std::min(tensor.shape[0], tensor.shape[1]), large = std::max(tensor.shape[0], tensor.shape[1]);
  return kFloat * (hyper.integer("rank") * (2 * large + small) + 1);
}

// The projected gradient, then groups of rows of the update.
int64_t apollo_workspace(const TrainableTensor& tensor, const Hyper& hyper) {
  if (!is_projected(tensor, hyper)) return 0;
  const int64_t rows = tensor.shape[0], cols = tensor.shape[1];
  return kFloat * std::max(hyper.integer("rank") * std::max(rows, cols), chunk_rows(rows, cols) * cols);
}

std::vector<OptimizerRule> make_rules() {
  return {
      {"adamw", {kBeta1, kBeta2, kEps, kDecay}, floats_each<2>},
      {"lion", {kBeta1, kBeta2, kDecay}, floats_each<1>},
      {"adan", {kBeta1, kBeta2, number("beta3", 0, 0.99999), kEps, kDecay, flag("no_prox")}, floats_each<4>},
      {"sgd", {number("momentum", 0, 0.9999), flag("nesterov"), kDecay}, momentum_bytes},
      {"lomo", {number("clip_value", 0, 1e6), kDecay}, no_state, nullptr, UpdatePlace::inside_backward},
      {"adalomo",
       {number("decay_rate", 0.1, 1), number("eps1", kSmallest, 1), number("eps2", kSmallest, 1),
        number("clip_threshold", kSmallest, 1000), kDecay},
       factored_state,
       factored_workspace,
       UpdatePlace::inside_backward},
      {"sophia",
       {kBeta1, kBeta2, number("rho", kSmallest, 10), integer("hessian_interval", 1, 1000), kDecay},
       floats_each<2>,
       nullptr,
       UpdatePlace::after_backward,
       Curvature::sampled},
      {"adafactor",
       {number("decay_rate", 0.1, 1), number("eps1", 1e-15, 1), number("eps2", kSmallest, 1),
        number("clip_threshold", kSmallest, 1000), kDecay},
       factored_state,
       factored_workspace},
      {"muon",
       {number("momentum", 0, 0.9999), flag("nesterov"), integer("ns_steps", 1, 20),
        choice("scale", {"original", "match_rms_adamw"}), kDecay, number("adamw_learning_rate", kSmallest, 1),
        number("adamw_beta1", 0, 0.9999), number("adamw_beta2", 0, 0.99999), number("adamw_eps", kSmallest, 1)},
       muon_state,
       muon_workspace},
      {"adamw8bit", {kBeta1, kBeta2, kEps, kDecay}, adamw8bit_state, adamw8bit_workspace},
      {"apollo",
       {integer("rank", 1, 4096), integer("update_interval", 1, 100'000), number("scale", kSmallest, 1024),
        choice("scale_type", {"channel", "tensor"}), kBeta1, kBeta2, kEps, kDecay},
       apollo_state,
       apollo_workspace},
  };
}

}  // namespace

int64_t TrainableTensor::elements() const {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

template <class T>
const T& Hyper::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("the optimizer's field " + name + " is not set");
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  throw std::logic_error("the optimizer's field " + name + " is of another type");
}

double Hyper::number(const std::string& name) const { return get<double>(name); }
int64_t Hyper::integer(const std::string& name) const { return get<int64_t>(name); }
bool Hyper::flag(const std::string& name) const { return get<bool>(name); }
const std::string& Hyper::choice(const std::string& name) const { return get<std::string>(name); }

std::span<const OptimizerRule> optimizer_rules() {
  static const std::vector<OptimizerRule> rules = make_rules();
  return rules;
}

const OptimizerRule* find_optimizer_rule(const std::string& type) {
  for (const OptimizerRule& rule : optimizer_rules())
    if (type == rule.type) return &rule;
  return nullptr;
}

const OptimizerRule& optimizer_rule(const std::string& type) {
  if (const OptimizerRule* rule = find_optimizer_rule(type)) return *rule;
  std::string names;
  for (const OptimizerRule& rule : optimizer_rules()) names += (names.empty() ? "" : ", ") + std::string(rule.type);
  throw Error("spec.invalid", "optimizer.type: this build has no optimizer \"" + type + "\"",
              "Choose one of " + names + ".", {{"optimizer", type}});
}

bool updates_inside_backward(const OptimizerSpec& spec) {
  return optimizer_rule(spec.type).place == UpdatePlace::inside_backward;
}

int64_t optimizer_bytes(const OptimizerSpec& spec, std::span<const TrainableTensor> tensors) {
  const OptimizerRule& rule = optimizer_rule(spec.type);
  int64_t state = 0, workspace = 0;
  for (const TrainableTensor& tensor : tensors) {
    state += rule.state_bytes(tensor, spec.hyper);
    if (rule.workspace_bytes) workspace = std::max(workspace, rule.workspace_bytes(tensor, spec.hyper));
  }
  return state + workspace;
}

int64_t chunk_rows(int64_t rows, int64_t cols) {
  return std::min(rows, std::max<int64_t>(1, kRowChunkElements / std::max<int64_t>(cols, 1)));
}

}  // namespace collie
