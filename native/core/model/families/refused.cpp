// Architectures that people may have and that the engine does not compute: what is missing, by name.
#include <map>

#include "core/model/families/family.h"

namespace collie {

std::string why_refused(const std::string& architecture) {
  static const char* kExperts = "its layers have several MLPs, of which every token takes some (mixture of experts)";
  static const char* kLatent = "it keeps keys and values as one latent vector (multi-head latent attention)";
  static const char* kDelta = "some of its layers are recurrent (gated delta net)";
  static const char* kConvolution = "some of its layers are short convolutions";
  static const char* kPerLayer = "every layer has embeddings of its own (per-layer embeddings)";
  static const std::map<std::string, const char*> reasons = {
      {"Qwen2MoeForCausalLM", kExperts},
      {"Qwen3MoeForCausalLM", kExperts},
      {"MixtralForCausalLM", kExperts},
      {"OlmoeForCausalLM", kExperts},
      {"GraniteMoeForCausalLM", kExperts},
      {"GptOssForCausalLM", kExperts},
      {"Llama4ForCausalLM", kExperts},
      {"Llama4ForConditionalGeneration", kExperts},
      {"Glm4MoeForCausalLM", kExperts},
      {"PhimoeForCausalLM", kExperts},
      {"DeepseekForCausalLM", kExperts},
      {"DeepseekV2ForCausalLM", kLatent},
      {"DeepseekV3ForCausalLM", kLatent},
      {"MiniCPM3ForCausalLM", kLatent},
      {"Qwen3NextForCausalLM", kDelta},
      {"Qwen3_5ForCausalLM", kDelta},
      {"Qwen3_5ForConditionalGeneration", kDelta},
      {"Lfm2ForCausalLM", kConvolution},
      {"MambaForCausalLM", kDelta},
      {"JambaForCausalLM", kDelta},
      {"Gemma3nForConditionalGeneration", kPerLayer},
      {"Gemma3nForCausalLM", kPerLayer},
      {"Gemma4ForCausalLM", kPerLayer},
      {"Gemma4ForConditionalGeneration", kPerLayer},
      {"PaliGemmaForConditionalGeneration", "its prompt is seen in both directions (prefix attention)"},
      {"BloomForCausalLM", "it adds distances to scores instead of rotating (ALiBi)"},
      {"MPTForCausalLM", "it adds distances to scores instead of rotating (ALiBi)"}};
  const auto found = reasons.find(architecture);
  return found == reasons.end() ? "" : found->second;
}

}  // namespace collie
