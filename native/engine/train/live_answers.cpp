#include "engine/train/live_answers.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>

#include "core/base/error.h"
#include "core/base/error_line.h"
#include "core/base/json_parse.h"
#include "engine/generate/generation_request.h"

namespace collie {

using nlohmann::json;

namespace {

struct LiveRequest {
  AdapterUse adapter = AdapterUse::on;
  GenerationRequest generation;
};

LiveRequest read_request(const std::string& text) {
  try {
    const ParsedJson parsed = parse_json(text);
    JsonReader reader(parsed.value);
    LiveRequest request;
    request.adapter = reader.boolean("adapter") ? AdapterUse::on : AdapterUse::off;
    request.generation = read_generation_request(reader);
    reader.finish();
    return request;
  } catch (const Error& error) {
    throw Error("request.invalid", error.what(), error.hint(), error.data());
  }
}

// Lines of an answer, seen by who follows the file as they come. Only the first rank has one.
class AnswerFile {
 public:
  AnswerFile(const std::filesystem::path& path, bool writes) : path_(path) {
    if (writes) file_.open(path, std::ios::app);
    lost_ = writes && !file_.is_open();
  }
  void put(const json& line) {
    if (file_.is_open()) file_ << line.dump() << '\n' << std::flush;
    lost_ |= file_.is_open() && !file_;
  }
  // The disk is full, or who asked is gone with the file.
  bool lost() const { return lost_; }
  // Takes no space, and is seen by who follows it.
  void remove() {
    file_.close();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  bool lost_ = false;
};

}  // namespace

LiveAnswers::LiveAnswers(Session& session, const std::filesystem::path& run_folder)
    : session_(session), folder_(run_folder / "answers") {
  std::error_code ignored;
  if (session.parallel.world->rank() == 0) std::filesystem::remove_all(folder_, ignored);
}

void LiveAnswers::answer(const Question& question, const SharedControl& control, int64_t step) {
  const auto begin = std::chrono::steady_clock::now();
  const bool first = session_.parallel.world->rank() == 0;
  std::error_code ignored;
  if (first) std::filesystem::create_directories(folder_, ignored);
  AnswerFile file(folder_ / (question.id + ".jsonl"), first);
  try {
    const Finish finish = generate(question, control, [&](int32_t token) {
      file.put({{"token", token}});
      if (file.lost()) control.cancel_answer();
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    file.put({{"finish", finish_name(finish)}, {"seconds", seconds}, {"step", step}});
  } catch (const Error& error) {
    if (error.code() == "rank.died") throw;
    file.put({{"error", error.to_json()}});
  }
  if (file.lost()) file.remove();
}

Finish LiveAnswers::generate(const Question& question, const SharedControl& control,
                             const std::function<void(int32_t)>& on_token) {
  const LiveRequest request = read_request(question.request);
  const GenerationRequest& generation = request.generation;
  const int64_t context = static_cast<int64_t>(generation.ids.size()) + generation.max_new_tokens;
  check_request(generation, session_.config.vocab_size, context);
  std::unique_ptr<Generator> generator;
  // Where one rank has no memory for it, none goes on.
  double failed = 0;
  std::string why;
  try {
    with_memory_errors(session_.device, "The answer's key-value cache", [&] {
      generator = std::make_unique<Generator>(*session_.decoder, request.adapter, context,
                                              session_.loader->largest_micro_batch());
    });
  } catch (const Error& error) {
    failed = 1;
    why = error.what();
  }
  session_.parallel.world->all_reduce(std::span(&failed, 1), Reduce::max);
  if (failed != 0)
    throw Error("memory.insufficient", why.empty() ? "Another rank has no memory for the answer." : why,
                "Ask for a shorter answer, or open a checkpoint in the Playground.");
  return generator->run(generation,
                        {on_token, [&] { return control.answer_cancelled() ? Next::cancel : Next::go_on; }});
}

}  // namespace collie
