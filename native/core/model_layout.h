// The buffers that a decoder needs, as a pure function of its configuration: what the engine allocates and what the memory
// forecast adds up come from here, so they cannot drift apart. Legend: N capacity in tokens, D hidden size, Q = heads E,
// KV = key-value heads E, F intermediate size, R sum of the LoRA ranks of a linear's parts ("tail").
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/model_config.h"
#include "core/precision.h"

namespace collie {

// What is trained: nothing (serving), the adapter, or every weight.
enum class TrainMode { none, lora, full };
enum class ActivationCheckpointing { off, every_layer };

// One projection inside a fused linear.
struct Projection {
  std::string module;     // as in tensor names: "self_attn.q_proj"
  int64_t out_begin = 0;  // first row of the fused weight
  int64_t out = 0;
  int64_t tail_begin = 0;  // first column of the tail
  int64_t rank = 0;        // 0: no adapter
};

// Projections of one input, stored as one weight [out, in + tail]: W beside the scaled LoRA B of every adapted part. Inputs
// are stored [N, in + tail]: x beside x A^T. One product a direction does base and adapter.
struct LinearLayout {
  std::vector<Projection> parts;
  int64_t in = 0, out = 0, tail = 0;
  int64_t width() const { return in + tail; }
};

struct LayerLayout {
  LinearLayout qkv, o, gate_up, down;
  std::array<const LinearLayout*, 4> all() const { return {&qkv, &o, &gate_up, &down}; }
};

// `rank` 0 or no targets: no adapter. Targets are the last parts of module names, e.g. "q_proj".
LayerLayout layer_layout(const ModelConfig& config, int64_t rank, const std::vector<std::string>& targets);

enum class Element { storage, f32, i32 };
int64_t element_bytes(Element element, Precision precision);

struct BufferShape {
  int64_t rows = 0, cols = 0;
  Element element = Element::storage;
  int64_t bytes(Precision precision) const { return rows * cols * element_bytes(element, precision); }
};

// What the backward pass needs of one layer.
struct LayerShapes {
  BufferShape x, h1, qkv, attended, x2, h2, gate_up, activated;  // [N, *]
  BufferShape rstd1, rstd2;                                      // [N, 1]
  BufferShape lse;                                               // [heads, N]
  std::array<BufferShape, 11> all() const {
    return {x, h1, qkv, attended, x2, h2, gate_up, activated, rstd1, rstd2, lse};
  }
};
LayerShapes layer_shapes(const ModelConfig& config, const LayerLayout& layout, int64_t capacity);

// What all layers share. Buffers of a use that does not occur have no rows.
struct SharedShapes {
  BufferShape y;                          // [N, D] output of a block before it joins the residual
  BufferShape final_x, final_h, gathered;  // [N, D]
  BufferShape final_rstd, losses;         // [N, 1]
  BufferShape logits;                     // [rows of a chunk, V]
  BufferShape integers;                   // [5, N] ids, positions, targets, rows, correct
  BufferShape offsets;                    // [N + 1] document borders
  BufferShape rope;                       // [2 max_document, E / 2]
  BufferShape dx, dqkv, dinput;           // gradients: residual, attention's input, any linear's input
  BufferShape dropped;                    // [N, widest input], with dropout only
  std::array<BufferShape, 14> all() const {
    return {y, final_x, final_h, gathered, final_rstd, losses, logits, integers, offsets, rope, dx, dqkv, dinput, dropped};
  }
};
struct SharedUse {
  TrainMode mode = TrainMode::none;
  double dropout = 0;
  int64_t capacity = 0, max_document = 0;
};
SharedShapes shared_shapes(const ModelConfig& config, const LayerLayout& layout, const SharedUse& use, Precision precision);

// Layers whose activations are held at once, and how many of them hold only their input.
struct KeptLayers {
  int64_t whole = 0, inputs = 0;
};
KeptLayers kept_layers(const ModelConfig& config, TrainMode mode, ActivationCheckpointing checkpointing);

}  // namespace collie
