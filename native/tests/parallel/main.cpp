// mpirun -n <ranks> collie-parallel-tests [filters]. Only rank 0 writes what doctest writes; the others, what failed.
#define DOCTEST_CONFIG_IMPLEMENT
#include "parallel/ranks.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

namespace collie {

namespace {

std::shared_ptr<Communicator>& shared_world() {
  static std::shared_ptr<Communicator> world;
  return world;
}

bool failed_here = false;

// Sees the failures of a rank while its fixture is alive.
struct Listener : doctest::IReporter {
  explicit Listener(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override {
    failed_here = false;
    name_ = test.m_name;
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
  void log_assert(const doctest::AssertData& failure) override {
    if (!failure.m_failed) return;
    failed_here = true;
    say(std::string(failure.m_file) + ":" + std::to_string(failure.m_line) + ": " + failure.m_expr +
        " is not true: " + failure.m_decomp.c_str());
  }
  void test_case_exception(const doctest::TestCaseException& thrown) override {
    say(std::string("threw: ") + thrown.error_string.c_str());
    abort_ranks(1);
  }

 private:
  void say(const std::string& what) const {
    const int64_t rank = shared_world()->rank();
    std::fprintf(stderr, "rank %d of %d, %s: %s\n", static_cast<int>(rank), static_cast<int>(shared_world()->size()),
                 name_, what.c_str());
    std::fflush(stderr);
  }
  const char* name_ = "";
};

DOCTEST_REGISTER_LISTENER("ranks", 1, Listener);

}  // namespace

Ranks::Ranks() : world(shared_world()), rank(world->rank()), size(world->size()) {}

Ranks::~Ranks() {
  if (std::uncaught_exceptions() > 0) return;
  std::array<double, 1> failed = {failed_here ? 1.0 : 0.0};
  world->all_reduce(failed, Reduce::max);
  const bool failed_elsewhere = failed[0] > 0 && !failed_here;
  CHECK_MESSAGE(!failed_elsewhere, "failed on another rank");
}

// Decorators run before main(): what the launcher set is all there is to ask.
bool Ranks::among(std::initializer_list<int64_t> sizes) {
  return std::ranges::find(sizes, launched_ranks()) != sizes.end();
}

}  // namespace collie

int main(int count, char** values) {
  at::set_num_threads(1);
  collie::shared_world() = collie::mpi_world();
  std::ostringstream unread;
  doctest::Context context(count, values);
  context.setOption("no-colors", true);
  if (collie::shared_world()->rank() != 0) context.setCout(&unread);
  const int status = context.run();
  collie::shared_world().reset();
  return status;
}
