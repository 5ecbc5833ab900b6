// The loops of one instruction set, as a table of functions. Row functions work on rows [begin, end): threads are started
// outside. Functions that exist per storage format are indexed by Storage.
#pragma once

#include "engine/kernels/cpu/args.h"

namespace collie::cpu {

struct Table {
  const char* name;
  GemmBlocks gemm_blocks;
  int64_t (*gemm_scratch_floats)();
  // Columns [col0, col0 + cols) of b[k, *] to column panel0 (a multiple of nr) of the layout of GemmTask::packed_b.
  void (*pack_b)(const ConstMatrix& b, int64_t k, int64_t col0, int64_t cols, int64_t panel0, int64_t n_packed,
                 float* packed);
  void (*gemm_task)(const GemmTask& task);
  void (*gemv_rows)(const FewRows& product, int64_t begin, int64_t end);  // of columns

  void (*rms_norm[2])(const RmsNormArgs&, int64_t begin, int64_t end);
  void (*rms_norm_backward[2])(const RmsNormBackwardArgs&, int64_t begin, int64_t end);
  void (*rms_norm_weight_backward[2])(const RmsNormBackwardArgs&, int64_t col_begin, int64_t col_end);
  void (*layer_norm[2])(const LayerNormArgs&, int64_t begin, int64_t end);
  void (*layer_norm_backward[2])(const LayerNormBackwardArgs&, int64_t begin, int64_t end);
  void (*layer_norm_weight_backward[2])(const LayerNormBackwardArgs&, int64_t col_begin, int64_t col_end);
  void (*group_norm[2])(const GroupNormArgs&, int64_t begin, int64_t end);
  void (*group_norm_backward[2])(const GroupNormArgs&, int64_t begin, int64_t end);
  void (*group_norm_weight_backward[2])(const GroupNormArgs&, int64_t col_begin, int64_t col_end);
  void (*rotary[2][2])(const RotaryArgs&, int64_t begin, int64_t end);  // by RotaryPairs
  void (*swiglu[4][2])(const SwigluArgs&, int64_t begin, int64_t end);  // by Activation
  void (*swiglu_backward[4][2])(const SwigluArgs&, int64_t begin, int64_t end);
  void (*activate[4][2])(const ActivationArgs&, int64_t begin, int64_t end);  // by Activation
  void (*activate_backward[4][2])(const ActivationArgs&, int64_t begin, int64_t end);
  void (*soft_cap[2])(const SoftCapArgs&, int64_t begin, int64_t end);
  void (*soft_cap_backward[2])(const SoftCapArgs&, int64_t begin, int64_t end);
  void (*cross_entropy[2])(const CrossEntropyArgs&, int64_t begin, int64_t end);
  void (*logit_maxima[2])(const CrossEntropyArgs&, int64_t begin, int64_t end);
  void (*logit_sums[2])(const CrossEntropyArgs&, int64_t begin, int64_t end);
  void (*cross_entropy_of[2])(const CrossEntropyArgs&, int64_t begin, int64_t end);
  void (*dropout[2])(const DropoutArgs&, int64_t begin, int64_t end);      // y = mask(x) / (1 - rate)
  void (*dropout_add[2])(const DropoutArgs&, int64_t begin, int64_t end);  // y += mask(x) / (1 - rate)
  void (*affine_columns[2])(const ColumnAffineArgs&, int64_t begin, int64_t end);
  void (*column_sums[2])(const ColumnSumsArgs&, int64_t col_begin, int64_t col_end);

  int64_t (*attention_scratch_floats)(const AttentionArgs&);           // of attention()
  int64_t (*attention_backward_scratch_floats)(const AttentionArgs&);  // of attention_backward()
  void (*attention[2])(const AttentionArgs&, int64_t query_begin, int64_t query_end);
  void (*attention_backward[2])(const AttentionBackwardArgs&);

  void (*dequantize_nf4[2])(const Nf4Args&, int64_t begin, int64_t end);

  void (*update[6][2])(const UpdateArgs&, int64_t begin, int64_t end);  // by place in ElementRule
  double (*squared_norm)(const float* x, int64_t n);
  bool (*all_finite[2])(const void* x, int64_t n);
  // dst = scale * src; dst += scale * src. One row of n elements each.
  void (*convert)(const void* src, Storage from, void* dst, Storage to, float scale, int64_t n);
  void (*add)(const void* src, Storage from, void* dst, Storage to, int64_t n);
};

const Table& table_baseline();
#ifdef COLLIE_X86
const Table& table_avx2();
const Table& table_avx512();
#endif

}  // namespace collie::cpu
