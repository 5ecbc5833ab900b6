// Activation buffers, allocated once. A step works on views of the first n rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/plan/model_layout.h"
#include "engine/model/rotary_table.h"

namespace collie {

// What the backward pass needs of one layer; shapes in core/plan/model_layout.h.
#define COLLIE_BUFFER_TENSOR(name, ...) at::Tensor name;

struct LayerBuffers {
  COLLIE_LAYER_BUFFERS(COLLIE_BUFFER_TENSOR)
};

// The first rows of a buffer as if it were `cols` wide: adjacent, whatever its own width.
inline at::Tensor rows_of(const at::Tensor& buffer, int64_t rows, int64_t cols) {
  return buffer.flatten().narrow(0, 0, rows * cols).view({rows, cols});
}

struct SharedBuffers {
  COLLIE_SHARED_BUFFERS(COLLIE_BUFFER_TENSOR)
  std::vector<RotaryTable> ropes;  // of ModelConfig::ropes

  // The input gradient of a linear, in the buffer that all linears share.
  at::Tensor input_gradient(int64_t rows, int64_t width) const { return rows_of(dinput, rows, width); }
};

struct WorkspaceOptions {
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  int64_t capacity = 0, max_document = 0;
  int64_t slots = 1;  // micro-batches in flight
  Precision precision = Precision::fp32;
  at::Device device = at::kCPU;
};

class Workspace {
 public:
  Workspace(const ModelConfig& config, const ModelLayout& model, const std::optional<MethodSpec>& method,
            const WorkspaceOptions& options);

  // Buffers of a layer, of n tokens: rows of the rank's share, of all tokens, or (h1, h2) padded ones. Layers share those that activation
  // checkpointing makes again, and all when nothing is trained; so do layers below the first trained one: forward overwrites what an
  // earlier layer left. `slot`: the micro-batch in flight that they are of.
  LayerBuffers layer(int64_t index, int64_t n, int64_t slot = 0) const;
  // What a chunk gives to the next one, and later the gradient that it gives back, [M, D].
  at::Tensor output(int64_t n, int64_t slot) const;
  // The gradient of the residual stream on its way down, [M, D].
  at::Tensor residual_gradient(int64_t n) const { return shared_.dx.narrow(0, 0, token_share(shard_, n).own); }
  const SharedBuffers& shared() const { return shared_; }
  // Where the rotary tables have the row of a document's first position, by its length.
  int64_t first_rope_row(const ModelConfig& config, int64_t length) const;
  // Longer documents than planned (a conversation): makes the rotary tables longer.
  void reserve_positions(const ModelConfig& config, int64_t positions);
  int64_t bytes() const { return bytes_; }

 private:
  int64_t place_of(int64_t index) const;
  at::Tensor allocate(const BufferShape& shape);
  LayerBuffers allocate_layer(const LayerShapes& shapes);
  SharedBuffers allocate_shared(const SharedShapes& shapes);

  WorkspaceOptions options_;
  ModelShard shard_;
  int64_t first_;                   // the first trained layer
  std::vector<Range> chunks_;       // local layers of each chunk
  int64_t per_slot_ = 1;            // layers that a micro-batch in flight keeps
  std::vector<LayerBuffers> kept_;  // slot by slot
  LayerBuffers remade_;             // of all layers
  SharedBuffers shared_;
  int64_t positions_ = 0;  // that the rotary tables are made for
  int64_t bytes_ = 0;
};

}  // namespace collie
