// What a step or an evaluation has measured, by name. What a name is (title, unit, which way is better, chart) stands in
// electron/shared/runs/metrics.ts; one that is not there is drawn under "Other".
#pragma once

#include <map>
#include <string>

namespace collie {

using Metrics = std::map<std::string, double>;

}  // namespace collie
