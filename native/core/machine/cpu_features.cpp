#include <cstdint>

#include "core/machine/devices.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace collie {

#if defined(__x86_64__)

namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

// Register state the system saves at a task switch: without it an instruction set is unusable, whatever cpuid says.
uint64_t saved_state(const Registers& basic) {
  if (!((basic.ecx >> 27) & 1)) return 0;  // OSXSAVE
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

}  // namespace

std::vector<std::string> cpu_features() {
  const Registers basic = cpuid(1, 0), extended = cpuid(7, 0);
  const Registers more = extended.eax >= 1 ? cpuid(7, 1) : Registers{};
  const uint64_t state = saved_state(basic);
  const bool ymm = (state & 0x6) == 0x6;
  const bool zmm = ymm && (state & 0xe0) == 0xe0;
  const bool tiles = (state & 0x60000) == 0x60000;

  std::vector<std::string> features;
  const auto add = [&](bool usable, uint32_t bits, int bit, const char* name) {
    if (usable && ((bits >> bit) & 1)) features.push_back(name);
  };
  add(ymm, basic.ecx, 28, "avx");
  add(ymm, basic.ecx, 29, "f16c");
  add(ymm, basic.ecx, 12, "fma");
  add(ymm, extended.ebx, 5, "avx2");
  add(ymm, more.eax, 4, "avx_vnni");
  add(zmm, extended.ebx, 16, "avx512f");
  add(zmm, extended.ebx, 17, "avx512dq");
  add(zmm, extended.ebx, 30, "avx512bw");
  add(zmm, extended.ebx, 31, "avx512vl");
  add(zmm, extended.ecx, 11, "avx512_vnni");
  add(zmm, more.eax, 5, "avx512_bf16");
  add(zmm, extended.edx, 23, "avx512_fp16");
  add(tiles, extended.edx, 24, "amx_tile");
  add(tiles, extended.edx, 22, "amx_bf16");
  add(tiles, extended.edx, 25, "amx_int8");
  return features;
}

#elif defined(__aarch64__)

std::vector<std::string> cpu_features() { return {"neon"}; }

#else

std::vector<std::string> cpu_features() { return {}; }

#endif

}  // namespace collie
