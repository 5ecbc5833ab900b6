// The commands of collie-rank (docs/layers.md). Each returns the exit code, and throws UsageError or collie::Error.
#pragma once

#include <string>
#include <vector>

namespace collie {

using Words = std::vector<std::string>;  // after the command

int train_command(const Words& words);
int evaluate_command(const Words& words);
int serve_command(const Words& words);
int export_command(const Words& words);
int info_command(const Words& words);
int bench_command(const Words& words);
int gemm_command(const Words& words);
int checksums_command(const Words& words);
int logits_command(const Words& words);
int generate_command(const Words& words);

}  // namespace collie
