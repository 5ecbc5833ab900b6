// collie-fuzz: feeds damaged files to the parsers under the sanitizers and counts what became of them.
//   collie-fuzz [--target name] [--runs n] [--seed n] [--seeds folder]    mutations of the seeds; the same for the same numbers
//   collie-fuzz --target name --file path                                 one input, as one that has failed was kept
// The input that is being read is kept in $COLLIE_FUZZ_INPUT (else collie-fuzz-input), so that one that ends the process is at hand.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "mutate.h"
#include "targets.h"

namespace {

using collie::fuzz::Target;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path input_path() {
  const char* given = std::getenv("COLLIE_FUZZ_INPUT");
  return given != nullptr ? given : "collie-fuzz-input";
}

std::string feed(const Target& target, const std::string& input) {
  std::ofstream(input_path(), std::ios::binary) << input;
  return target.read(std::as_bytes(std::span(input.data(), input.size())));
}

// What the target brings itself, mostly nests of every depth, and the files that are kept: whole ones, and those that have failed once.
struct Seeds {
  std::vector<std::string> built, kept;
  // Most of the time a kept one: damage to what is sound gets further.
  const std::string& pick(collie::fuzz::Random& random) const {
    const std::vector<std::string>& list = !kept.empty() && random.below(4) > 0 ? kept : built;
    return list[random.below(list.size())];
  }
};

Seeds seeds_of(const Target& target, const std::filesystem::path& folder) {
  Seeds seeds{target.seeds(), {}};
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder / target.name, ignored))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) seeds.kept.push_back(read_text(file));
  return seeds;
}

void run(const Target& target, const Seeds& seeds, uint64_t runs, uint64_t seed) {
  std::map<std::string, uint64_t> outcomes;
  std::vector<std::string> all = seeds.built;
  all.insert(all.end(), seeds.kept.begin(), seeds.kept.end());
  for (const std::string& input : all) ++outcomes[feed(target, input)];
  collie::fuzz::Random random(seed);
  for (uint64_t i = 0; i < runs; ++i) ++outcomes[feed(target, mutate(seeds.pick(random), all, random))];
  std::printf("%-12s %zu seeds, %llu mutations:", target.name, all.size(), static_cast<unsigned long long>(runs));
  for (const auto& [outcome, count] : outcomes)
    std::printf(" %s %llu", outcome.c_str(), static_cast<unsigned long long>(count));
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** values) {
  std::map<std::string, std::string> options = {
      {"target", ""}, {"runs", "2000"}, {"seed", "1"}, {"seeds", COLLIE_FUZZ_SEEDS}, {"file", ""}};
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = std::string(values[i]).substr(std::min<size_t>(2, std::strlen(values[i])));
    if (!options.contains(name)) return std::fprintf(stderr, "collie-fuzz: unknown option %s\n", values[i]), 2;
    options[name] = values[i + 1];
  }
  bool found = false;
  for (const Target& target : collie::fuzz::targets()) {
    if (!options["target"].empty() && options["target"] != target.name) continue;
    found = true;
    if (!options["file"].empty())
      std::printf("%s: %s\n", target.name, feed(target, read_text(options["file"])).c_str());
    else
      run(target, seeds_of(target, options["seeds"]), std::stoull(options["runs"]), std::stoull(options["seed"]));
  }
  std::filesystem::remove(input_path());
  return found ? 0 : (std::fprintf(stderr, "collie-fuzz: no target %s\n", options["target"].c_str()), 2);
}
