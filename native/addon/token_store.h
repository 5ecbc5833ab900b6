// Token data: planEpochSequences(lengths, shape, seed, epoch) and the class behind tokenStoreWriter(dataDir, split).
#pragma once

#include <napi.h>

#include <memory>

#include "core/formats/token_store.h"

namespace collie::addon {

Napi::Value plan_epoch_sequences(const Napi::CallbackInfo& info);

// {append(ids: Uint32Array, mask: Uint8Array, weights?: Float32Array), finish()}. Collected without finish(): the temporary files are deleted.
class TokenStoreWriterObject : public Napi::ObjectWrap<TokenStoreWriterObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TokenStoreWriterObject(const Napi::CallbackInfo& info);

 private:
  void append(const Napi::CallbackInfo& info);
  void finish(const Napi::CallbackInfo& info);

  std::unique_ptr<TokenStoreWriter> writer_;
};

}  // namespace collie::addon
