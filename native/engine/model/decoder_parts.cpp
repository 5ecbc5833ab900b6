// Construction, parameter names and memory of a decoder.
#include <algorithm>

#include "engine/model/decoder_impl.h"

namespace collie {
namespace {

void append(std::vector<Parameter>& to, std::vector<Parameter> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

Decoder::Impl::Impl(const ModelConfig& c, const DecoderOptions& o)
    : config(c),
      options(o),
      base(o.base ? o.base->impl_->shared_base(*o.method) : SharedBase{}),
      layout(model_layout(c, o.method, o.purpose, o.masters, o.quantization,
                          model_shard(c, o.parallel.spec, o.parallel.place))),
      kernels(make_kernels(o.device)),
      workspace(c, layout, o.method,
                {o.checkpointing, o.capacity_tokens, o.max_document, o.slots, o.precision, o.device}) {
  const Parallel& grid = o.parallel;
  if (grid.spec.zero_stage > 0 && grid.dp->size() > 1)
    owners = ParameterOwners(c, layout.shard, o.method, grid.dp->size(), grid.dp->rank());
  if (grid.weights) gathered.emplace(layers, layout, storage_of(o), *grid.weights, o.overlap);
  const HeadShare& heads = layout.heads;
  if (heads.kv_replicas > 1) replicas = tp().split(heads.kv_heads.begin, layout.shard.tp_rank, "key-value head");
  make_tables();
  const int64_t n_layers = layout.shard.n_layers();
  layers.reserve(static_cast<size_t>(n_layers));
  // Layers below the first trained one have no gradients to share.
  const auto first = static_cast<size_t>(layout.first_trained);
  for (int64_t i = 0; i < n_layers; ++i) {
    const bool shares = o.gradients == GradientLife::one_layer && layers.size() > first;
    layers.emplace_back(LayerOptions{.config = c,
                                     .model = layout,
                                     .method = o.method ? &*o.method : nullptr,
                                     .index = i,
                                     .storage = storage_of(o),
                                     .seed = o.seed,
                                     .weight_scratch = workspace.shared().weight,
                                     .tp = tp(),
                                     .base = base,
                                     .owners = owners,
                                     .gathered = gathered ? &gathered->buffers(static_cast<size_t>(i)) : nullptr},
                        shares ? &layers[first] : nullptr);
  }
  if (o.method)
    prompt = make_prompt_adapter(*o.method, {.config = config,
                                             .virtual_tokens = layout.virtual_tokens,
                                             .device = o.device,
                                             .purpose = o.purpose,
                                             .seed = o.seed,
                                             .model = layout,
                                             .tp = tp(),
                                             .work = workspace.shared().prompt});
  target_rows.reserve(static_cast<size_t>(o.capacity_tokens));
  target_ids.reserve(static_cast<size_t>(o.capacity_tokens));
  collect_parameters();
  make_method();
}

void Decoder::Impl::make_method() {
  if (layout.purpose != Purpose::train || !options.method) return;
  std::vector<LinearAdapter*> adapters;
  each_linear([&](Linear& linear) {
    if (linear.adapter()) adapters.push_back(linear.adapter());
  });
  method = make_model_method(*options.method, adapters);
}

void Decoder::Impl::each_weight(const std::function<void(BaseWeight&)>& visit) {
  if (embedding) visit(*embedding);
  if (position_table) visit(*position_table);
  for (Layer& layer : layers)
    for (BaseWeight* weight : layer.weights()) visit(*weight);
  for (BaseWeight* weight : after_layers()) visit(*weight);
}

void Decoder::Impl::each_linear(const std::function<void(Linear&)>& visit) {
  for (Layer& layer : layers)
    for (Linear* linear : layer.linears()) visit(*linear);
}

void Decoder::Impl::each_linear_in_use(const std::function<void(Linear&)>& visit) {
  for (size_t i = 0; i < layers.size(); ++i)
    for (Linear* linear : use_layer(i, Pass::forward).linears()) visit(*linear);
  if (gathered) gathered->forget();  // what adapters put beside the weights was not ready before
}

Layer& Decoder::Impl::use_layer(size_t index, Pass pass) {
  if (gathered) gathered->use(index, pass, *kernels);
  return layers[index];
}

void Decoder::Impl::each_serial(const std::function<void(SerialAdapter&)>& visit) {
  for (Layer& layer : layers)
    for (SerialAdapter* serial : layer.serials()) visit(*serial);
}

std::vector<WeightSlot> Decoder::Impl::slots() {
  std::vector<WeightSlot> all;
  each_weight([&](BaseWeight& weight) {
    if (weight.shares_weight()) return;
    all.push_back({.name = weight.name(),
                   .destination = weight.base(),
                   .slice = weight.slice(),
                   .ownership = weight.ownership(),
                   .start = weight.name().ends_with(".bias") ? 0 : 1 - config.traits.norm_offset});
  });
  for (size_t i = 0; i < layers.size(); ++i)
    for (Linear* linear : layers[i].linears()) {
      if (linear->shares_weight()) continue;
      for (const Projection& part : linear->layout().parts) {
        WeightSlot slot{.name = "model.layers." + std::to_string(layout.shard.layer(static_cast<int64_t>(i))) + "." +
                                part.module + ".weight",
                        .destination = linear->base_weight(part),
                        .slice = linear->placement(part).slice,
                        .ownership = linear->ownership(part)};
        if (const at::Tensor bias = linear->bias(part); bias.defined())
          all.push_back({.name = slot.name.substr(0, slot.name.rfind('.')) + ".bias",
                         .destination = bias,
                         .slice = linear->bias_placement(part).slice,
                         .start = 0});
        if (!slot.destination.defined()) continue;  // its owner loads it
        if (linear->takes_whole())
          slot.take = [linear, &part](const at::Tensor& whole) { linear->load_part(part, whole); };
        else
          slot.loaded = [linear, &part] { linear->loaded(part); };
        all.push_back(std::move(slot));
      }
    }
  return all;
}

SharedBase Decoder::Impl::shared_base(const MethodSpec& method) {
  SharedBase shared;
  each_weight([&](BaseWeight& weight) {
    if (keeps_weight(method, config, weight.name())) shared.weights[weight.name()] = weight.computes();
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    for (Linear* linear : layers[i].linears())
      if (keeps_linear(method, config, prefix, linear->layout()))
        shared.linears[prefix + linear->layout().parts[0].module] = linear->shared();
  }
  return shared;
}

bool Decoder::Impl::make_room(const MethodSpec& guest) {
  const ModelLayout wanted =
      model_layout(config, guest, Purpose::serve, Masters::fp32, Quantization::none, whole_model(config));
  bool widened = false;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto linears = layers[i].linears();
    for (size_t k = 0; k < linears.size(); ++k)
      if (keeps_linear(guest, config, prefix, linears[k]->layout()))
        widened |= linears[k]->make_room(wanted.layers[i].all()[k]->row_stride());
  }
  return widened;
}

void Decoder::Impl::start_adapters() {
  each_linear_in_use([&](Linear& linear) {
    linear.init_from_base(*kernels);
    linear.bind_base(*kernels);
    linear.sync(*kernels);
  });
  each_weight([&](BaseWeight& weight) { weight.sync(*kernels); });
  each_serial([&](SerialAdapter& serial) { serial.sync(*kernels); });
  if (prompt) start_prompt();
}

void Decoder::Impl::collect_parameters() {
  if (embedding) trainable = embedding->parameters();
  const bool two_stages = config.tied_embeddings && layout.shard.embedding != layout.shard.head;
  if (two_stages && !trainable.empty()) first_untied = 1;
  if (position_table) append(trainable, position_table->parameters());
  if (prompt && layout.purpose == Purpose::train) append(trainable, prompt->parameters());
  for (Layer& layer : layers) {
    layer_begin.push_back(trainable.size());
    for (BaseWeight* weight : layer.weights()) append(trainable, weight->parameters());
    for (Linear* linear : layer.linears()) {
      append(trainable, linear->weights());
      if (layout.purpose == Purpose::train) append(trainable, linear->adapter_parameters());
    }
    if (layout.purpose == Purpose::serve) continue;
    for (SerialAdapter* serial : layer.serials()) append(trainable, serial->parameters());
  }
  layer_begin.push_back(trainable.size());
  for (BaseWeight* weight : after_layers()) append(trainable, weight->parameters());
  summed.resize(trainable.size());
  for (Parameter& p : trainable)
    if (p.placement.slice.dim >= 0) p.tp = &tp();
}

void Decoder::Impl::sync_head() {
  for (BaseWeight* weight : after_layers()) weight->sync(*kernels);
}

std::vector<NamedTensor> Decoder::trained_tensors() {
  std::vector<NamedTensor> all;
  if (!impl_->options.method) return all;
  for (const WeightSlot& slot : impl_->slots())
    if (slot.ownership.here && trains_weight(*impl_->options.method, impl_->config, slot.name) == Trained::yes)
      all.push_back({slot.name, slot.destination, slot.slice, slot.ownership.owner.has_value()});
  if (impl_->prompt)
    for (const Parameter& p : impl_->prompt->parameters()) all.push_back({p.name, p.master});
  impl_->each_linear([&](Linear& linear) {
    for (const Parameter& p : linear.adapter_parameters()) all.push_back({p.name, p.master, p.placement.slice});
    if (!linear.adapter()) return;
    for (const NamedTensor& constant : linear.adapter()->constants()) all.push_back(constant);
  });
  impl_->each_serial([&](SerialAdapter& serial) {
    for (const Parameter& p : serial.parameters()) all.push_back({p.name, p.master});
  });
  return all;
}

std::vector<NamedTensor> Decoder::method_state() {
  std::vector<NamedTensor> all;
  impl_->each_linear([&](Linear& linear) {
    if (!linear.adapter()) return;
    for (const NamedTensor& state : linear.adapter()->state()) all.push_back(state);
  });
  return all;
}

Decoder::MemoryUse Decoder::memory_use() const {
  Impl& m = *impl_;
  MemoryUse use{.weights_bytes = 0,
                .gradients_bytes = 0,
                .activations_bytes = m.workspace.bytes(),
                .scratch_bytes = m.kernels->scratch_bytes()};
  if (m.gathered) use.weights_bytes += m.gathered->memory_bytes();
  m.each_weight([&](BaseWeight& weight) {
    use.weights_bytes += weight.weight_bytes();
    use.gradients_bytes += weight.gradient_bytes();
  });
  m.each_linear([&](Linear& linear) {
    use.weights_bytes += linear.weight_bytes();
    use.gradients_bytes += linear.gradient_bytes();
  });
  m.each_serial([&](SerialAdapter& serial) {
    use.weights_bytes += serial.weight_bytes();
    for (const Parameter& p : serial.parameters())
      if (p.grad.defined()) use.gradients_bytes += static_cast<int64_t>(p.grad.nbytes());
  });
  if (!m.prompt) return use;
  for (const Parameter& p : m.prompt->parameters()) {
    use.weights_bytes += static_cast<int64_t>(p.master.nbytes());
    if (p.grad.defined()) use.gradients_bytes += static_cast<int64_t>(p.grad.nbytes());
  }
  return use;
}

}  // namespace collie
