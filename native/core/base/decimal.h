// Numbers as people write them.
#pragma once

namespace collie {

// The double whose shortest decimal is that of the float: 1e-5f is 1e-5, not 9.99999974e-06.
double decimal_double(float value);

}  // namespace collie
