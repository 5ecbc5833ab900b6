// A group of one, and what all communicators share.
#include <stdexcept>

#include "engine/parallel/communicator.h"

namespace collie {

namespace {

class SingleRank : public Communicator {
 public:
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 1; }
  void all_reduce(const at::Tensor&, Reduce) override {}
  void reduce(const at::Tensor&, int64_t) override {}
  void broadcast(const at::Tensor&, int64_t) override {}
  void all_gather(const at::Tensor& part, const at::Tensor& whole) override { copy(part, whole); }
  void reduce_scatter(const at::Tensor& whole, const at::Tensor& part) override { copy(whole, part); }
  std::unique_ptr<Transfer> start_send(const at::Tensor&, int64_t to, int64_t) override { nobody(to); }
  std::unique_ptr<Transfer> start_receive(const at::Tensor&, int64_t from, int64_t) override { nobody(from); }
  void barrier() override {}
  void all_reduce(std::span<double>, Reduce) override {}
  void broadcast(std::span<double>, int64_t) override {}
  std::unique_ptr<Communicator> split(int64_t, int64_t, const std::string&) override { return single_rank(); }
  CommVolume volume() const override { return {}; }

 private:
  static void copy(const at::Tensor& from, const at::Tensor& to) {
    if (from.const_data_ptr() != to.const_data_ptr()) to.copy_(from);
  }
  [[noreturn]] static void nobody(int64_t rank) {
    throw std::logic_error("a message to or from rank " + std::to_string(rank) + " of a group of one");
  }
};

}  // namespace

std::unique_ptr<Communicator> single_rank() { return std::make_unique<SingleRank>(); }

const char* name_of(Collective collective) {
  constexpr std::array names = {"all_reduce",     "reduce", "broadcast", "all_gather",
                                "reduce_scatter", "send",   "receive",   "barrier"};
  return names.at(static_cast<size_t>(collective));
}

void CommVolume::add(Collective collective, int64_t n_bytes) {
  bytes[static_cast<size_t>(collective)] += n_bytes;
  ++calls[static_cast<size_t>(collective)];
}

}  // namespace collie
