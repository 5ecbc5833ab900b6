#include "engine/peft/serial_adapter.h"

#include <map>
#include <stdexcept>

namespace collie {
namespace {

// Made on first use: registrations run before main() in any order.
std::map<std::string, SerialAdapterMaker>& makers() {
  static std::map<std::string, SerialAdapterMaker> known;
  return known;
}

}  // namespace

SerialAdapterRegistration::SerialAdapterRegistration(const char* type, SerialAdapterMaker maker) {
  makers()[type] = maker;
}

std::unique_ptr<SerialAdapter> make_serial_adapter(const MethodSpec& method, const ModelLayout& model,
                                                   const SerialSite& site) {
  if (model.bottleneck == 0) return nullptr;
  const auto maker = makers().find(method.type);
  if (maker == makers().end()) throw std::logic_error("no serial adapter is registered for " + method.type);
  return maker->second(method, site);
}

}  // namespace collie
