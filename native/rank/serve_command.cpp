// collie-rank serve: answers requests on standard input, token by token, one after another (docs/layers.md).
#include <unistd.h>

#include <chrono>
#include <string>

#include "core/base/error_line.h"
#include "core/base/json_reader.h"
#include "engine/generate/generation_request.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/inbox.h"
#include "rank/line_reader.h"
#include "rank/process.h"
#include "rank/serving_models.h"

namespace collie {

using nlohmann::json;

namespace {

struct ServeRequest {
  Choice model;
  GenerationRequest generation;
};

Choice read_choice(JsonReader& reader) {
  if (reader.is_null("tuned")) {
    reader.skip("tuned");
    return std::nullopt;
  }
  return static_cast<size_t>(reader.integer("tuned", 0, std::numeric_limits<int32_t>::max()));
}

ServeRequest read_request(const json& message) {
  try {
    JsonReader reader(message);
    reader.skip("id");
    ServeRequest request;
    request.model = read_choice(reader);
    request.generation = read_generation_request(reader);
    reader.finish();
    return request;
  } catch (const Error& error) {
    throw Error("request.invalid", error.what(), error.hint(), error.data());
  }
}

// Loads one more tuned model: {"id", "load": {"run", "checkpoint"}}.
void load(const json& message, ServingModels& models) {
  const json& id = message["id"];
  try {
    TunedSource source;
    try {
      JsonReader reader(message["load"]);
      source = {reader.string("run"), reader.string("checkpoint")};
      reader.finish();
    } catch (const Error& error) {
      throw Error("request.invalid", error.what(), error.hint(), error.data());
    }
    print_line({{"id", id}, {"loaded", models.add(source)}});
  } catch (const std::exception& thrown) {
    print_line({{"id", id}, {"error", as_error(thrown).to_json()}});
  }
}

void answer(const json& message, ServingModels& models, const Inbox& inbox) {
  const json& id = message["id"];
  const auto begin = std::chrono::steady_clock::now();
  Finish finish = Finish::cancelled;
  const GenerationHooks hooks{[&](int32_t token) { print_line({{"id", id}, {"token", token}}); },
                              [&] { return inbox.current_cancelled() ? Next::cancel : Next::go_on; }};
  try {
    const ServeRequest request = read_request(message);
    finish = models.conversation(request.model).run(request.generation, hooks);
  } catch (const std::exception& thrown) {
    print_line({{"id", id}, {"error", as_error(thrown).to_json()}});
    return;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  print_line({{"id", id}, {"done", true}, {"finish", finish_name(finish)}, {"seconds", seconds}});
}

}  // namespace

int serve_command(const Words& words) {
  const Arguments arguments(words, {"model", "run", "checkpoint", "precision", "device", "threads", "context"}, {},
                            {"run", "checkpoint"});
  const ServingOptions options = serving_options(arguments);
  set_threads(arguments.integer("threads", 0, 0, 1024));
  ServingModels models(options);
  print_line({{"ready", true}, {"tuned", models.tuned()}});

  Inbox inbox;
  const LineReader input(
      STDIN_FILENO,
      [&](const std::string& line) {
        const std::string problem = inbox.put(line);
        if (!problem.empty()) print_error(Error("request.invalid", "A line on standard input " + problem + "."));
      },
      [&] { inbox.end(); });
  while (const auto message = inbox.take()) {
    if (message->contains("load"))
      load(*message, models);
    else
      answer(*message, models, inbox);
  }
  return 0;
}

}  // namespace collie
