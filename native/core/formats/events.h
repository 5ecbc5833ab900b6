// The events of a run: append-only lines {v, rank, seq, timeUs, step, type, payload}, exactly as electron/shared/runs/events.ts
// describes them. One write() a line, so that a reader never sees lines mixed; a line torn by a crash is cut off at the next start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace collie {

class EventWriter {
 public:
  // Opens <run>/events/rank-NNN.jsonl, makes it where it is missing, cuts off a torn last line and goes on counting from
  // the last whole one. Throws disk.full, file.unreadable (also for a last line that is no event), run.not_resumable while another process
  // writes it, run.not_found without the run's folder.
  EventWriter(const std::filesystem::path& run_folder, int64_t rank);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  // `step`: optimizer steps finished. Throws disk.full, and then leaves the file as it was.
  void write(int64_t step, const std::string& type, const nlohmann::json& payload);

  // Sequence number of the next event.
  int64_t next_seq() const { return next_seq_; }
  // Attempts that the file already tells of: its `started` events when it was opened.
  int64_t earlier_attempts() const { return earlier_attempts_; }

 private:
  void lock() const;
  void scan();
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path path_;
  int64_t rank_;
  int descriptor_ = -1;
  int64_t size_ = 0;  // bytes of whole lines
  int64_t next_seq_ = 0;
  int64_t earlier_attempts_ = 0;
};

}  // namespace collie
