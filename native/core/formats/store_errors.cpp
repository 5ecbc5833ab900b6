#include "core/formats/store_errors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/error.h"

namespace collie {

namespace {

constexpr const char* kOtherModel = "The weights do not fit config.json: check that both belong to the same model.";

}  // namespace

std::string shape_text(std::span<const int64_t> shape) {
  return nlohmann::json(std::vector<int64_t>(shape.begin(), shape.end())).dump();
}

const char* StoreErrors::code(const char* of_model, const char* of_checkpoint) const {
  return kind == StoreKind::model ? of_model : of_checkpoint;
}

std::string StoreErrors::hint() const {
  return kind == StoreKind::model ? "Download or copy this file again." : "Resume from another checkpoint.";
}

void StoreErrors::truncated(const std::string& problem) const {
  throw Error(code("model.truncated", "checkpoint.truncated"), path.string() + " is cut off: " + problem + ".", hint(),
              {{"path", path.string()}, {"reason", "truncated"}});
}

void StoreErrors::bad(const char* reason, const std::string& problem) const {
  throw Error(code("model.bad_tensor", "checkpoint.mismatch"), path.string() + ": " + problem + ".", hint(),
              {{"path", path.string()}, {"reason", reason}});
}

void StoreErrors::missing(const std::string& tensor) const {
  throw Error(code("model.missing_tensor", "checkpoint.mismatch"), path.string() + " has no tensor " + tensor + ".",
              kind == StoreKind::model ? kOtherModel : hint(), {{"path", path.string()}, {"tensor", tensor}});
}

void StoreErrors::check_shape(const TensorView& tensor, std::span<const int64_t> shape) const {
  if (std::ranges::equal(tensor.shape, shape)) return;
  throw Error(code("model.bad_tensor", "checkpoint.mismatch"),
              path.string() + ": tensor " + tensor.name + " has shape " + shape_text(tensor.shape) + ", expected " +
                  shape_text(shape) + ".",
              kind == StoreKind::model ? kOtherModel : hint(),
              {{"path", path.string()},
               {"tensor", tensor.name},
               {"reason", "unexpected_shape"},
               {"received", tensor.shape},
               {"expected", std::vector<int64_t>(shape.begin(), shape.end())}});
}

}  // namespace collie
