#include "parallel/model_pair.h"

#include <cmath>

#include "core/base/json_reader.h"
#include "core/base/random.h"
#include "core/recipe/run_spec.h"
#include "engine/optim/clip.h"
#include "engine/parallel/gathered.h"

namespace collie::test {

constexpr double kCancelling = 0.03;

ModelConfig odd_config(int64_t heads, int64_t kv_heads, Tables tables) {
  ModelConfig c;
  c.family = "llama";
  c.architecture = "LlamaForCausalLM";
  c.hidden_size = 44;
  c.intermediate_size = 103;
  c.n_layers = 3;
  c.n_heads = heads;
  c.n_kv_heads = kv_heads;
  c.head_dim = 16;
  c.vocab_size = 101;
  c.max_position = 128;
  c.tied_embeddings = tables == Tables::tied;
  return c;
}

ModelConfig config_for(int64_t tp, Tables tables) {
  if (tp == 4) return odd_config(8, 2, tables);  // two ranks a key-value head
  return odd_config(6, 3, tables);
}

PackedBatch documents(const ModelConfig& config, const std::vector<int64_t>& lengths, uint64_t seed) {
  Random random(seed);
  PackedBatch batch;
  batch.doc_offsets.push_back(0);
  for (const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i) {
      batch.ids_N.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(config.vocab_size))));
      batch.positions_N.push_back(static_cast<int32_t>(i));
      const bool counted = i % 3 != 2;
      batch.targets_N.push_back(counted ? static_cast<int32_t>(random.below(static_cast<uint64_t>(config.vocab_size)))
                                        : -1);
    }
    batch.doc_offsets.push_back(static_cast<int32_t>(batch.ids_N.size()));
  }
  return batch;
}

OptimizerSpec optimizer_spec(const std::string& type) {
  using Fields = Hyper;
  // Adam moves an element whose gradient is the rounding of larger terms as far as any other, unless eps is above that rounding.
  const Fields betas = {{"beta1", 0.9}, {"beta2", 0.99}, {"eps", 1e-5}, {"weight_decay", 0.1}};
  const Fields factored = {
      {"decay_rate", 0.8}, {"eps1", 1e-30}, {"eps2", 1e-3}, {"clip_threshold", 1.0}, {"weight_decay", 0.1}};
  OptimizerSpec spec{.type = type, .learning_rate = 1e-2, .hyper = betas, .seed = 3};
  if (type == "lion") spec.hyper = {{"beta1", 0.9}, {"beta2", 0.99}, {"weight_decay", 0.1}};
  if (type == "adan")
    spec.hyper = {{"beta1", 0.98}, {"beta2", 0.92},       {"beta3", 0.99},
                  {"eps", 1e-8},   {"weight_decay", 0.1}, {"no_prox", false}};
  if (type == "sgd") spec.hyper = {{"momentum", 0.9}, {"nesterov", true}, {"weight_decay", 0.1}};
  if (type == "lomo") spec.hyper = {{"clip_value", 0.0}, {"weight_decay", 0.1}};
  if (type == "adalomo" || type == "adafactor") spec.hyper = factored;
  if (type == "adafactor") spec.hyper.set("eps1", 1e-10);
  if (type == "sophia")
    spec.hyper = {
        {"beta1", 0.9}, {"beta2", 0.99}, {"rho", 0.05}, {"hessian_interval", int64_t{1}}, {"weight_decay", 0.1}};
  return spec;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  const double norm = at::linalg_vector_norm(b.to(at::kDouble)).item<double>();
  const double apart = at::linalg_vector_norm(a.to(at::kDouble).cpu() - b.to(at::kDouble).cpu()).item<double>();
  return norm > 0 ? apart / norm : apart;
}

ModelPair::ModelPair(const ModelConfig& config, const DecoderOptions& options, const Parallel& g) : grid(g) {
  DecoderOptions mine = options;
  whole = std::make_unique<Decoder>(config, mine);
  mine.parallel = grid;
  shared = std::make_unique<Decoder>(config, mine);
  whole->randomize(1);
  shared->randomize(1);
}

void ModelPair::disturb(uint64_t seed) {
  Random random(seed);
  const std::span<Parameter> all = whole->trainable(), parts = shared->trainable();
  for (size_t i = 0; i < all.size(); ++i) {
    at::Tensor noise = at::empty(all[i].master.sizes());
    for (int64_t j = 0; j < noise.numel(); ++j)
      noise.data_ptr<float>()[j] = static_cast<float>(random.uniform() - 0.5) * 0.1f;
    all[i].master.add_(noise);
    parts[i].master.copy_(part_of(all[i].master, parts[i].placement.slice));
  }
  whole->sync_weights();
  shared->sync_weights();
}

void ModelPair::check_weights(double bound, const std::string& what) {
  const std::vector<NamedTensor> all = whole->trained_tensors(), parts = shared->trained_tensors();
  REQUIRE(all.size() == parts.size());
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(what);
    CAPTURE(all[i].name);
    REQUIRE(all[i].name == parts[i].name);
    const at::Tensor expected = part_of(all[i].tensor, parts[i].slice);
    REQUIRE(expected.sizes() == parts[i].tensor.sizes());
    CHECK(distance(parts[i].tensor, expected) <= bound);
  }
}

void ModelPair::check_gradients(double bound) {
  const std::span<Parameter> all = whole->trainable(), parts = shared->trainable();
  REQUIRE(all.size() == parts.size());
  double squares = 0;
  for (const Parameter& p : all) squares += std::pow(at::linalg_vector_norm(p.grad).item<double>(), 2);
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].name);
    const double norm = at::linalg_vector_norm(all[i].grad).item<double>();
    const at::Tensor expected = part_of(all[i].grad, parts[i].placement.slice);
    const double error = at::linalg_vector_norm(parts[i].grad - expected).item<double>();
    CHECK(norm > 0);
    // Small sums of large terms that cancel (of keys' biases, which softmax hardly sees) carry the terms' rounding.
    CHECK(error <= bound * std::max(norm, kCancelling * std::sqrt(squares)));
  }
}

double ModelPair::gradient_norm(Kernels& kernels) {
  double norm = global_grad_norm(shared->trainable(), kernels);
  norm *= norm;
  grid.tp->all_reduce(std::span(&norm, 1));
  return std::sqrt(norm);
}

}  // namespace collie::test
