#include "engine/peft/linear_adapter.h"

#include <stdexcept>

namespace collie {

Placement AdapterSite::along_outputs(const Projection& part, int64_t dim) const {
  if (layout.split == Split::none) return {};
  if (layout.split == Split::columns) return {{}, GradientSum::group, tp->rank() == 0 ? Counted::yes : Counted::no};
  return {row_slice(layout, part, dim), part.replicas > 1 ? GradientSum::replicas : GradientSum::none,
          part.replica == 0 ? Counted::yes : Counted::no};
}

Placement AdapterSite::along_inputs(int64_t dim) const {
  if (layout.split == Split::none) return {};
  if (layout.split == Split::rows) return {{}, GradientSum::group, tp->rank() == 0 ? Counted::yes : Counted::no};
  return {column_slice(layout, dim)};
}

std::unique_ptr<LinearAdapter> make_linear_adapter(const MethodSpec& method, const AdapterSite& site) {
  if (!site.layout.adapted) return nullptr;
  const LinearAdapterMaker* maker = LinearAdapterRegistration::find(method.type);
  if (!maker) throw std::logic_error("no adapter of linears is registered for " + method.type);
  return (*maker)(method, site);
}

}  // namespace collie
