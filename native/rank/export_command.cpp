// collie-rank export: a checkpoint as an adapter folder or as a merged model. Progress lines on standard output.
#include <filesystem>

#include "engine/export/export.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace collie {

namespace {

// Whole percents only: a large model has hundreds of tensors.
class PercentPrinter {
 public:
  void operator()(double done) {
    const int percent = static_cast<int>(done * 100);
    if (percent <= printed_) return;
    printed_ = percent;
    print_line({{"progress", done}});
  }

 private:
  int printed_ = -1;
};

}  // namespace

int export_command(const Words& words) {
  const Arguments arguments(words, {"run", "checkpoint", "kind", "out"});
  const ExportRequest request{arguments.required("run"), arguments.required("checkpoint"), arguments.required("out")};
  arguments.required("kind");
  const std::string kind = arguments.choice("kind", "", {"adapter", "merged"});
  const RunSpec spec = RunSpec::load(request.run_folder);
  set_threads(0);
  PercentPrinter printer;
  const ExportProgress progress = [&](double done) { printer(done); };
  kind == "adapter" ? export_adapter(request, spec, progress) : export_merged(request, spec, progress);
  return 0;
}

}  // namespace collie
