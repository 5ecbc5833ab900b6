// Plain arguments of the CPU loops: raw pointers and strides, no ATen, so that files compiled for newer instruction sets
// share no inline code with the rest of the program. Strides count elements.
#pragma once

#include <cstdint>

namespace collie::cpu {

enum class Storage : uint8_t { f32, bf16 };

struct ConstMatrix {
  const void* data;
  Storage storage;
  int64_t row_stride, col_stride;
};

struct Matrix {
  void* data;
  Storage storage;
  int64_t row_stride;  // columns are adjacent
};

// Blocks of the GEMM: a task multiplies `mc` rows by a slice of packed columns, `kc` terms of the sum at a time.
struct GemmBlocks {
  int64_t mr, nr;         // micro tile, fixed by the registers of the instruction set
  int64_t mc, kc, slice;  // fit in the second-level cache; mc is a multiple of mr, slice of nr
};

struct GemmTask {
  ConstMatrix a;
  const float* packed_b;  // pack_b layout, all k terms of columns [0, n_packed)
  Matrix c;
  int64_t row0, rows;  // of a and c
  int64_t col0, cols;  // of packed_b; col0 is a multiple of nr
  int64_t n_packed;    // a multiple of nr
  int64_t k;
  float alpha, beta;
  float* scratch;  // gemm_scratch_floats(blocks) floats of this thread
};

// y[rows, cols] = alpha x[rows, k] w[cols, k]^T + beta y, in one pass over w.
struct FewRows {
  const float* x;  // rows one after another
  ConstMatrix w;   // its terms adjacent
  Matrix y;
  int64_t rows, k;
  float alpha, beta;
};

struct RmsNormArgs {
  const void* x;         // [rows, dim]
  const void* residual;  // added to x first, or null
  void* sum_out;         // [rows, dim] x + residual, when residual is given
  const void* weight;    // [dim]
  void* y;
  float* rstd;  // [rows], or null
  int64_t residual_stride, y_stride, dim;
  float eps, offset;  // y = normed (offset + weight)
};

struct RmsNormBackwardArgs {
  const void* x;  // [rows, dim]
  const void* weight;
  const void* dy;
  const float* rstd;
  void* dx;        // [rows, dim], added to
  float* dweight;  // [dim], added to
  int64_t dy_stride, dim, rows;
  float offset;
};

struct LayerNormArgs {
  const void* x;         // [rows, dim]
  const void* residual;  // added to x first, or null
  void* sum_out;         // [rows, dim] x + residual, when residual is given
  const void* weight;    // [dim]
  const float* bias;     // [dim], or null
  void* y;
  float* rstd;  // [rows], or null
  float* mean;  // the same
  int64_t residual_stride, y_stride, dim;
  float eps, offset;
};

struct LayerNormBackwardArgs {
  const void* x;  // [rows, dim]
  const void* weight;
  const void* dy;
  const float* rstd;
  const float* mean;
  void* dx;        // [rows, dim], added to
  float* dweight;  // [dim], added to
  int64_t dy_stride, dim, rows;
  float offset;
};

struct GroupNormArgs {
  const void* x;       // [rows, groups * dim]
  const void* weight;  // [dim]
  void* y;             // [rows, groups * dim]; backward dy, overwritten with dx
  float* rstd;         // [rows, groups], rows rstd_stride apart
  float* dweight;      // [dim], added to
  int64_t x_stride, y_stride, rstd_stride, groups, dim, rows;
  float eps, offset;
};

struct RotaryArgs {
  void* x;  // [rows, heads * head_dim]
  const int32_t* positions;
  const float* cos;  // [positions, half]
  const float* sin;
  int64_t x_stride, heads, head_dim;
  int64_t half;  // pairs of a head
  float sign;    // +1 forward, -1 backward
};

struct SwigluArgs {
  void* gate_up;  // [rows, 2 * dim]; backward overwrites it with the gradient
  void* y;        // [rows, dim]: output, or its gradient
  int64_t y_stride, dim;
};

struct ActivationArgs {
  void* x;  // [rows, dim]; backward overwrites it with its gradient
  void* y;  // [rows, dim]: output, or its gradient
  int64_t y_stride, dim;
};

struct SoftCapArgs {
  void* y;   // [rows, cols]
  void* dx;  // null forward
  int64_t y_stride, dx_stride, cols;
  float cap;
};

struct CrossEntropyArgs {
  void* logits;  // [rows, vocab]; overwritten with the gradient where there are scales
  const int32_t* targets;
  float* losses;     // [rows]
  int32_t* correct;  // [rows], or null
  int64_t vocab, logits_stride;
  const float* scales;  // [rows], of the gradient; or null: none
  // With a shared vocabulary: [rows], [2, rows]; else null.
  float* maxima;
  float* sums;
  int64_t rows;
};

struct DropoutArgs {
  const void* x;
  void* y;
  int64_t x_stride, y_stride, cols;
  uint64_t key;
  float rate;
  int64_t first_column;
};

struct ColumnAffineArgs {
  const void* x;
  const float* factors;  // [cols], or null
  const float* shifts;   // [cols], or null
  void* y;
  int64_t x_stride, y_stride, cols;
};

struct ColumnSumsArgs {
  const void* a;
  const void* b;         // or null
  const float* factors;  // [cols], or null
  float* sums;           // [cols], added to
  int64_t a_stride, b_stride, rows;
};

// One query block of one key-value head of one document. Query rows are head-major: row g * q_len + i is head g, query i.
struct AttentionArgs {
  const void* q;  // first query of the document's first head in the group
  const void* k;  // first key of the document
  const void* v;
  void* out;
  float* lse;  // [group, lse_stride]: log of the sum of exponents, or null
  int64_t q_stride, kv_stride, out_stride, lse_stride;
  int64_t group, head_dim, q_len, k_len;  // q_len <= k_len: queries are the last q_len positions
  int64_t window;                         // 0: none
  float scale, softcap;                   // softcap 0: none
  float* scratch;
  int64_t block;  // queries at a time
};

struct AttentionBackwardArgs {
  AttentionArgs forward;
  const void* dout;
  void* dq;
  void* dk;
  void* dv;
  int64_t dout_stride, dq_stride, dkv_stride;
};

struct Nf4Args {
  const uint8_t* codes;
  const uint8_t* magnitudes;
  const float* scales;
  const float* map;     // [256]
  const float* levels;  // [16]
  void* out;
  int64_t out_stride, cols, block, scale_block;
  float offset;
  int64_t first_block, part_blocks, whole_blocks;
};

struct UpdateArgs {
  void* weight;
  const float* grad;
  float* state[4];
  const void* rule;  // a struct of element_rules.h
  float grad_scale;
  uint64_t rounding_key;
  int64_t first_element;
};

}  // namespace collie::cpu
