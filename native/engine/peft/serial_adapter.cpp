#include "engine/peft/serial_adapter.h"

#include <stdexcept>

namespace collie {

std::unique_ptr<SerialAdapter> make_serial_adapter(const MethodSpec& method, const ModelLayout& model,
                                                   const SerialSite& site) {
  if (model.bottleneck == 0) return nullptr;
  const SerialAdapterMaker* maker = SerialAdapterRegistration::find(method.type);
  if (!maker) throw std::logic_error("no serial adapter is registered for " + method.type);
  return (*maker)(method, site);
}

}  // namespace collie
