#include "addon/token_store.h"

#include "addon/values.h"
#include "core/recipe/batch_plan.h"

namespace collie::addon {

Napi::Value plan_epoch_sequences(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint32Array lengths = uint32_argument(info, 0, "lengths");
  if (!info[1].IsObject()) throw Napi::TypeError::New(env, "shape must be an object");
  const auto object = info[1].As<Napi::Object>();
  BatchShape shape;  // What makes up a sequence; how many make a step does not count here.
  shape.seq_len = integer_property(object, "seqLen");
  shape.packing = object.Get("packing").ToBoolean();
  const auto seed = static_cast<uint64_t>(integer_argument(info, 2, "seed"));
  const int64_t epoch = integer_argument(info, 3, "epoch");
  return guarded(env, [&]() -> Napi::Value {
    const std::vector<int64_t> wide(lengths.Data(), lengths.Data() + lengths.ElementLength());
    return Napi::Number::New(env, static_cast<double>(plan_epoch(wide, shape, seed, epoch).size()));
  });
}

Napi::Function TokenStoreWriterObject::define(Napi::Env env) {
  return DefineClass(env, "TokenStoreWriter",
                     {InstanceMethod<&TokenStoreWriterObject::append>("append"),
                      InstanceMethod<&TokenStoreWriterObject::finish>("finish")});
}

TokenStoreWriterObject::TokenStoreWriterObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const std::string data_dir = string_argument(info, 0, "dataDir"), split = string_argument(info, 1, "split");
  guarded(info.Env(), [&] { writer_ = std::make_unique<TokenStoreWriter>(data_dir, split); });
}

void TokenStoreWriterObject::append(const Napi::CallbackInfo& info) {
  const Napi::Uint32Array ids = uint32_argument(info, 0, "ids");
  const Napi::Uint8Array mask = uint8_argument(info, 1, "mask");
  if (ids.ElementLength() != mask.ElementLength())
    throw Napi::TypeError::New(info.Env(), "ids and mask must be of one length");
  DocumentExtras extras;
  if (!info[2].IsUndefined() && !info[2].IsNull()) {
    const Napi::Float32Array weights = float32_argument(info, 2, "weights");
    if (weights.ElementLength() != ids.ElementLength())
      throw Napi::TypeError::New(info.Env(), "ids and weights must be of one length");
    extras.weights = {weights.Data(), weights.ElementLength()};
  }
  guarded(info.Env(),
          [&] { writer_->append({ids.Data(), ids.ElementLength()}, {mask.Data(), mask.ElementLength()}, extras); });
}

void TokenStoreWriterObject::finish(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { writer_->finish(); });
}

}  // namespace collie::addon
