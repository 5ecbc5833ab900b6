#include "engine/train/named_sets.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/json_reader.h"
#include "core/base/random.h"
#include "engine/train/batch_loader.h"

namespace collie {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr int64_t kWriting = 4;  // a token that is written costs about so many that are read

std::vector<int32_t> ids_of(const json& list, const JsonReader& reader, const char* key) {
  std::vector<int32_t> ids;
  if (list.is_array())
    for (const json& id : list)
      if (id.is_number_integer()) ids.push_back(id.get<int32_t>());
  if (!list.is_array() || ids.size() != list.size()) reader.fail(key, "wrong_type", "must hold lists of token ids");
  return ids;
}

// Another one for every answer, the same whatever the layout.
uint64_t seed_of(uint64_t seed, int64_t answer) {
  uint64_t state = seed + static_cast<uint64_t>(answer) * 0x9e3779b97f4a7c15ull;
  return splitmix64(state);
}

// Tokens of every answer, [answers, 2 + longest]: their number, whether a stop token ended it, and the ids. Zero where a rank has none.
class AnswerTable {
 public:
  AnswerTable(size_t answers, int64_t longest) : width_(static_cast<size_t>(longest) + 2), values_(answers * width_) {}
  void set(size_t answer, const Answer& value) {
    double* row = &values_[answer * width_];
    row[0] = static_cast<double>(value.ids.size());
    row[1] = value.finish == Finish::stop ? 1 : 0;
    std::ranges::copy(value.ids, row + 2);
  }
  std::span<double> values() { return values_; }
  std::string line(size_t answer, size_t per_prompt) const {
    const double* row = &values_[answer * width_];
    std::vector<int32_t> ids(static_cast<size_t>(row[0]));
    std::ranges::transform(std::span(row + 2, ids.size()), ids.begin(),
                           [](double id) { return static_cast<int32_t>(id); });
    return json{{"row", answer / per_prompt},
                {"answer", answer % per_prompt},
                {"ids", ids},
                {"finish", row[1] != 0 ? "stop" : "length"}}
        .dump();
  }

 private:
  size_t width_;
  std::vector<double> values_;
};

}  // namespace

std::unique_ptr<NamedSet> NamedSet::open(const fs::path& run_folder, const EvaluationSetSpec& spec,
                                         const Limits& limits) {
  const fs::path data = run_folder / "data";
  std::unique_ptr<NamedSet> set(new NamedSet(spec));
  const std::string split = "set-" + spec.name;
  if (spec.evaluator == Evaluator::answers) {
    const fs::path path = data / (split + ".prompts.json");
    if (!fs::exists(path)) return nullptr;
    set->open_prompts(path);
    return set->prompts_.empty() ? nullptr : std::move(set);
  }
  if (!fs::exists(data / (split + ".offsets.u64"))) return nullptr;
  set->open_losses(data, limits);
  return set;
}

void NamedSet::open_losses(const fs::path& data, const Limits& limits) {
  const std::string split = "set-" + spec_.name;
  rows_ = std::make_unique<TokenStore>(TokenStore::open(data, split));
  check_documents(*rows_, split.c_str(), limits.seq_len, limits.vocab_size);
  losses_ = std::make_unique<EvaluationSet>(*rows_, std::numeric_limits<int64_t>::max(), limits.capacity_tokens,
                                            limits.virtual_tokens);
}

void NamedSet::open_prompts(const fs::path& path) {
  const json document = read_json_file(path);
  JsonReader reader(document, path.filename().string());
  stop_ids_ = ids_of(reader.value("stop_ids"), reader, "stop_ids");
  const json& prompts = reader.value("prompts");
  if (!prompts.is_array()) reader.fail("prompts", "wrong_type", "must be a list");
  for (const json& prompt : prompts) prompts_.push_back(ids_of(prompt, reader, "prompts"));
}

int64_t NamedSet::work() const {
  if (losses_) return losses_->tokens();
  int64_t tokens = 0;
  for (const std::vector<int32_t>& prompt : prompts_)
    tokens +=
        spec_.answers.per_prompt * (static_cast<int64_t>(prompt.size()) + kWriting * spec_.answers.max_new_tokens);
  return tokens;
}

std::optional<std::vector<std::string>> NamedSet::run(Decoder& decoder, Pipeline& pipeline, const Parallel& parallel,
                                                      int64_t capacity_tokens,
                                                      const std::function<Next(double)>& progress) const {
  if (!losses_) return answer(decoder, parallel, capacity_tokens, progress);
  const std::optional<EvaluationResult> result = losses_->run(pipeline, parallel, progress);
  if (!result) return std::nullopt;
  std::vector<std::string> lines;
  for (const EvaluatedRow& row : result->rows)
    lines.push_back(
        json{{"row", row.row}, {"loss", row.sums.loss}, {"targets", row.sums.targets}, {"correct", row.sums.correct}}
            .dump());
  return lines;
}

// All of them, or those of this data-parallel rank.
std::vector<GenerationRequest> NamedSet::requests_of(const Parallel& parallel, bool together) const {
  std::vector<GenerationRequest> requests;
  const auto answers = static_cast<int64_t>(prompts_.size()) * spec_.answers.per_prompt;
  const int64_t first = together ? 0 : parallel.place.dp_rank, stride = together ? 1 : parallel.spec.dp_size;
  for (int64_t i = first; i < answers; i += stride) {
    GenerationRequest& request = requests.emplace_back();
    request.ids = prompts_[static_cast<size_t>(i / spec_.answers.per_prompt)];
    request.sampling.temperature = spec_.answers.temperature;
    request.sampling.seed = seed_of(spec_.answers.seed, i);
    request.max_new_tokens = spec_.answers.max_new_tokens;
    request.stop_ids = stop_ids_;
  }
  return requests;
}

// Every data-parallel rank has answers of its own. Where ranks have parts of the weights only (ZeRO 3) they compute every answer together,
// as each needs the others in every layer.
std::optional<std::vector<std::string>> NamedSet::answer(Decoder& decoder, const Parallel& parallel,
                                                         int64_t capacity_tokens,
                                                         const std::function<Next(double)>& progress) const {
  const bool together = parallel.spec.dp_size == 1 || parallel.spec.zero_stage == 3;
  const std::vector<GenerationRequest> requests = requests_of(parallel, together);
  const auto answers = prompts_.size() * static_cast<size_t>(spec_.answers.per_prompt);
  size_t longest = 0;
  for (const std::vector<int32_t>& prompt : prompts_) longest = std::max(longest, prompt.size());
  const int64_t at_once = std::min({decoder.answers_at_once(), capacity_tokens, static_cast<int64_t>(answers)});
  std::vector<Answer> own;
  bool cancelled = false;
  if (!requests.empty()) {
    BatchGenerator generator(decoder, AdapterUse::on, at_once,
                             static_cast<int64_t>(longest) + spec_.answers.max_new_tokens);
    own = generator.run(requests, [&](int64_t done) {
      // Ranks with answers of their own do not ask together; they are asked again below.
      if (!together && parallel.spec.dp_size > 1) return Next::go_on;
      cancelled = progress(static_cast<double>(done) / static_cast<double>(requests.size())) == Next::cancel;
      return cancelled ? Next::cancel : Next::go_on;
    });
  }
  if (cancelled) return std::nullopt;
  AnswerTable table(answers, spec_.answers.max_new_tokens);
  const bool tells =
      parallel.place.tp_rank == 0 && parallel.place.stage == 0 && (!together || parallel.place.dp_rank == 0);
  const size_t first = together ? 0 : static_cast<size_t>(parallel.place.dp_rank),
               stride = together ? 1 : static_cast<size_t>(parallel.spec.dp_size);
  for (size_t i = 0; tells && i < own.size(); ++i) table.set(first + i * stride, own[i]);
  parallel.world->all_reduce(table.values());
  std::vector<std::string> lines;
  for (size_t i = 0; i < answers; ++i) lines.push_back(table.line(i, static_cast<size_t>(spec_.answers.per_prompt)));
  return lines;
}

}  // namespace collie
