#include "engine/peft/linear_adapter.h"

#include <map>
#include <stdexcept>

namespace collie {
namespace {

// Made on first use: registrations run before main() in any order.
std::map<std::string, LinearAdapterMaker>& makers() {
  static std::map<std::string, LinearAdapterMaker> known;
  return known;
}

}  // namespace

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

LinearAdapterRegistration::LinearAdapterRegistration(const char* type, LinearAdapterMaker maker) {
  makers()[type] = maker;
}

std::unique_ptr<LinearAdapter> make_linear_adapter(const MethodSpec& method, const AdapterSite& site) {
  if (!site.layout.adapted) return nullptr;
  const auto maker = makers().find(method.type);
  if (maker == makers().end()) throw std::logic_error("no adapter of linears is registered for " + method.type);
  return maker->second(method, site);
}

}  // namespace collie
