#include "engine/train/samples.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json_reader.h"

namespace collie {

std::vector<SamplePrompt> load_sample_prompts(const std::filesystem::path& run_folder, const SamplingSpec& spec) {
  if (spec.prompts.empty()) return {};
  const std::filesystem::path path = run_folder / "data" / "samples.json";
  const nlohmann::json document = read_json_file(path);
  if (!document.is_array() || document.size() != spec.prompts.size())
    throw Error("spec.invalid",
                path.string() + " must be a list of " + std::to_string(spec.prompts.size()) +
                    " tokenized prompts, one for each of sampling.prompts.",
                "Prepare the data again.", {{"path", path.string()}});
  std::vector<SamplePrompt> prompts;
  for (size_t i = 0; i < document.size(); ++i) {
    JsonReader reader(document[i], "samples[" + std::to_string(i) + "]");
    SamplePrompt& prompt = prompts.emplace_back();
    for (const int64_t id : reader.integers("ids")) prompt.ids.push_back(static_cast<int32_t>(id));
    for (const int64_t id : reader.integers("stop_ids")) prompt.stop_ids.push_back(static_cast<int32_t>(id));
    reader.finish();
  }
  return prompts;
}

std::vector<int32_t> load_prompt_ids(const std::filesystem::path& run_folder, const MethodSpec& method,
                                     int64_t vocab_size) {
  if (!method.has("init_text") || method.text("init_text").empty()) return {};
  const std::filesystem::path path = run_folder / "data" / "prompt-init.json";
  const nlohmann::json document = read_json_file(path);
  JsonReader reader(document, "prompt-init");
  std::vector<int32_t> ids;
  for (const int64_t id : reader.integers("ids")) {
    if (id < 0 || id >= vocab_size)
      reader.fail("ids", "out_of_range", "holds " + std::to_string(id) + ", which is no token of the model");
    ids.push_back(static_cast<int32_t>(id));
  }
  if (ids.empty()) reader.fail("ids", "out_of_range", "must hold at least one token");
  reader.finish();
  return ids;
}

int64_t longest_sample(const std::vector<SamplePrompt>& prompts, const SamplingSpec& spec) {
  int64_t longest = 0;
  for (const SamplePrompt& prompt : prompts)
    longest = std::max(longest, static_cast<int64_t>(prompt.ids.size()) + spec.max_new_tokens);
  return longest;
}

void write_samples(const std::vector<SamplePrompt>& prompts, const SamplingSpec& spec, Generator& generator,
                   const SharedControl& control, Journal& journal) {
  generator.forget();  // the weights changed since the last time
  for (size_t i = 0; i < prompts.size(); ++i) {
    journal.phase(Phase::sampling, static_cast<double>(i) / static_cast<double>(prompts.size()));
    GenerationRequest request;
    request.ids = prompts[i].ids;
    request.stop_ids = prompts[i].stop_ids;
    request.max_new_tokens = spec.max_new_tokens;
    std::vector<int32_t> answer;
    const Finish finish =
        generator.run(request, {[&](int32_t token) { answer.push_back(token); },
                                [&] { return control.stop_requested() ? Next::cancel : Next::go_on; }});
    if (finish == Finish::cancelled) return;
    journal.sample(static_cast<int64_t>(i), answer, finish == Finish::stop ? "stop" : "length");
  }
}

}  // namespace collie
