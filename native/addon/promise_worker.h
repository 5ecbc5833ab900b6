// Work on a thread of libuv's pool whose result is a promise: what a file can make slow must not stop the thread that answers everybody.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <utility>

#include "addon/values.h"

namespace collie::addon {

// Settles a promise with what `settle` does; an error that it throws rejects it.
template <typename Settle>
void settle_promise(const Napi::Promise::Deferred& deferred, Settle settle) {
  try {
    settle();
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  }
}

// Lives until its promise is settled; napi deletes it then.
template <typename T>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<T()>;                            // on the pool; touches no JavaScript
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;  // on JavaScript's thread

  static Napi::Value start(Napi::Env env, Work work, Convert convert) {
    auto* worker = new PromiseWorker(env, std::move(work), std::move(convert));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      result_ = work_();
    } catch (const Error& error) {
      error_ = error;
    } catch (const std::exception& error) {
      error_ = Error("internal", error.what(), "This is a fault in Collie. The log has the details.");
    }
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    settle_promise(deferred_, [this] {
      if (error_)
        deferred_.Reject(to_js_error(Env(), *error_).Value());
      else
        deferred_.Resolve(convert_(Env(), *result_));
    });
  }

 private:
  PromiseWorker(Napi::Env env, Work work, Convert convert)
      : AsyncWorker(env, "collie.work"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<T> result_;
  std::optional<Error> error_;
};

}  // namespace collie::addon
