// In which order a pipeline rank works on its micro-batches: 1F1B (Narayanan et al. 2019, PipeDream-Flush) with one chunk of layers
// a rank, interleaved 1F1B (Narayanan et al. 2021, arXiv 2104.04473, section 2.2) with more. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace collie {

enum class Pass { forward, backward };

struct PipelineAction {
  Pass pass = Pass::forward;
  int64_t micro_batch = 0;
  int64_t chunk = 0;  // of the rank
  bool operator==(const PipelineAction&) const = default;
};

// Actions of one rank in order. Every rank follows its own list, waiting for the input of each action; the lists of all ranks
// together never wait for each other in a circle. Interleaving works in groups of `stages` micro-batches; a last group may be smaller.
std::vector<PipelineAction> pipeline_schedule(int64_t stage, int64_t stages, int64_t micro_batches, int64_t chunks);

// Pairs of micro-batch and chunk whose forward pass is done and backward pass is not, at most at any time: sets of activations.
int64_t most_in_flight(const std::vector<PipelineAction>& actions);

}  // namespace collie
