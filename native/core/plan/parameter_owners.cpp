#include "core/plan/parameter_owners.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "core/plan/model_tensors.h"

namespace collie {

std::vector<int64_t> share_out(std::span<const int64_t> elements, std::vector<int64_t> owners, int64_t ranks) {
  std::vector<int64_t> load(static_cast<size_t>(ranks));
  for (size_t i = 0; i < elements.size(); ++i)
    if (owners[i] >= 0) load[static_cast<size_t>(owners[i])] += elements[i];
  std::vector<size_t> order(elements.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](size_t i) { return elements[i]; });
  for (const size_t i : order) {
    if (owners[i] >= 0) continue;
    const auto least = std::ranges::min_element(load);
    owners[i] = least - load.begin();
    *least += elements[i];
  }
  return owners;
}

ParameterOwners::ParameterOwners(const ModelConfig& config, const ModelShard& shard,
                                 const std::optional<MethodSpec>& method, int64_t ranks, int64_t own_rank)
    : own_rank_(own_rank) {
  std::set<std::string> here;
  for (const NamedShape& tensor : model_tensors(config, shard)) here.insert(tensor.name);
  std::vector<std::string> names;
  std::vector<int64_t> elements, owners;
  const auto take = [&](Trained trained) {
    for (const NamedShape& tensor : model_tensors(config)) {
      if (tensor.shape.size() != 2 || !here.contains(tensor.name)) continue;
      if ((method ? trains_weight(*method, config, tensor.name) : Trained::no) != trained) continue;
      names.push_back(tensor.name);
      elements.push_back(tensor.shape[0] * tensor.shape[1]);
      owners.push_back(-1);
    }
    owners = share_out(elements, owners, ranks);
  };
  take(Trained::yes);
  take(Trained::no);
  for (size_t i = 0; i < names.size(); ++i) owners_[names[i]] = owners[i];
}

Ownership ParameterOwners::of(const std::string& name) const {
  const auto found = owners_.find(name);
  return found == owners_.end() ? Ownership{} : Ownership{found->second, found->second == own_rank_};
}

}  // namespace collie
