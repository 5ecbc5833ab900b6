# CUDA implementation of the kernel interface. Compiles and links without a GPU: NVIDIA's own libraries are looked up
# when the program starts (the wheel's libtorch_cuda.so says where), so their symbols may be missing while linking.
# Architectures: Ampere to Blackwell; PTX of the last for what comes after.
set(CMAKE_CUDA_ARCHITECTURES "80-real;86-real;89-real;90-real;100-real;120" CACHE STRING "GPU architectures to compile for")
# One libcudart for the program and libtorch: CMake would link a second, static one.
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
enable_language(CUDA)
# CMake before 3.26 does not know that nvcc has C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
find_package(CUDAToolkit REQUIRED)

if(NOT EXISTS "${COLLIE_TORCH_DIR}/lib/libtorch_cuda.so")
  message(FATAL_ERROR "The torch in ${COLLIE_TORCH_DIR} has no CUDA. Run `node native/setup.mjs --only cuda`, or pass -DCOLLIE_TORCH_DIR.")
endif()

# NCCL: beside the torch folder of a wheel, or the system's.
get_filename_component(COLLIE_TORCH_SITE "${COLLIE_TORCH_DIR}/.." REALPATH)
find_path(NCCL_INCLUDE nccl.h HINTS ${COLLIE_TORCH_SITE}/nvidia/nccl/include)
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${COLLIE_TORCH_SITE}/nvidia/nccl/lib)
if(NOT NCCL_INCLUDE OR NOT NCCL_LIBRARY)
  message(STATUS "No NCCL: runs on one GPU only (nccl.h and libnccl beside ${COLLIE_TORCH_DIR}, or of the system)")
endif()

# NVIDIA's own libraries where the wheel has them, so that the program finds libcudart and NCCL without a path in the environment.
file(GLOB COLLIE_NVIDIA_LIBS LIST_DIRECTORIES true ${COLLIE_TORCH_SITE}/nvidia/*/lib)
foreach(folder ${COLLIE_NVIDIA_LIBS})
  target_link_options(collie_torch INTERFACE -Wl,-rpath,${folder} -Wl,-rpath-link,${folder})
endforeach()
