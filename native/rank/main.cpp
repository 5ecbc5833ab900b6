// collie-rank: one executable, one command each (docs/layers.md). Errors are one JSON line on standard error.
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include "core/base/error_line.h"
#include "engine/parallel/world.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace {

constexpr const char* kUsage =
    "usage: collie-rank train  --run <folder> [--resume <checkpoint name>] [--threads n]\n"
    "       collie-rank evaluate --run <folder> [--of <run folder> --checkpoint <name>] [--threads n]\n"
    "       collie-rank serve  --model <folder> [--run <folder> --checkpoint <name>] [--precision bf16|fp32]\n"
    "                          [--device cpu|cuda] [--threads n] [--context n]\n"
    "       collie-rank export --run <folder> --checkpoint <name> --kind adapter|merged --out <folder>\n"
    "       collie-rank info\n"
    "       collie-rank gemm   [--device cpu|cuda] [--precision bf16|fp32] [--size n] [--threads n]\n"
    "       collie-rank checksums --write <folder> | --check <folder>\n"
    "       collie-rank logits --model <folder> [--run <folder> --checkpoint <name>] --ids <json file> --out <file>\n"
    "                          [--precision fp32|bf16] [--device cpu|cuda] [--threads n]\n"
    "       collie-rank generate --model <folder> [--run <folder> --checkpoint <name>] --ids <json file> "
    "[--max-new-tokens n]\n"
    "                          [--batch n] [--rounds n] [--precision bf16|fp32] [--device cpu|cuda] [--threads n] "
    "[--context n]\n"
    "       collie-rank bench  --model-shape smollm2-135m|1b|8b | --model <folder> [--quantization none|nf4]\n"
    "                          [--method lora|full | --method-json {..}] [--optimizer-json {..}] (as in a resolved "
    "spec)\n"
    "                          [--precision bf16|fp32] [--device cpu|cuda] [--batch n] [--seq n] [--tokens n,n,..]\n"
    "                          [--capacity n] (tokens of a micro-batch that there is room for) [--profile <trace "
    "file>]\n"
    "                          [--steps n] [--warmup n] [--rank n] [--dropout-percent n] [--threads n] "
    "[--checkpointing off|norms|mlp|attention|full]\n"
    "                          [--forward-only] [--json]\n";

using Command = int (*)(const collie::Words&);

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> known = {
      {"train", collie::train_command},   {"evaluate", collie::evaluate_command},
      {"serve", collie::serve_command},   {"export", collie::export_command},
      {"info", collie::info_command},     {"bench", collie::bench_command},
      {"gemm", collie::gemm_command},     {"checksums", collie::checksums_command},
      {"logits", collie::logits_command}, {"generate", collie::generate_command}};
  return known;
}

int usage(const std::string& problem) {
  std::fprintf(stderr, "collie-rank: %s\n%s", problem.c_str(), kUsage);
  return 2;
}

}  // namespace

int main(int count, char** values) {
  const std::string name = count > 1 ? values[1] : "";
  if (name == "--help" || name == "help") return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
  const auto command = commands().find(name);
  if (command == commands().end()) return usage(name.empty() ? "no command" : "unknown command \"" + name + "\"");
  std::signal(SIGPIPE, SIG_IGN);
  collie::tune_allocator();
  try {
    return command->second(collie::Words(values + 2, values + count));
  } catch (const collie::UsageError& error) {
    return usage(error.what());
  } catch (const std::exception& thrown) {
    collie::print_error(collie::as_error(thrown));
    collie::abort_ranks(1);  // the others wait for this one
    return 1;
  }
}
