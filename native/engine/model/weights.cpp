#include "engine/model/weights.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/normal.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numbers>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/model/model_names.h"
#include "engine/parallel/gathered.h"

namespace collie {
namespace {

constexpr int64_t kRandomGroup = 1 << 20;  // elements

at::ScalarType scalar_type(const TensorView& view) {
  switch (view.dtype) {
    case DType::F32:
      return at::kFloat;
    case DType::BF16:
      return at::kBFloat16;
    case DType::F16:
      return at::kHalf;
    default:
      const std::string received(dtype_name(view.dtype));
      throw Error("model.bad_tensor", "Tensor " + view.name + " has dtype " + received + ", expected BF16, F16 or F32",
                  "Convert the model to one of these, for example with transformers' save_pretrained.",
                  {{"tensor", view.name}, {"expected", "BF16, F16 or F32"}, {"received", received}});
  }
}

std::vector<int64_t> whole_shape(const WeightSlot& slot) { return whole_shape(slot.destination, slot.slice); }

void fill(const WeightSlot& slot, const at::Tensor& whole) {
  if (slot.take)
    slot.take(whole);
  else
    slot.destination.copy_(part_of(whole, slot.slice));
}

void read(const TensorView& view, const WeightSlot& slot) {
  const at::ScalarType type = scalar_type(view);
  const bool aligned = reinterpret_cast<uintptr_t>(view.bytes.data()) % at::elementSize(type) == 0;
  const std::vector<int64_t> shape = whole_shape(slot);
  if (aligned) {
    fill(slot, at::from_blob(const_cast<std::byte*>(view.bytes.data()), shape, type));
    return;
  }
  const at::Tensor copy = at::empty(shape, at::TensorOptions().dtype(type));
  std::memcpy(copy.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  fill(slot, copy);
}

uint64_t name_key(const std::string& name) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

void fill_normal(float* row, int64_t n, Random& random, double deviation) {
  for (int64_t i = 0; i < n; i += 2) {  // Box and Muller 1958
    const double radius = deviation * std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    row[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < n) row[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace

void read_weights(const std::filesystem::path& folder, const ModelConfig& config, const std::vector<WeightSlot>& slots,
                  const std::function<void(double fraction)>& progress) {
  ModelFiles files(folder, config);
  double total = 0, done = 0;
  for (const WeightSlot& slot : slots) total += static_cast<double>(slot.destination.numel());
  for (const WeightSlot& slot : slots) {
    read(files.at(slot.name, whole_shape(slot)), slot);
    if (slot.loaded) slot.loaded();
    done += static_cast<double>(slot.destination.numel());
    if (progress) progress(done / total);
  }
}

namespace {

void draw_on_device(const std::vector<WeightSlot>& slots, uint64_t seed) {
  for (const WeightSlot& slot : slots) {
    const at::Tensor out =
        slot.take ? at::empty(whole_shape(slot), at::TensorOptions().dtype(at::kFloat)) : slot.destination;
    if (out.dim() == 1) {
      out.fill_(slot.start);
    } else {
      at::Generator generator = at::globalContext().defaultGenerator(out.device()).clone();
      generator.set_current_seed(seed ^ name_key(slot.name));
      out.normal_(0, 0.02, generator);
    }
    if (slot.take)
      slot.take(out);
    else if (slot.loaded)
      slot.loaded();
  }
}

void draw_by_name(const std::vector<WeightSlot>& slots, uint64_t seed) {
  // One buffer for all, of a group of rows: copies of whole tables would be the peak of memory, and copies that come and go between
  // weights that are quantized as they arrive would leave holes of their size in the heap.
  int64_t largest_row = 0;
  for (const WeightSlot& slot : slots) largest_row = std::max(largest_row, whole_shape(slot).back());
  const at::Tensor buffer = at::empty({std::max(kRandomGroup, largest_row)}, at::TensorOptions().dtype(at::kFloat));
  float* const data = buffer.mutable_data_ptr<float>();
  for (const WeightSlot& given : slots) {
    WeightSlot slot = given;
    if (slot.take) {
      slot.destination = at::empty(whole_shape(given), at::TensorOptions().dtype(at::kFloat));
      slot.slice = {};
      slot.loaded = [&] { given.take(slot.destination); };
    }
    const at::Tensor& out = slot.destination;
    if (out.dim() == 1) {
      out.fill_(slot.start);
      if (slot.loaded) slot.loaded();
      continue;
    }
    // A part has the numbers that the whole has there: rows are drawn whole, each from a stream of its own.
    const uint64_t name = name_key(slot.name);
    const int64_t cols = whole_shape(slot).back(), group = std::max<int64_t>(1, kRandomGroup / cols);
    const int64_t first_row = slot.slice.dim == 0 ? slot.slice.range.begin : 0;
    const Slice columns = slot.slice.dim == 1 ? slot.slice : Slice{};
    for (int64_t first = 0; first < out.size(0); first += group) {
      const int64_t rows = std::min(group, out.size(0) - first);
      at::parallel_for(0, rows, 64, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          Random random(seed, name + static_cast<uint64_t>(first_row + first + i));
          fill_normal(data + i * cols, cols, random, 0.02);
        }
      });
      out.narrow(0, first, rows).copy_(part_of(buffer.narrow(0, 0, rows * cols).view({rows, cols}), columns));
    }
    if (slot.loaded) slot.loaded();
  }
}

}  // namespace

void random_weights(const std::vector<WeightSlot>& slots, uint64_t seed, RandomSource source) {
  source == RandomSource::device ? draw_on_device(slots, seed) : draw_by_name(slots, seed);
}

}  // namespace collie
