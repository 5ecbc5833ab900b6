// Every layout equals one rank: loss, gradients, norms, and weights after three steps; tp x pp x dp x ZeRO, full and LoRA, AdamW and
// AdaLomo. COLLIE_WHOLE_MATRIX=1 takes all of them; without it a part that has every axis with every other.
#include <cstdlib>

#include "parallel/layout_check.h"

namespace collie::test {
namespace {

bool whole_matrix() { return std::getenv("COLLIE_WHOLE_MATRIX") != nullptr; }

void check_all(const std::shared_ptr<Communicator>& world, const Recipe& recipe) {
  CAPTURE(recipe.method);
  CAPTURE(recipe.optimizer);
  for (const ParallelSpec& spec : layouts(world->size())) {
    const bool every_axis = spec.dp_size > 1 && spec.tp_size > 1 && spec.pp_size > 1;
    if (!whole_matrix() && world->size() == 8 && (!every_axis || spec.zero_stage == 1) && spec.zero_stage != 3)
      continue;
    const std::string layout = text_of(spec);
    CAPTURE(layout);
    check_layout(make_parallel(spec, world), recipe, layout_config(spec, recipe.tables));
  }
}

}  // namespace

TEST_CASE_FIXTURE(Ranks,
                  "layouts: full fine-tuning with AdamW equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"full", "adamw", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks,
                  "layouts: full fine-tuning with AdaLomo equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"full", "adalomo", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: LoRA with AdamW equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"lora", "adamw", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: untied tables equal one rank" *
                             doctest::skip(!Ranks::among({2, 4, 8}) || (!whole_matrix() && !Ranks::among({4})))) {
  check_all(world, {"full", "adamw", Tables::untied});
  check_all(world, {"full", "adalomo", Tables::untied});
}

TEST_CASE_FIXTURE(Ranks,
                  "layouts: communication in order, as on GPUs, equals one rank" * doctest::skip(!Ranks::among({4}))) {
  check_all(world, {.overlap = Overlap::none});
}

TEST_CASE_FIXTURE(Ranks, "layouts: LoRA with AdaLomo equals one rank" *
                             doctest::skip(!Ranks::among({2, 4, 8}) || !whole_matrix())) {
  check_all(world, {"lora", "adalomo", Tables::tied});
}

}  // namespace collie::test
