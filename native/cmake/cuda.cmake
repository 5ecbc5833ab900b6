# CUDA implementation of the kernel interface. Compiles and links without a GPU: NVIDIA's own libraries are looked up
# when the program starts (the wheel's libtorch_cuda.so says where), so their symbols may be missing while linking.
# Architectures: Ampere to Blackwell; PTX of the last for what comes after.
set(CMAKE_CUDA_ARCHITECTURES "80-real;86-real;89-real;90-real;100-real;120" CACHE STRING "GPU architectures to compile for")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

if(NOT EXISTS "${COLLIE_TORCH_DIR}/lib/libtorch_cuda.so")
  message(FATAL_ERROR "The torch in ${COLLIE_TORCH_DIR} has no CUDA. Run `node native/setup.mjs --only cuda`, or pass -DCOLLIE_TORCH_DIR.")
endif()

file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/engine/kernels/cuda/*.cu ${CMAKE_SOURCE_DIR}/engine/kernels/cuda/*.cpp)
target_sources(collie_kernels PRIVATE ${cuda_sources})
target_compile_definitions(collie_kernels PUBLIC COLLIE_CUDA)
target_compile_options(collie_kernels PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>)
target_link_libraries(collie_kernels PUBLIC CUDA::cudart -Wl,--no-as-needed torch_cuda c10_cuda -Wl,--as-needed)
target_link_options(collie_kernels PUBLIC -Wl,--allow-shlib-undefined)
