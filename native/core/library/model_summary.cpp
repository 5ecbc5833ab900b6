#include "core/library/model_summary.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/plan/model_tensors.h"
#include "core/model/model_names.h"

namespace collie {

ModelSummary summarize_model(const std::filesystem::path& folder) {
  ModelSummary summary;
  summary.config = ModelConfig::load(folder);
  const ModelFiles weights(folder, summary.config);
  std::map<DType, int64_t> elements;
  std::set<std::string> used;
  for (const NamedShape& expected : model_tensors(summary.config)) {
    const TensorView& tensor = weights.stored(expected.name, expected.shape);
    used.insert(tensor.name);
    if (tensor.dtype != DType::F32 && tensor.dtype != DType::F16 && tensor.dtype != DType::BF16)
      throw Error("model.unsupported_feature",
                  folder.string() + ": tensor " + tensor.name + " has dtype " + std::string(dtype_name(tensor.dtype)) +
                      ", expected F32, F16 or BF16.",
                  "Choose the unquantized weights of this model.",
                  {{"path", folder.string()}, {"tensor", tensor.name}});
    int64_t product = 1;
    for (const int64_t size : expected.shape) product *= size;
    elements[tensor.dtype] += product;
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  summary.dtype = dtype_name(most->first);
  summary.parameters = parameter_count(summary.config);
  summary.size_bytes = weights.folder().size_bytes();
  for (std::string& name : weights.folder().stored_names())
    if (!used.contains(name)) summary.unused.push_back(std::move(name));
  summary.other_modalities = static_cast<int64_t>(weights.folder().left_out().size());
  return summary;
}

}  // namespace collie
