// What the driver tells of GPUs, over a library that stands in for NVIDIA's (tests/fake-nvml).
#include "core/machine/nvml.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace collie;

namespace {

struct Environment {
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  const char* name_;
};

}  // namespace

TEST_CASE("nvml: what a GPU tells, and what an old one does not") {
  const Environment pid("FAKE_NVML_PID", "4242");
  const Nvml nvml(FAKE_NVML);
  const auto gpus = nvml.read();
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].uuid == "GPU-1111");
  CHECK(gpus[0].util == 0.87);
  CHECK(gpus[0].memory_used_bytes == 20ull << 30);
  CHECK(gpus[0].temperature_c == 61);
  CHECK(gpus[0].power_w == 512.5);
  CHECK(gpus[0].pids == std::vector<unsigned>{1, 4242});
  CHECK(*nvml.read()[0].energy_j - *gpus[0].energy_j == 2500);
  CHECK(gpus[1].uuid == "GPU-2222");
  CHECK(gpus[1].temperature_c == 40);
  CHECK_FALSE(gpus[1].util);
  CHECK_FALSE(gpus[1].memory_used_bytes);
  CHECK_FALSE(gpus[1].power_w);
  CHECK_FALSE(gpus[1].energy_j);
  CHECK(gpus[1].pids.empty());
  CHECK(nvml.gpus()[0].multiprocessors == 132);
}

TEST_CASE("nvml: a driver without the newer functions still tells the rest") {
  const Nvml nvml(FAKE_NVML_OLD_DRIVER);
  const auto gpus = nvml.read();
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].uuid.empty());
  CHECK(gpus[0].power_w == 512.5);
  CHECK_FALSE(gpus[0].energy_j);
  CHECK(gpus[0].pids.empty());
  CHECK_FALSE(nvml.gpus()[0].multiprocessors);
}

TEST_CASE("nvml: without a library, or with a driver that does not answer, there are no GPUs") {
  CHECK(Nvml("libnvidia-ml.so.none").read().empty());
  const Environment init("FAKE_NVML_INIT", "9");
  const Nvml nvml(FAKE_NVML);
  CHECK(nvml.read().empty());
  CHECK(nvml.gpus().empty());
}
