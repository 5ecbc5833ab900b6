// Answers to the spec's sample prompts while training, so that the user sees the model change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/recipe/run_spec.h"
#include "engine/generate/generator.h"
#include "engine/train/shared_control.h"
#include "engine/train/journal.h"

namespace collie {

struct SamplePrompt {
  std::vector<int32_t> ids;
  std::vector<int32_t> stop_ids;
};

// Reads <run>/data/samples.json: [{"ids": [..], "stop_ids": [..]}], one for each of the spec's prompts. Nothing is read when
// the spec has none. Throws file.not_found, spec.invalid.
std::vector<SamplePrompt> load_sample_prompts(const std::filesystem::path& run_folder, const SamplingSpec& spec);

// Reads <run>/data/prompt-init.json, {"ids": [..]}: the tokens of the method's init_text. Nothing is read, and the list is empty,
// when the method has no such text. Throws file.not_found, spec.invalid.
std::vector<int32_t> load_prompt_ids(const std::filesystem::path& run_folder, const MethodSpec& method,
                                     int64_t vocab_size);

// Tokens of the longest prompt and its answer; 0 without prompts.
int64_t longest_sample(const std::vector<SamplePrompt>& prompts, const SamplingSpec& spec);

// Answers every prompt, always with the most likely token, and writes `sample` events. Ends early when a stop is asked for.
void write_samples(const std::vector<SamplePrompt>& prompts, const SamplingSpec& spec, Generator& generator,
                   const SharedControl& control, Journal& journal);

}  // namespace collie
