// All loops of one instruction set. Compiled once per set, with COLLIE_CPU_VARIANT naming it.
#include "engine/kernels/cpu/variants/table.h"

#include "engine/kernels/cpu/variants/activations.h"
#include "engine/kernels/cpu/variants/attention.h"
#include "engine/kernels/cpu/variants/columns.h"
#include "engine/kernels/cpu/variants/elements.h"
#include "engine/kernels/cpu/variants/gemm_tasks.h"
#include "engine/kernels/cpu/variants/groups.h"
#include "engine/kernels/cpu/variants/layer_norm.h"
#include "engine/kernels/cpu/variants/loss.h"
#include "engine/kernels/cpu/variants/nf4.h"
#include "engine/kernels/cpu/variants/rows.h"
#include "engine/kernels/cpu/variants/updates.h"

#define COLLIE_JOIN_(a, b) a##b
#define COLLIE_JOIN(a, b) COLLIE_JOIN_(a, b)
#define COLLIE_TEXT_(a) #a
#define COLLIE_TEXT(a) COLLIE_TEXT_(a)

namespace collie::cpu {

const Table& COLLIE_JOIN(table_, COLLIE_CPU_VARIANT)() {
  namespace v = COLLIE_CPU_VARIANT;
  static constexpr Table table = {
      .name = COLLIE_TEXT(COLLIE_CPU_VARIANT),
      .gemm_blocks = {v::kMr, v::kNr, v::kMc, v::kKc, v::kSlice},
      .gemm_scratch_floats = v::gemm_scratch_floats,
      .pack_b = v::pack_b,
      .gemm_task = v::gemm_task,
      .gemv_rows = v::gemv_rows,
      .rms_norm = {v::rms_norm<float>, v::rms_norm<v::bf16>},
      .rms_norm_backward = {v::rms_norm_backward<float>, v::rms_norm_backward<v::bf16>},
      .rms_norm_weight_backward = {v::rms_norm_weight_backward<float>, v::rms_norm_weight_backward<v::bf16>},
      .layer_norm = {v::layer_norm<float>, v::layer_norm<v::bf16>},
      .layer_norm_backward = {v::layer_norm_backward<float>, v::layer_norm_backward<v::bf16>},
      .layer_norm_weight_backward = {v::layer_norm_weight_backward<float>, v::layer_norm_weight_backward<v::bf16>},
      .group_norm = {v::group_norm<float>, v::group_norm<v::bf16>},
      .group_norm_backward = {v::group_norm_backward<float>, v::group_norm_backward<v::bf16>},
      .group_norm_weight_backward = {v::group_norm_weight_backward<float>, v::group_norm_weight_backward<v::bf16>},
      .rotary = {{v::rotary<float>, v::rotary<v::bf16>}, {v::rotary_adjacent<float>, v::rotary_adjacent<v::bf16>}},
      .swiglu = {{v::swiglu<float>, v::swiglu<v::bf16>},
                 {v::gated<float, v::GeluTanh>, v::gated<v::bf16, v::GeluTanh>},
                 {v::gated<float, v::GeluErf>, v::gated<v::bf16, v::GeluErf>},
                 {v::gated<float, v::Relu>, v::gated<v::bf16, v::Relu>}},
      .swiglu_backward = {{v::swiglu_backward<float>, v::swiglu_backward<v::bf16>},
                          {v::gated_backward<float, v::GeluTanh>, v::gated_backward<v::bf16, v::GeluTanh>},
                          {v::gated_backward<float, v::GeluErf>, v::gated_backward<v::bf16, v::GeluErf>},
                          {v::gated_backward<float, v::Relu>, v::gated_backward<v::bf16, v::Relu>}},
      .activate = {{v::activate<float, v::Silu>, v::activate<v::bf16, v::Silu>},
                   {v::activate<float, v::GeluTanh>, v::activate<v::bf16, v::GeluTanh>},
                   {v::activate<float, v::GeluErf>, v::activate<v::bf16, v::GeluErf>},
                   {v::activate<float, v::Relu>, v::activate<v::bf16, v::Relu>}},
      .activate_backward = {{v::activate_backward<float, v::Silu>, v::activate_backward<v::bf16, v::Silu>},
                            {v::activate_backward<float, v::GeluTanh>, v::activate_backward<v::bf16, v::GeluTanh>},
                            {v::activate_backward<float, v::GeluErf>, v::activate_backward<v::bf16, v::GeluErf>},
                            {v::activate_backward<float, v::Relu>, v::activate_backward<v::bf16, v::Relu>}},
      .soft_cap = {v::soft_cap<float>, v::soft_cap<v::bf16>},
      .soft_cap_backward = {v::soft_cap_backward<float>, v::soft_cap_backward<v::bf16>},
      .cross_entropy = {v::cross_entropy<float>, v::cross_entropy<v::bf16>},
      .logit_maxima = {v::logit_maxima<float>, v::logit_maxima<v::bf16>},
      .logit_sums = {v::logit_sums<float>, v::logit_sums<v::bf16>},
      .cross_entropy_of = {v::cross_entropy_of<float>, v::cross_entropy_of<v::bf16>},
      .dropout = {v::dropout_rows<float, false>, v::dropout_rows<v::bf16, false>},
      .dropout_add = {v::dropout_rows<float, true>, v::dropout_rows<v::bf16, true>},
      .affine_columns = {v::affine_columns<float>, v::affine_columns<v::bf16>},
      .column_sums = {v::column_sums<float>, v::column_sums<v::bf16>},
      .attention_scratch_floats = v::attention_scratch_floats,
      .attention_backward_scratch_floats = v::attention_backward_scratch_floats,
      .attention = {v::attention<float>, v::attention<v::bf16>},
      .attention_backward = {v::attention_backward<float>, v::attention_backward<v::bf16>},
      .dequantize_nf4 = {v::dequantize_nf4<float>, v::dequantize_nf4<v::bf16>},
      .update = {{v::update<AdamWRule, float>, v::update<AdamWRule, v::bf16>},
                 {v::update<LionRule, float>, v::update<LionRule, v::bf16>},
                 {v::update<AdanRule, float>, v::update<AdanRule, v::bf16>},
                 {v::update<SophiaRule, float>, v::update<SophiaRule, v::bf16>},
                 {v::update<MomentumRule, float>, v::update<MomentumRule, v::bf16>},
                 {v::update<PlainRule, float>, v::update<PlainRule, v::bf16>}},
      .squared_norm = v::squared_norm,
      .all_finite = {v::all_finite<float>, v::all_finite<v::bf16>},
      .convert = v::convert,
      .add = v::add,
  };
  return table;
}

}  // namespace collie::cpu
