#include "engine/parallel/mpi_session.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <stdexcept>

#include "core/base/error.h"
#include "core/base/float_bits.h"
#include "engine/parallel/mpi_roll_call.h"
#include "engine/parallel/process_watchdog.h"
#include "engine/parallel/world.h"

namespace collie {

namespace {

void add_bf16(void* in, void* in_out, int* n, MPI_Datatype*) {
  const auto* a = static_cast<const uint16_t*>(in);
  auto* b = static_cast<uint16_t*>(in_out);
  for (int i = 0; i < *n; ++i) b[i] = float_to_bfloat16(bfloat16_to_float(a[i]) + bfloat16_to_float(b[i]));
}

void max_bf16(void* in, void* in_out, int* n, MPI_Datatype*) {
  const auto* a = static_cast<const uint16_t*>(in);
  auto* b = static_cast<uint16_t*>(in_out);
  for (int i = 0; i < *n; ++i)
    if (bfloat16_to_float(a[i]) > bfloat16_to_float(b[i])) b[i] = a[i];
}

bool running() {
  int started = 0, ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  return started && !ended;
}

}  // namespace

void check_mpi(int status, const std::string& what) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error("rank.died", what + " failed: " + std::string(text, static_cast<size_t>(length)),
              "Another rank may have ended, or its host may not be reachable. The logs of the ranks say more.");
}

namespace {

std::mutex session_mutex;
std::weak_ptr<MpiSession> session_of_process;

}  // namespace

std::shared_ptr<MpiSession> MpiSession::current() {
  const std::lock_guard lock(session_mutex);
  return session_of_process.lock();
}

std::shared_ptr<MpiSession> MpiSession::get() {
  const std::lock_guard lock(session_mutex);
  std::shared_ptr<MpiSession> session = session_of_process.lock();
  if (!session) session_of_process = session = std::shared_ptr<MpiSession>(new MpiSession);
  return session;
}

MpiSession::MpiSession() {
  int ended = 0, granted = 0;
  MPI_Finalized(&ended);
  if (ended) throw std::logic_error("MPI has ended in this process and cannot start again");
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &granted), "Starting MPI");
  // Errors come back to us: they end the job with an error line that names the operation.
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (granted < MPI_THREAD_MULTIPLE)
    throw Error("engine.not_built", "This MPI takes calls from one thread only; Collie needs MPI_THREAD_MULTIPLE.",
                "Use an Open MPI with thread support, like Debian's.");
  check_mpi(MPI_Op_create(add_bf16, /*commute=*/1, &bf16_sum_), "MPI_Op_create");
  check_mpi(MPI_Op_create(max_bf16, /*commute=*/1, &bf16_max_), "MPI_Op_create");
}

MpiSession::~MpiSession() {
  // While an exception passes, the other ranks are in the middle of something: the job is about to be aborted.
  if (std::uncaught_exceptions() > 0 || !running()) return;
  if (watchdog_) {
    // Nobody leaves before all have come; after this nothing waits for anyone.
    const Watchdog::Watch watch(watchdog(), "the end of the run", "world");
    MPI_Barrier(roll_call_comm_);
  }
  watchdog_.reset();
  if (roll_call_comm_ != MPI_COMM_NULL) MPI_Comm_free(&roll_call_comm_);
  MPI_Op_free(&bf16_sum_);
  MPI_Op_free(&bf16_max_);
  MPI_Finalize();
}

void MpiSession::start_watchdog(double limit_seconds, std::function<void(const Error&)> report) {
  watchdog_.reset();
  if (roll_call_comm_ == MPI_COMM_NULL) check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &roll_call_comm_), "MPI_Comm_dup");
  roll_call_ = std::make_unique<MpiRollCall>(roll_call_comm_);
  const auto overdue = [this, report = std::move(report)](const Waiting& waiting) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const auto answers = roll_call_->call(waiting);
    if (!answers) return;
    report(hung_error(rank, waiting, *answers));
    abort_ranks(1);
  };
  watchdog_ = std::make_unique<Watchdog>(
      limit_seconds, Watchdog::Handlers{[this](const auto& own) { roll_call_->answer(own); }, overdue});
}

void start_watchdog(double limit_seconds, std::function<void(const Error&)> report) {
  if (const auto session = MpiSession::current()) session->start_watchdog(limit_seconds, std::move(report));
}

Watchdog* process_watchdog() {
  const auto session = MpiSession::current();
  return session ? session->watchdog() : nullptr;
}

void abort_ranks(int status) {
  if (!running()) return;
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1) MPI_Abort(MPI_COMM_WORLD, status);
}

}  // namespace collie
