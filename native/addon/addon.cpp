// Entry of collie_native.node: registers, nothing else. The functions are typed in electron/server/native/addon.ts.
#include <napi.h>

#include "addon/convert_worker.h"
#include "addon/machine.h"
#include "addon/models.h"
#include "addon/planner.h"
#include "addon/step_lines.h"
#include "addon/token_store.h"
#include "addon/values.h"

namespace collie::addon {

class NativeAddon : public Napi::Addon<NativeAddon> {
 public:
  NativeAddon(Napi::Env env, Napi::Object exports)
      : writer_class_(Napi::Persistent(TokenStoreWriterObject::define(env))),
        lines_class_(Napi::Persistent(StepLinesObject::define(env))) {
    DefineAddon(exports, {
                             InstanceMethod("version", &NativeAddon::version),
                             InstanceMethod("devices", &NativeAddon::list_devices),
                             InstanceMethod("gpus", &NativeAddon::read_gpus),
                             InstanceMethod("telemetry", &NativeAddon::read_telemetry),
                             InstanceMethod("tokenStoreWriter", &NativeAddon::token_store_writer),
                             InstanceMethod("stepLines", &NativeAddon::step_lines),
                         });
    exports["ggufInfo"] = Napi::Function::New<gguf_info>(env, "ggufInfo");
    exports["ggufConvert"] = Napi::Function::New<gguf_convert_async>(env, "ggufConvert");
    exports["modelSummary"] = Napi::Function::New<model_summary>(env, "modelSummary");
    exports["planEpochSequences"] = Napi::Function::New<plan_epoch_sequences>(env, "planEpochSequences");
    exports["ruleRefusals"] = Napi::Function::New<rule_refusals_of>(env, "ruleRefusals");
    exports["planLayout"] = Napi::Function::New<plan_layout_of_run>(env, "planLayout");
    exports["tensorParallelSizes"] = Napi::Function::New<tensor_parallel_sizes>(env, "tensorParallelSizes");
    exports["objectives"] = Napi::Function::New<objectives_of_core>(env, "objectives");
    exports["planMemory"] = Napi::Function::New<plan_memory_of_run>(env, "planMemory");
  }

 private:
  Napi::Value version(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), COLLIE_VERSION); }
  Napi::Value list_devices(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return devices(info.Env(), nvml_); });
  }
  Napi::Value read_gpus(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return gpus(info.Env(), nvml_); });
  }
  Napi::Value read_telemetry(const Napi::CallbackInfo& info) {
    const std::string disk_path = string_argument(info, 0, "diskPath");
    return guarded(info.Env(), [&] { return telemetry(info.Env(), sampler_, nvml_, disk_path); });
  }
  Napi::Value token_store_writer(const Napi::CallbackInfo& info) { return writer_class_.New({info[0], info[1]}); }
  Napi::Value step_lines(const Napi::CallbackInfo& info) { return lines_class_.New({info[0]}); }

  // One per JavaScript environment: a worker thread that loads the addon has its own.
  Nvml nvml_;
  TelemetrySampler sampler_;
  Napi::FunctionReference writer_class_, lines_class_;
};

NODE_API_NAMED_ADDON(collie_native, NativeAddon)

}  // namespace collie::addon
