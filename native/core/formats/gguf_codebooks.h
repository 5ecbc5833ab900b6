// Blocks of the IQ types of GGUF: values are entries of code books, or of a table of sixteen uneven steps.
#pragma once

#include <cstdint>

namespace collie {

// One block each; `out` has the elements of a block (32 of IQ4_NL, 256 of the others).
void dequantize_iq1_s(const uint8_t* block, float* out);
void dequantize_iq1_m(const uint8_t* block, float* out);
void dequantize_iq2_xxs(const uint8_t* block, float* out);
void dequantize_iq2_xs(const uint8_t* block, float* out);
void dequantize_iq2_s(const uint8_t* block, float* out);
void dequantize_iq3_xxs(const uint8_t* block, float* out);
void dequantize_iq3_s(const uint8_t* block, float* out);
void dequantize_iq4_nl(const uint8_t* block, float* out);
void dequantize_iq4_xs(const uint8_t* block, float* out);

}  // namespace collie
