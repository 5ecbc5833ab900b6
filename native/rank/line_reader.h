// Lines of standard input on a thread of their own, while the main thread computes.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace collie {

class LineReader {
 public:
  // Both functions are called on the reader's thread: `on_line` for each line that is not empty, `on_end` once at the end of input.
  LineReader(int descriptor, std::function<void(const std::string&)> on_line, std::function<void()> on_end);
  // Ends the thread, also in the middle of waiting.
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

 private:
  void run();
  bool read_some(std::string& pending);

  int descriptor_;
  int wake_[2];
  std::function<void(const std::string&)> on_line_;
  std::function<void()> on_end_;
  std::thread thread_;
};

}  // namespace collie
