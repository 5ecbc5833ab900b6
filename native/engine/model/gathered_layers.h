// ZeRO 3 (Rajbhandari et al. 2020, arXiv 1910.02054): the matrices of a layer are with their owners among the data-parallel ranks, come
// together when the layer is computed, and are gone when the next but one takes their place. The next one comes while a layer is
// computed. Norms, tables and adapters, which are small or used at both ends of a pass, stay on every rank.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/plan/model_layout.h"
#include "core/grid/pipeline_schedule.h"
#include "engine/model/layer.h"
#include "engine/parallel/side_thread.h"

namespace collie {

class GatheredLayers {
 public:
  // Memory for two layers. `layers` are made with buffers(), and are complete before the first use(); all must outlive it.
  GatheredLayers(std::vector<Layer>& layers, const ModelLayout& layout, const at::TensorOptions& storage,
                 Communicator& ranks, Overlap overlap);

  // Where the linears of a layer are put together.
  const std::array<SharedLinear, 4>& buffers(size_t layer) const { return sets_[layer % 2]; }
  // The layer's weights, ready to compute with; from now on the next one of the pass is on its way. By all ranks in the same order.
  void use(size_t layer, Pass pass, Kernels& kernels);
  // Weights have changed: what is here of a layer, or of all, is old.
  void forget(size_t layer);
  void forget();

  int64_t memory_bytes() const;

 private:
  using Set = std::array<SharedLinear, 4>;

  static Set make_set(const ModelLayout& layout, const at::TensorOptions& storage);
  void gather(size_t layer);

  std::vector<Layer>& layers_;
  Communicator& ranks_;
  int64_t first_trained_;
  std::array<Set, 2> sets_;
  std::array<int64_t, 2> present_ = {-1, -1};   // the layer that is in a set or on its way there
  std::array<bool, 2> ready_ = {false, false};  // with what adapters put beside it
  SideThread side_;
};

}  // namespace collie
