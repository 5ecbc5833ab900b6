// A request for an answer as JSON, as the serving rank and a run that trains get it:
//   {"ids": [..], "stop_ids": [..], "max_new_tokens": n, "temperature": x, "top_k": n, "top_p": x, "seed": n}
#pragma once

#include "core/base/json_reader.h"
#include "engine/generate/generator.h"

namespace collie {

// Takes these keys from `reader`; the caller finishes it. Throws what the reader does for a key that is missing, of another type or out
// of range.
GenerationRequest read_generation_request(JsonReader& reader);

// "stop", "length" or "cancelled".
const char* finish_name(Finish finish);

}  // namespace collie
