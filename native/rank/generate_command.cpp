// collie-rank generate: greedy answers to given prompts, several at a time, with the seconds they took. One JSON line a round.
#include <chrono>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"
#include "rank/serving_models.h"

namespace collie {

namespace {

using Clock = std::chrono::steady_clock;

// Nothing but its length ends an answer: so that rounds and implementations compute the same number of tokens.
std::vector<GenerationRequest> read_requests(const Arguments& arguments) {
  const std::string path = arguments.required("ids");
  const nlohmann::json prompts = read_json_file(path);
  const auto is_prompt = [](const nlohmann::json& ids) {
    return ids.is_array() && std::ranges::all_of(ids, [](const nlohmann::json& id) { return id.is_number_integer(); });
  };
  if (!prompts.is_array() || prompts.empty() || !std::ranges::all_of(prompts, is_prompt))
    throw Error("request.invalid", "--ids: " + path + " holds no list of prompts.",
                "Give a JSON file with a list of prompts, each a list of token ids.");
  std::vector<GenerationRequest> requests(prompts.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    for (const auto& id : prompts[i])  // an id that is none stays none
      requests[i].ids.push_back(static_cast<int32_t>(std::clamp<int64_t>(id.get<int64_t>(), -1, INT32_MAX)));
    requests[i].sampling.temperature = 0;
    requests[i].max_new_tokens = arguments.integer("max-new-tokens", 128, 1, 1 << 20);
  }
  return requests;
}

nlohmann::json line_of(std::vector<Answer> answers, double seconds) {
  nlohmann::json ids = nlohmann::json::array();
  size_t tokens = 0;
  for (Answer& answer : answers) {
    tokens += answer.ids.size();
    ids.push_back(std::move(answer.ids));
  }
  return {{"seconds", seconds}, {"tokens", tokens}, {"answers", std::move(ids)}};
}

}  // namespace

int generate_command(const Words& words) {
  const Arguments arguments(words, {"model", "run", "checkpoint", "ids", "max-new-tokens", "batch", "rounds",
                                    "precision", "device", "context", "threads"});
  set_threads(arguments.integer("threads", 0, 0, 1024));
  const std::vector<GenerationRequest> requests = read_requests(arguments);
  const int64_t at_once = arguments.integer("batch", 1, 1, 512);
  const int64_t rounds = arguments.integer("rounds", 1, 1, 1000);
  ServingModels models(serving_options(arguments));
  const Choice choice = models.tuned() > 0 ? Choice(0) : std::nullopt;
  for (int64_t round = 0; round < rounds; ++round) {
    const Clock::time_point begin = Clock::now();
    std::vector<Answer> answers = models.answers(choice, requests, at_once);
    print_line(line_of(std::move(answers), std::chrono::duration<double>(Clock::now() - begin).count()));
  }
  return 0;
}

}  // namespace collie
