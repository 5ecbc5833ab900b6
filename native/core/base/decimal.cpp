#include "core/base/decimal.h"

#include <charconv>
#include <cmath>

namespace collie {

double decimal_double(float value) {
  if (!std::isfinite(value)) return value;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  double result = value;
  std::from_chars(text, end, result);
  return result;
}

}  // namespace collie
