// What a decoder consists of under a method, as a pure function of both: which projections are fused, what is trained, how far
// the backward pass goes, and the sizes of all buffers. What the engine allocates and what the memory forecast adds up come
// from here, so they cannot drift apart. Legend: N capacity in tokens, D hidden size, Q = heads E, KV = key-value heads E, F
// intermediate size, R sum of the ranks of a linear's parts ("tail"). All sizes are those of one rank: with tensor parallelism
// (Shoeybi et al. 2019, Megatron-LM, arXiv 1909.08053) it has some heads, some of F and some of the vocabulary, with pipeline
// parallelism some layers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/grid/parallel.h"
#include "core/recipe/activation_checkpointing.h"
#include "core/recipe/peft_methods.h"
#include "core/base/precision.h"

namespace collie {

enum class Purpose { serve, train };
// How long gradients live: until the step is complete, or until the backward pass leaves their layer, which updates it.
enum class GradientLife { whole_step, one_layer };

// How a tensor-parallel group shares a linear. rows: each rank has some rows of the weight and makes those outputs. columns: each
// has some columns, takes those inputs, and the ranks' products are added up.
enum class Split { none, rows, columns };

// One projection inside a fused linear.
struct Projection {
  std::string module;     // as in tensor names: "self_attn.q_proj"
  int64_t out_begin = 0;  // first row of the fused weight
  int64_t out = 0;
  int64_t tail_begin = 0;                // first column of the tail
  int64_t rank = 0;                      // columns of the tail; 0: none
  bool adapted = false;                  // the method adds something to it
  int64_t first_row = 0, whole_out = 0;  // place of its rows in those of the whole projection
  int64_t replica = 0, replicas = 1;     // ranks that hold the same rows, and which of them this one is (HeadShare)
};

// Projections of one input, stored as one weight [out, in + tail]: W beside the scaled B of every LoRA-like part. Inputs
// are stored [N, in + tail]: x beside x A^T. One product a direction does base and adapter.
struct LinearLayout {
  std::vector<Projection> parts;
  int64_t in = 0, out = 0, tail = 0;
  Trained weight = Trained::no;
  Quantization quantization = Quantization::none;
  bool adapted = false;  // any part
  bool bias = false;     // all parts
  Split split = Split::none;
  int64_t in_begin = 0, in_whole = 0;  // place of its columns in those of the whole weight
  int64_t width() const { return in + tail; }
  // Elements from one stored row to the next: rows beside a tail begin on 16 bytes in bf16, which the fastest products on a GPU need.
  int64_t row_stride() const { return tail == 0 ? in : (width() + 7) / 8 * 8; }
};
// Place of tensors along a part's outputs, or along the linear's inputs.
Slice row_slice(const LinearLayout& linear, const Projection& part, int64_t dim);
Slice column_slice(const LinearLayout& linear, int64_t dim);

// A norm of a layer; without a module there is none.
struct NormLayout {
  std::string module;  // "input_layernorm"
  int64_t size = 0;
  bool bias = false;
  Trained trained = Trained::no;
  bool exists() const { return !module.empty(); }
};

struct LayerLayout {
  LinearLayout qkv, o, gate_up, down;
  NormLayout attention_norm, q_norm, k_norm, attention_out_norm, mlp_norm, mlp_out_norm;
  std::array<const NormLayout*, 6> norms() const {
    return {&attention_norm, &q_norm, &k_norm, &attention_out_norm, &mlp_norm, &mlp_out_norm};
  }
  std::array<const LinearLayout*, 4> all() const { return {&qkv, &o, &gate_up, &down}; }
};

struct ModelLayout {
  Purpose purpose = Purpose::serve;
  ModelShard shard;
  HeadShare heads;              // of this rank
  Range vocabulary;             // rows of embedding and head
  int64_t vocabulary_size = 0;  // of the whole model
  Range intermediate;
  bool tables = true;               // it has the embedding's table: to look ids up, or as a tied head
  std::vector<LayerLayout> layers;  // of this rank; shard.layer(i) is the index of layer i in the model
  Trained embedding = Trained::no, head = Trained::no, final_norm = Trained::no;  // head: an untied one
  Trained positions = Trained::no, head_bias = Trained::no;
  Masters masters = Masters::fp32;
  // The lowest layer of the rank with something to train in it or below: the backward pass ends with it, and layers below keep no
  // activations. It is 0 when the gradient goes on to the embedding, to virtual tokens or to an earlier stage, and the number of
  // layers when none trains anything.
  int64_t first_trained = 0;
  int64_t lowest_trained = 0;   // the same in the whole model: earlier stages want no gradients when it is above them
  bool input_gradient = false;  // the gradient of the model's input is wanted
  Slice vocabulary_slice() const;  // of the tables
  int64_t virtual_tokens = 0;
  double dropout = 0;      // of an adapter's input, while training
  int64_t bottleneck = 0;  // width of serial adapters; 0: none
  // The layers' linears with the widest tails: buffers that all layers share.
  LayerLayout widest() const;
};

// `method` nullopt: the base model alone. Purpose::serve trains nothing, but has the method's adapter. Throws spec.invalid when the
// heads do not divide by the shard's tensor-parallel size.
ModelLayout model_layout(const ModelConfig& config, const std::optional<MethodSpec>& method, Purpose purpose,
                         Masters masters, Quantization quantization, const ModelShard& shard);

// Whether a method leaves all weights of a linear as they were; `prefix` "model.layers.0.".
bool keeps_linear(const MethodSpec& method, const ModelConfig& config, const std::string& prefix,
                  const LinearLayout& linear);

enum class Element { storage, f32, i32 };
int64_t element_bytes(Element element, Precision precision);

struct BufferShape {
  int64_t rows = 0, cols = 0;
  Element element = Element::storage;
  int64_t bytes(Precision precision) const { return rows * cols * element_bytes(element, precision); }
};

// clang-format off: tables

// What the backward pass needs of one layer. Every buffer is declared here once, with what its rows are (BufferRows), and from which level of
// activation checkpointing on it is made again (Remade). Shapes are in layer_shapes() and shared_shapes(); a buffer of a use that does not
// occur has no rows. With sequence parallelism h1 and h2 are made again from x and x2 in a buffer of all layers.
#define COLLIE_LAYER_BUFFERS(X)                                                                                              \
  X(x, own, never) X(x2, own, full)          /* [M, D] */                                                                    \
  X(h1, normed, norms) X(qkv, all, attention) /* [N, *] */                                                                   \
  X(raw_qk, all, attention)                  /* [N, (H + KV) E] queries and keys before their norms */                       \
  X(attended, all, attention)                /* [N, *] */                                                                    \
  X(attention_out, own, full)                /* [M, D] what attention gives, before the norm of that */                      \
  X(h2, normed, norms) X(gate_up, all, mlp) X(activated, all, norms)                                                         \
  X(mlp_out, own, full)                      /* [M, D] */                                                                    \
  X(rstd1, column, full) X(rstd2, column, full) /* [M, 1] */                                                                 \
  X(mean1, column, full) X(mean2, column, full) /* the same, of LayerNorms */                                                \
  X(rstd_qk, all, attention)                 /* [N, normed groups] */                                                        \
  X(rstd_out1, column, full) X(rstd_out2, column, full)                                                                      \
  X(mean_out1, column, full) X(mean_out2, column, full)                                                                      \
  X(lse, heads, attention)                   /* [heads, N] */                                                                \
  X(serial1, own, full) X(serial2, own, full) /* [M, D + 2 bottleneck] inputs of the serial adapters, inner values before and after activation */

// clang-format on

// own: tokens of the rank's share (TokenShare), M of them, which is N without sequence parallelism; column: the same as one column;
// all: every token, N; normed: all of them, padded (P) and shared by all layers with sequence parallelism; heads: heads, with a column a token.
enum class BufferRows { own, column, all, normed, heads };

// The lowest level that makes a buffer again.
enum class Remade { norms = 1, mlp, attention, full, never };
constexpr bool remakes(ActivationCheckpointing level, Remade from) {
  return static_cast<int>(level) >= static_cast<int>(from);
}

#define COLLIE_BUFFER_SHAPE(name, ...) BufferShape name;
#define COLLIE_BUFFER_LISTED(name, ...) name,

struct LayerShapes {
  COLLIE_LAYER_BUFFERS(COLLIE_BUFFER_SHAPE)
  std::vector<BufferShape> all() const { return {COLLIE_LAYER_BUFFERS(COLLIE_BUFFER_LISTED)}; }
};
LayerShapes layer_shapes(const ModelConfig& config, const ModelLayout& model, const LayerLayout& layer,
                         int64_t capacity);

// clang-format off: a table

// What all layers share, besides the rotary tables. P: padded tokens of all ranks' shares, for collectives.
#define COLLIE_SHARED_BUFFERS(X)                                                                                             \
  X(y, matrix)               /* [P, D] output of a block before it joins the residual */                                     \
  X(h, matrix)               /* [P, widest input] normed, with sequence parallelism */                                       \
  X(outputs, matrix)         /* [slots M, D] of the chunk, for every micro-batch in flight */                                \
  X(final_h, matrix)         /* [P, D] */                                                                                    \
  X(gathered, matrix)        /* [N, D] */                                                                                    \
  X(final_rstd, column)      /* [M, 1] */                                                                                    \
  X(final_mean, column)      /* the same, of a LayerNorm */                                                                  \
  X(losses, column)          /* [N, 1] */                                                                                    \
  X(scales, column)          /* [N, 1] of the targets' gradients, in training */                                             \
  X(logits, matrix)          /* [rows of a chunk, V], rows from 16 bytes to 16 bytes */                                          \
  X(capped, matrix)          /* the same, of logits with a soft cap */                                                       \
  X(statistics, matrix)      /* [3, rows of a chunk] of logits that lie on several ranks */                                  \
  X(integers, matrix)        /* [5, N] ids, positions, targets, rows, correct */                                             \
  X(offsets, column)         /* [N + 1] document borders */                                                                  \
  X(dx, matrix) X(dqkv, matrix) X(dinput, matrix)  /* gradients: residual [M, D], attention's input [N, *], any linear's input [P, *] */ \
  X(branch_dx, matrix)       /* [M, D] dx as a layer got it, for attention beside the MLP */                                 \
  X(adapter_input, matrix)   /* [N, widest input], for adapters that change their input */                                   \
  X(adapter_output, matrix)  /* [N, widest output], for adapters that change their output */                                 \
  X(weight, matrix)          /* [elements of the widest]: a quantized weight as it is computed with */                       \
  X(prompt, matrix)          /* [virtual tokens, *], for methods that compute their vectors */

// clang-format on

struct SharedShapes {
  COLLIE_SHARED_BUFFERS(COLLIE_BUFFER_SHAPE)
  BufferShape rope;  // [2 tables rope_rows(), rotary dimensions / 2]
  std::vector<BufferShape> all() const { return {COLLIE_SHARED_BUFFERS(COLLIE_BUFFER_LISTED) rope}; }
};
// Rows of a rotary table for these positions: twice as many where long documents rotate otherwise than short ones.
int64_t rope_rows(const ModelConfig& config, int64_t positions);
// `capacity` tokens of the largest micro-batch, virtual ones included; `max_document` of the longest document.
SharedShapes shared_shapes(const ModelConfig& config, const ModelLayout& model, const std::optional<MethodSpec>& method,
                           int64_t capacity, int64_t max_document, int64_t slots, Computes computes);

// Of a layer's buffers those that each layer keeps, or those that are made again, which all layers share; the others without rows.
enum class BufferLife { kept, remade };
LayerShapes only(BufferLife life, const LayerShapes& shapes, ActivationCheckpointing level);

// Layers of its largest chunk that a rank keeps buffers of for every micro-batch in flight: from the first trained one on.
int64_t kept_layers(const ModelLayout& model);
// What the i-th of them is sized by.
LayerLayout kept_layout(const ModelLayout& model, int64_t i);

}  // namespace collie
