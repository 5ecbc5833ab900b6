#include "engine/model/gathered_layers.h"

#include <ATen/ops/zeros.h>

#include "engine/quantization/nf4.h"

namespace collie {

namespace {

int64_t whole_rows(const LinearLayout& linear, const Projection& part) {
  return linear.split == Split::rows ? part.whole_out : part.out;
}
int64_t whole_cols(const LinearLayout& linear) { return linear.split == Split::columns ? linear.in_whole : linear.in; }

int64_t bytes_of(const SharedLinear& linear) {
  int64_t bytes = linear.weight.defined() ? static_cast<int64_t>(linear.weight.nbytes()) : 0;
  for (const Nf4Matrix& part : linear.quantized) bytes += bytes_of(part);
  return bytes;
}

}  // namespace

GatheredLayers::GatheredLayers(std::vector<Layer>& layers, const ModelLayout& layout, const at::TensorOptions& storage,
                               Communicator& ranks, Overlap overlap)
    : layers_(layers),
      ranks_(ranks),
      first_trained_(layout.first_trained),
      sets_{make_set(layout, storage), make_set(layout, storage)},
      side_(overlap) {}

GatheredLayers::Set GatheredLayers::make_set(const ModelLayout& layout, const at::TensorOptions& storage) {
  Set set;
  const LayerLayout widest = layout.widest();
  for (size_t number = 0; number < set.size(); ++number) {
    const LinearLayout& linear = *widest.all()[number];
    if (linear.quantization == Quantization::none) {
      set[number].weight = at::zeros({linear.out, linear.row_stride()}, storage);
      continue;
    }
    for (const Projection& part : linear.parts) {
      const Slice slice = linear.split == Split::columns ? column_slice(linear, 1) : row_slice(linear, part, 0);
      set[number].quantized.push_back(
          empty_nf4_part(whole_rows(linear, part), whole_cols(linear), slice, storage.device()));
    }
  }
  return set;
}

void GatheredLayers::gather(size_t layer) {
  present_[layer % 2] = static_cast<int64_t>(layer);
  ready_[layer % 2] = false;
  side_.start([this, layer] {
    for (Linear* linear : layers_[layer].linears()) linear->gather(ranks_);
  });
}

void GatheredLayers::use(size_t layer, Pass pass, Kernels& kernels) {
  const size_t set = layer % 2;
  if (present_[set] != static_cast<int64_t>(layer)) gather(layer);
  if (!ready_[set]) {
    side_.wait();
    for (Linear* linear : layers_[layer].linears()) linear->gathered(kernels);
    ready_[set] = true;
  }
  const int64_t next = static_cast<int64_t>(layer) + (pass == Pass::forward ? 1 : -1);
  const int64_t lowest = pass == Pass::forward ? 0 : first_trained_;
  if (next >= lowest && next < static_cast<int64_t>(layers_.size()) && present_[1 - set] != next)
    gather(static_cast<size_t>(next));
}

void GatheredLayers::forget(size_t layer) {
  if (present_[layer % 2] == static_cast<int64_t>(layer)) present_[layer % 2] = -1;
}

void GatheredLayers::forget() { present_ = {-1, -1}; }

int64_t GatheredLayers::memory_bytes() const {
  int64_t bytes = 0;
  for (const Set& set : sets_)
    for (const SharedLinear& linear : set) bytes += bytes_of(linear);
  return bytes;
}

}  // namespace collie
