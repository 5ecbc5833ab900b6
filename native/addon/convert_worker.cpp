#include "addon/convert_worker.h"

#include <atomic>
#include <optional>
#include <string>

#include "addon/promise_worker.h"
#include "addon/values.h"
#include "core/library/gguf_convert.h"

namespace collie::addon {

namespace {

constexpr double kReportEvery = 0.005;

// Lives until its promise is settled; napi deletes it then.
class ConvertWorker : public Napi::AsyncProgressQueueWorker<double> {
 public:
  ConvertWorker(Napi::Env env, std::string path, std::string out_dir, const Napi::Function& on_progress)
      : AsyncProgressQueueWorker(env, "collie.ggufConvert"),
        deferred_(Napi::Promise::Deferred::New(env)),
        path_(std::move(path)),
        out_dir_(std::move(out_dir)),
        on_progress_(Napi::Persistent(on_progress)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute(const ExecutionProgress& progress) override {
    double reported = 0;
    try {
      gguf_convert(GgufFile(path_), out_dir_, [&](double fraction) {
        if (fraction - reported >= kReportEvery || fraction >= 1) {
          reported = fraction;
          progress.Send(&fraction, 1);
        }
        return cancelled_ ? Continue::no : Continue::yes;
      });
    } catch (const Error& error) {
      error_ = error;
    } catch (const std::exception& error) {
      error_ = Error("internal", error.what(), "This is a fault in Collie. The log has the details.");
    }
  }

  void OnProgress(const double* fractions, size_t count) override {
    if (count == 0 || cancelled_) return;
    try {
      const Napi::Value answer = on_progress_.Call({Napi::Number::New(Env(), fractions[count - 1])});
      if (answer.IsBoolean() && !answer.As<Napi::Boolean>()) cancelled_ = true;
    } catch (const Napi::Error& error) {
      thrown_ = Napi::Persistent(error.Value());
      cancelled_ = true;
    }
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    settle_promise(deferred_, [this] {
      if (!thrown_.IsEmpty())
        deferred_.Reject(thrown_.Value());
      else if (error_)
        deferred_.Reject(to_js_error(Env(), *error_).Value());
      else
        deferred_.Resolve(Env().Undefined());
    });
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::string path_;
  std::string out_dir_;
  Napi::FunctionReference on_progress_;
  std::atomic<bool> cancelled_ = false;  // set by the main thread, read by the worker
  std::optional<Error> error_;
  Napi::ObjectReference thrown_;  // by onProgress: the promise is rejected with it
};

}  // namespace

Napi::Value gguf_convert_async(const Napi::CallbackInfo& info) {
  auto* worker = new ConvertWorker(info.Env(), string_argument(info, 0, "path"), string_argument(info, 1, "outDir"),
                                   function_argument(info, 2, "onProgress"));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace collie::addon
