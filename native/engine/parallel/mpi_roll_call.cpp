#include "engine/parallel/mpi_roll_call.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>

namespace collie {

namespace {

constexpr int kQuestion = 1, kAnswer = 2, kGreeting = 3;  // tags
constexpr auto kPatience = std::chrono::seconds(1);
constexpr auto kReportTime = std::chrono::seconds(3);  // by then whoever asked has ended the job, or has died over it

bool arrived(MPI_Comm comm, int tag, MPI_Status& status) {
  int there = 0;
  return MPI_Iprobe(MPI_ANY_SOURCE, tag, comm, &there, &status) == MPI_SUCCESS && there;
}

// Sends without ever waiting: `data` must live on.
void post(const void* data, int n_bytes, int to, int tag, MPI_Comm comm) {
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Isend(data, n_bytes, MPI_BYTE, to, tag, comm, &request) == MPI_SUCCESS) MPI_Request_free(&request);
}

template <size_t n>
void copy_text(char (&to)[n], const std::string& from) {
  std::strncpy(to, from.c_str(), n - 1);
}

std::string seconds_text(double seconds) { return std::to_string(std::lround(seconds)) + " s"; }

MpiRollCall::Answer answer_of(const std::optional<Waiting>& own) {
  if (!own) return {.presence = MpiRollCall::Presence::elsewhere};
  MpiRollCall::Answer answer{.presence = MpiRollCall::Presence::waiting, .seconds = own->seconds};
  copy_text(answer.operation, own->operation);
  copy_text(answer.group, own->group);
  return answer;
}

}  // namespace

MpiRollCall::MpiRollCall(MPI_Comm comm) : comm_(comm) {
  int size = 1;
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size);
  // Everyone greets everyone: MPI connects two ranks with their first message, and to try that when a host is gone ends the process.
  for (int to = 0; to < size; ++to)
    if (to != rank_) post(nullptr, 0, to, kGreeting, comm_);
  for (int from = 0; from < size; ++from)
    if (from != rank_)
      check_mpi(MPI_Recv(nullptr, 0, MPI_BYTE, from, kGreeting, comm_, MPI_STATUS_IGNORE), "Connecting the ranks");
}

void MpiRollCall::answer(const std::optional<Waiting>& own) {
  for (MPI_Status status; arrived(comm_, kQuestion, status);) {
    if (MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, kQuestion, comm_, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
    asked_by_ = another_asks() ? std::min(asked_by_, status.MPI_SOURCE) : status.MPI_SOURCE;
    asked_at_ = std::chrono::steady_clock::now();
    sent_.push_back(answer_of(own));
    post(&sent_.back(), sizeof(Answer), status.MPI_SOURCE, kAnswer, comm_);
  }
}

bool MpiRollCall::another_asks() const {
  return asked_at_ && std::chrono::steady_clock::now() - *asked_at_ < kReportTime;
}

// Takes in what has arrived; whether somebody is still silent.
bool MpiRollCall::collect(std::vector<Answer>& answers) {
  for (MPI_Status status; arrived(comm_, kAnswer, status);)
    if (MPI_Recv(&answers[static_cast<size_t>(status.MPI_SOURCE)], sizeof(Answer), MPI_BYTE, status.MPI_SOURCE, kAnswer,
                 comm_, MPI_STATUS_IGNORE) != MPI_SUCCESS)
      break;
  for (const Answer& one : answers)
    if (one.presence == Presence::silent) return true;
  return false;
}

std::optional<std::vector<MpiRollCall::Answer>> MpiRollCall::call(const Waiting& own) {
  if (another_asks()) return std::nullopt;
  int size = 1;
  MPI_Comm_size(comm_, &size);
  std::vector<Answer> answers(static_cast<size_t>(size));
  answers[static_cast<size_t>(rank_)] = answer_of(own);
  for (int to = 0; to < size; ++to)
    if (to != rank_) post(nullptr, 0, to, kQuestion, comm_);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (collect(answers) && std::chrono::steady_clock::now() < end) {
    answer(own);
    if (another_asks() && asked_by_ < rank_) return std::nullopt;  // at the same time: the lower rank reports
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return answers;
}

Error hung_error(int64_t rank, const Waiting& waiting, const std::vector<MpiRollCall::Answer>& answers) {
  std::string blamed;
  nlohmann::json missing = nlohmann::json::array(), ranks = nlohmann::json::array();
  for (size_t r = 0; r < answers.size(); ++r) {
    const auto& [presence, seconds, operation, group] = answers[r];
    if (presence == MpiRollCall::Presence::waiting) {
      ranks.push_back(
          {{"rank", r}, {"state", "waiting"}, {"operation", operation}, {"group", group}, {"seconds", seconds}});
      continue;
    }
    const bool silent = presence == MpiRollCall::Presence::silent;
    ranks.push_back({{"rank", r}, {"state", silent ? "silent" : "elsewhere"}});
    missing.push_back(r);
    blamed += (blamed.empty() ? "Rank " : "; rank ") + std::to_string(r) +
              (silent ? " does not answer" : " is not in a collective");
  }
  if (blamed.empty()) blamed = "All ranks wait, each for another";
  return Error("rank.hung",
               "Rank " + std::to_string(rank) + " has waited " + seconds_text(waiting.seconds) + " in " +
                   waiting.operation + " of the " + waiting.group + " group. " + blamed + ".",
               "The log of the rank that is missing may say why. Where steps really take that long, raise "
               "parallel.hang_timeout.",
               {{"rank", rank},
                {"operation", waiting.operation},
                {"group", waiting.group},
                {"seconds", waiting.seconds},
                {"missing", missing},
                {"ranks", ranks}});
}

}  // namespace collie
