// The rule book: conditions, words and numbers. That it is the form's is tested through the addon.
#include "core/recipe/rules.h"

#include <doctest/doctest.h>

#include "core/base/error.h"

namespace collie {
namespace {

std::vector<Refusal> of(const char* spec) { return rule_refusals(nlohmann::json::parse(spec)); }

}  // namespace

TEST_CASE("settings that are not there break no rule") {
  CHECK(of("{}").empty());
  CHECK(of(R"({"method": {"type": "adalora"}})").empty());
}

TEST_CASE("a row's exclusion is refused with its numbers and its fix") {
  const auto refused = of(R"({"method": {"type": "adalora"}, "parallel": {"tp_size": 4}})");
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].path == "method.type");
  CHECK(refused[0].code == "not_together");
  CHECK(refused[0].message.find("parallel.tp_size 4: it scores and prunes") != std::string::npos);
  CHECK(refused[0].fix == "Set parallel.tp_size to 1, or use lora, dora or pissa.");
  CHECK(refused[0].received == "adalora");
}

TEST_CASE("fixes are computed: the same sequences in one micro-batch, the next multiple of the stages") {
  const auto fused = of(R"({"optimizer": {"type": "lomo"}, "batch": {"grad_accum_steps": 3, "micro_batch_size": 4}})");
  REQUIRE(fused.size() == 1);
  CHECK(fused[0].fix == "Set batch.grad_accum_steps to 1 and batch.micro_batch_size to 12: the same sequences a step.");
  const auto chunks = of(R"({"parallel": {"pp_size": 4, "pipeline_chunks": 2}, "batch": {"grad_accum_steps": 6}})");
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0].code == "not_divisible");
  CHECK(chunks[0].fix.starts_with("Set batch.grad_accum_steps to 8,"));
}

TEST_CASE("all refusals come together") {
  try {
    throw_refusals(of(R"({"method": {"type": "adalora"}, "optimizer": {"type": "muon"}, "parallel": {"tp_size": 2}})"));
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.code() == "spec.invalid");
    CHECK(e.data().at("issues").size() == 2);
  }
}

}  // namespace collie
