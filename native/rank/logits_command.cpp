// collie-rank logits: what a base or tuned model says about given tokens, for comparison with other implementations.
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_reader.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"
#include "rank/serving_models.h"

namespace collie {

namespace {

[[noreturn]] void fail(const std::string& problem) {
  throw Error("request.invalid", "--ids: " + problem + ".",
              "Give a JSON file with a list of documents, each a list of token ids.");
}

PackedBatch read_document(const nlohmann::json& ids, int64_t vocab_size) {
  if (!ids.is_array() || ids.empty()) fail("a document is no list of at least one token id");
  PackedBatch batch;
  for (const auto& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= vocab_size)
      fail(id.dump() + " is no token id below " + std::to_string(vocab_size));
    batch.ids_N.push_back(id.get<int32_t>());
    batch.positions_N.push_back(static_cast<int32_t>(batch.positions_N.size()));
    batch.targets_N.push_back(-1);
  }
  batch.doc_offsets = {0, static_cast<int32_t>(batch.ids_N.size())};
  return batch;
}

}  // namespace

// Writes fp32 logits [N, vocab_size] of all documents, one after another, little-endian and raw.
int logits_command(const Words& words) {
  const Arguments arguments(words, {"model", "run", "checkpoint", "ids", "out", "precision", "device", "threads"});
  set_threads(arguments.integer("threads", 0, 0, 1024));
  const nlohmann::json documents = read_json_file(arguments.required("ids"));
  if (!documents.is_array()) fail("the file holds no list");
  ServingOptions options = serving_options(arguments);
  if (!arguments.has("precision")) options.precision = Precision::fp32;
  ServingModels models(options);
  const Choice choice = models.tuned() > 0 ? Choice(0) : std::nullopt;
  OutputFile out(arguments.required("out"));
  for (const auto& ids : documents) {
    const at::Tensor logits = models.logits(choice, read_document(ids, models.config().vocab_size));
    out.append(std::span(static_cast<const std::byte*>(logits.const_data_ptr()), logits.nbytes()));
  }
  out.commit();
  return 0;
}

}  // namespace collie
