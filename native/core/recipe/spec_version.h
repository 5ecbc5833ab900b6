// Versions of spec.json: what an older run folder says, in the words of the newest version. The same as
// electron/shared/spec/migrate.ts, for what the engine reads; a test holds the two together.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace collie {

inline constexpr int64_t kSpecVersion = 2;

// A spec of any version as one of kSpecVersion; what is newer, or no spec, comes back as it is. Throws spec.invalid where an old
// spec cannot be said in the new words.
nlohmann::json newest_spec(nlohmann::json spec);

}  // namespace collie
