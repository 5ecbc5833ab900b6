// collie-rank checksums: writes the list of a folder's files, or compares them with the lists that are there.
#include "core/base/checksum.h"
#include "core/base/error.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace collie {

int checksums_command(const Words& words) {
  const Arguments arguments(words, {"write", "check"});
  if (arguments.find("write").has_value() == arguments.find("check").has_value())
    throw UsageError("give one of --write <folder>, --check <folder>");
  const std::filesystem::path folder = arguments.find("write").value_or(arguments.find("check").value_or(""));
  if (!std::filesystem::is_directory(folder))
    throw Error("file.not_found", "There is no folder " + folder.string() + ".", "Check the path.",
                {{"path", folder.string()}});
  if (arguments.find("write")) {
    write_folder_checksums(folder);
    return 0;
  }
  const std::optional<std::string> problem = folder_problem(folder);
  print_line({{"problem", problem ? nlohmann::json(*problem) : nlohmann::json(nullptr)}});
  return 0;
}

}  // namespace collie
