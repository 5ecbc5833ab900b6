#include "engine/generate/generation_request.h"

#include <limits>
#include <string>

namespace collie {

namespace {

constexpr int64_t kMostTokens = std::numeric_limits<int32_t>::max();

std::vector<int32_t> token_ids(JsonReader& reader, const std::string& key) {
  std::vector<int32_t> ids;
  for (const int64_t id : reader.integers(key)) {
    if (id < 0 || id > kMostTokens) reader.fail(key, "out_of_range", "holds " + std::to_string(id));
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

}  // namespace

GenerationRequest read_generation_request(JsonReader& reader) {
  GenerationRequest request;
  request.ids = token_ids(reader, "ids");
  request.stop_ids = token_ids(reader, "stop_ids");
  request.max_new_tokens = reader.integer("max_new_tokens", 1, kMostTokens);
  request.sampling.temperature = reader.number("temperature");
  request.sampling.top_k = reader.integer("top_k");
  request.sampling.top_p = reader.number("top_p");
  request.sampling.seed = static_cast<uint64_t>(reader.integer("seed"));
  return request;
}

const char* finish_name(Finish finish) {
  return finish == Finish::stop ? "stop" : finish == Finish::length ? "length" : "cancelled";
}

}  // namespace collie
