#include "kernel_variants.h"

#include <doctest/doctest.h>

#include "core/base/error.h"

namespace collie::test {

std::vector<std::unique_ptr<Kernels>> kernel_variants() {
  std::vector<std::unique_ptr<Kernels>> all;
  for (const CpuVariant v : {CpuVariant::baseline, CpuVariant::avx2, CpuVariant::avx512}) {
    try {
      all.push_back(make_cpu_kernels(v));
    } catch (const Error& e) {
      CHECK(e.code() == "device.unavailable");  // this machine lacks it
    }
  }
  return all;
}

}  // namespace collie::test
