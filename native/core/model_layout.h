// What a decoder consists of under a method, as a pure function of both: which projections are fused, what is trained, how far
// the backward pass goes, and the sizes of all buffers. What the engine allocates and what the memory forecast adds up come
// from here, so they cannot drift apart. Legend: N capacity in tokens, D hidden size, Q = heads E, KV = key-value heads E, F
// intermediate size, R sum of the ranks of a linear's parts ("tail").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model_config.h"
#include "core/peft_methods.h"
#include "core/precision.h"

namespace collie {

enum class Purpose { serve, train };
enum class ActivationCheckpointing { off, every_layer };
// How long gradients live: until the step is complete, or until the backward pass leaves their layer, which updates it.
enum class GradientLife { whole_step, one_layer };

// One projection inside a fused linear.
struct Projection {
  std::string module;     // as in tensor names: "self_attn.q_proj"
  int64_t out_begin = 0;  // first row of the fused weight
  int64_t out = 0;
  int64_t tail_begin = 0;  // first column of the tail
  int64_t rank = 0;        // columns of the tail; 0: none
  bool adapted = false;    // the method adds something to it
};

// Projections of one input, stored as one weight [out, in + tail]: W beside the scaled B of every LoRA-like part. Inputs
// are stored [N, in + tail]: x beside x A^T. One product a direction does base and adapter.
struct LinearLayout {
  std::vector<Projection> parts;
  int64_t in = 0, out = 0, tail = 0;
  Trained weight = Trained::no;
  Quantization quantization = Quantization::none;
  bool adapted = false;  // any part
  int64_t width() const { return in + tail; }
};

struct LayerLayout {
  LinearLayout qkv, o, gate_up, down;
  Trained input_norm = Trained::no, mlp_norm = Trained::no;
  std::array<const LinearLayout*, 4> all() const { return {&qkv, &o, &gate_up, &down}; }
};

struct ModelLayout {
  Purpose purpose = Purpose::serve;
  std::vector<LayerLayout> layers;
  Trained embedding = Trained::no, head = Trained::no, final_norm = Trained::no;  // head: an untied one
  Masters masters = Masters::fp32;
  // The lowest layer with something to train: the backward pass ends with it, and layers below keep no activations. It is 0
  // when the gradient goes on to the embedding or to virtual tokens, and the number of layers when none trains anything.
  int64_t first_trained = 0;
  bool input_gradient = false;  // the gradient of the first layer's input is wanted
  int64_t virtual_tokens = 0;
  double dropout = 0;           // of an adapter's input, while training
  int64_t bottleneck = 0;       // width of serial adapters; 0: none
  // The layers' linears with the widest tails: buffers that all layers share.
  LayerLayout widest() const;
};

// `method` nullopt: the base model alone. Purpose::serve trains nothing, but has the method's adapter.
ModelLayout model_layout(const ModelConfig& config, const std::optional<MethodSpec>& method, Purpose purpose,
                         Masters masters = Masters::fp32, Quantization quantization = Quantization::none);

// Whether a method leaves all weights of a linear as they were; `prefix` "model.layers.0.".
bool keeps_linear(const MethodSpec& method, const ModelConfig& config, const std::string& prefix, const LinearLayout& linear);

enum class Element { storage, f32, i32 };
int64_t element_bytes(Element element, Precision precision);

struct BufferShape {
  int64_t rows = 0, cols = 0;
  Element element = Element::storage;
  int64_t bytes(Precision precision) const { return rows * cols * element_bytes(element, precision); }
};

// What the backward pass needs of one layer. Buffers of a use that does not occur have no rows.
struct LayerShapes {
  BufferShape x, h1, qkv, attended, x2, h2, gate_up, activated;  // [N, *]
  BufferShape rstd1, rstd2;                                      // [N, 1]
  BufferShape lse;                                               // [heads, N]
  BufferShape serial1, serial2;  // [N, D + 2 bottleneck] inputs of the serial adapters, inner values before and after activation
  std::array<BufferShape, 13> all() const {
    return {x, h1, qkv, attended, x2, h2, gate_up, activated, rstd1, rstd2, lse, serial1, serial2};
  }
};
LayerShapes layer_shapes(const ModelConfig& config, const ModelLayout& model, const LayerLayout& layer, int64_t capacity);

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
  BufferShape adapter_input;              // [N, widest input], for adapters that change their input
  BufferShape adapter_output;             // [N, widest output], for adapters that change their output
  BufferShape weight;                     // [elements of the widest]: a quantized weight as it is computed with
  BufferShape prompt;                     // [virtual tokens, *], for methods that compute their vectors
  std::array<BufferShape, 17> all() const {
    return {y,       final_x, final_h, gathered, final_rstd,    losses,         logits, integers,
            offsets, rope,    dx,      dqkv,     dinput,        adapter_input,  adapter_output, weight, prompt};
  }
};
// `capacity` tokens of the largest micro-batch, virtual ones included; `max_document` of the longest document.
SharedShapes shared_shapes(const ModelConfig& config, const ModelLayout& model, const std::optional<MethodSpec>& method,
                           int64_t capacity, int64_t max_document, Precision precision);

// Sets of layer buffers held at once, and how many more layers hold only their input.
struct KeptLayers {
  int64_t whole = 0, inputs = 0;
};
KeptLayers kept_layers(const ModelConfig& config, const ModelLayout& model, ActivationCheckpointing checkpointing);

}  // namespace collie
