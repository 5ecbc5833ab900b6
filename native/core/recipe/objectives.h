// The objectives of electron/shared/spec/objectives.ts, torch-free: what each asks of the data and of the engine. One more is a row here,
// a file in engine/objective, and its row in TypeScript; a test holds the two sides equal.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/formats/token_store.h"

namespace collie {

struct ObjectiveRow {
  const char* type;
  int64_t documents;  // of an example: they stay in one micro-batch
  bool reference;     // whether every document comes with a reference's log-probability (values of the token store)
};

std::span<const ObjectiveRow> objective_rows();
// Throws spec.invalid for an unknown type.
const ObjectiveRow& objective_row(const std::string& type);

// Whether a split's examples are what the objective takes. Throws dataset.unreadable, naming the example.
void check_examples(const TokenStore& store, const char* split, const ObjectiveRow& objective);

}  // namespace collie
