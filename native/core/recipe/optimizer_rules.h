// What can be known of an optimizer without making one: the fields of its schema, where its update runs, and the memory it takes.
// The spec reader, the memory forecast and the engine all go by this table. A new optimizer is a row in optimizer_rules.cpp, a file
// in engine/optim, a variant in electron/shared/spec/optimizers.ts and its fixture.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace collie {

// What a trainable tensor is to an update rule. matrix: a hidden 2-D weight or an adapter's factor; table: embeddings and output
// head, whose rows are words; vector: norms, biases, scales.
enum class ParameterKind { matrix, table, vector };

struct TrainableTensor {
  std::vector<int64_t> shape;
  ParameterKind kind = ParameterKind::matrix;
  int64_t elements() const;
};

// The fields of one optimizer besides type and learning rate, by their name in the schema. Asking for a field that is not there, or
// as another type, is std::logic_error: the spec reader has filled in all of them.
class Hyper {
 public:
  using Value = std::variant<double, int64_t, bool, std::string>;
  Hyper() = default;
  Hyper(std::initializer_list<std::pair<const std::string, Value>> values) : values_(values) {}
  void set(const std::string& name, Value value) { values_[name] = std::move(value); }
  double number(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  bool flag(const std::string& name) const;
  const std::string& choice(const std::string& name) const;

 private:
  template <class T>
  const T& get(const std::string& name) const;
  std::map<std::string, Value> values_;
};

struct OptimizerSpec {
  std::string type;
  double learning_rate = 0;
  Hyper hyper;
  uint64_t seed = 0;  // of the run: rules that draw random numbers
};

enum class FieldKind { number, integer, boolean, choice };

struct HyperField {
  const char* name;
  FieldKind kind = FieldKind::number;
  double min = 0, max = 0;           // numbers and integers
  std::vector<std::string> choices;  // choices
};

// after_backward: gradients of all micro-batches are complete first. inside_backward: a layer's weights change as soon as its
// gradients are there, so that only one layer's are ever held; no accumulation.
enum class UpdatePlace { after_backward, inside_backward };
// sampled: needs gradients on labels sampled from the model every few steps.
enum class Curvature { none, sampled };

struct OptimizerRule {
  const char* type;
  std::vector<HyperField> fields;
  // State held for one tensor, bytes.
  int64_t (*state_bytes)(const TrainableTensor& tensor, const Hyper& hyper);
  // Workspace while this tensor is updated, bytes; one workspace of the largest size serves all tensors. Null: none.
  int64_t (*workspace_bytes)(const TrainableTensor& tensor, const Hyper& hyper) = nullptr;
  UpdatePlace place = UpdatePlace::after_backward;
  Curvature curvature = Curvature::none;
};

std::span<const OptimizerRule> optimizer_rules();
// Null for an unknown type.
const OptimizerRule* find_optimizer_rule(const std::string& type);
// Throws spec.invalid for an unknown type.
const OptimizerRule& optimizer_rule(const std::string& type);

// Whether the rule of this type updates inside the backward pass. Throws as optimizer_rule().
bool updates_inside_backward(const OptimizerSpec& spec);

// Bytes of all state and workspace: what Optimizer::memory_bytes() will say.
int64_t optimizer_bytes(const OptimizerSpec& spec, std::span<const TrainableTensor> tensors);

// Matrices are worked on in groups of rows of at most this many elements (a row at least), so that a workspace never has the size of
// a parameter.
inline constexpr int64_t kRowChunkElements = int64_t{1} << 18;
int64_t chunk_rows(int64_t rows, int64_t cols);

}  // namespace collie
