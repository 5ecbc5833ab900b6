// The part of NVIDIA's header of this name that launch.h needs.
#pragma once

using cudaStream_t = void*;
