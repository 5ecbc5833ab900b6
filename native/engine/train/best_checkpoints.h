// Which evaluations were best, by one metric of one set: their checkpoints are kept, and a run that improves no more ends early. What was measured is
// in checkpoints/best.json, so that a resume knows what the attempts before it knew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/recipe/run_spec.h"

namespace collie {

class BestCheckpoints {
 public:
  struct Measured {
    int64_t step = 0;
    double value = 0;
  };
  struct Decision {
    bool save = false;  // this step is among the best that are kept
    bool stop = false;
  };

  // Takes over what was measured up to `from_step`; what an earlier course measured beyond it is forgotten.
  BestCheckpoints(const BestSpec& spec, const std::filesystem::path& run_folder, int64_t from_step);

  // Of one evaluation; a value that is not finite improves nothing. Writes best.json. Throws disk.full.
  Decision see(int64_t step, double value);

  // Of the steps trained, the best first; at most as many as are kept.
  std::vector<Measured> best() const;
  std::vector<std::string> names() const;
  // Evaluations since the last that improved by at least the least improvement.
  int64_t without_improvement() const;

 private:
  bool better(double a, double b) const { return spec_.highest ? a > b : a < b; }
  void write() const;

  BestSpec spec_;
  std::filesystem::path path_;
  std::vector<Measured> measured_;  // by rising step
};

}  // namespace collie
