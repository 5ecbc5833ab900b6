#include "rank/bench_workload.h"

#include <algorithm>
#include <map>

#include "core/base/random.h"

namespace collie {

namespace {

ModelConfig llama(int64_t hidden, int64_t intermediate, int64_t layers, int64_t heads, int64_t kv_heads) {
  ModelConfig config;
  config.family = "llama";
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = hidden;
  config.intermediate_size = intermediate;
  config.n_layers = layers;
  config.n_heads = heads;
  config.n_kv_heads = kv_heads;
  config.head_dim = hidden / heads;
  return config;
}

ModelConfig smollm2_135m() {
  ModelConfig config = llama(576, 1536, 30, 9, 3);
  config.vocab_size = 49152;
  config.max_position = 8192;
  config.ropes[0].theta = 100000;
  config.tied_embeddings = true;
  return config;
}

ModelConfig llama3(ModelConfig config, double factor) {
  config.vocab_size = 128256;
  config.max_position = 131072;
  config.ropes[0].theta = 500000;
  config.ropes[0].scaling = RopeScaling::llama3;
  config.ropes[0].factor = factor;
  return config;
}

const std::map<std::string, ModelConfig>& shapes() {
  static const std::map<std::string, ModelConfig> known = [] {
    ModelConfig one = llama3(llama(2048, 8192, 16, 32, 8), 32);
    one.tied_embeddings = true;
    return std::map<std::string, ModelConfig>{
        {"smollm2-135m", smollm2_135m()}, {"1b", one}, {"8b", llama3(llama(4096, 14336, 32, 32, 8), 8)}};
  }();
  return known;
}

}  // namespace

std::vector<std::string> bench_shapes() {
  std::vector<std::string> names;
  for (const auto& [name, config] : shapes()) names.push_back(name);
  return names;
}

ModelConfig bench_shape(const std::string& name) { return shapes().at(name); }

std::vector<PackedBatch> bench_batches(const std::vector<int64_t>& lengths, int64_t batch, int64_t vocab_size,
                                       uint64_t seed) {
  Random random(seed);
  std::vector<PackedBatch> batches;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (i % static_cast<size_t>(batch) == 0) batches.emplace_back().doc_offsets.push_back(0);
    PackedBatch& current = batches.back();
    for (int64_t position = 0; position < lengths[i]; ++position) {
      const auto id = static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab_size)));
      if (position > 0) current.targets_N.back() = id;
      current.ids_N.push_back(id);
      current.positions_N.push_back(static_cast<int32_t>(position));
      current.targets_N.push_back(-1);
    }
    current.doc_offsets.push_back(static_cast<int32_t>(current.ids_N.size()));
  }
  return batches;
}

}  // namespace collie
