# libtorch from the wheel: headers and libraries under COLLIE_TORCH_DIR. An imported target instead of
# find_package(Torch), which asks for a whole CUDA toolkit as soon as the wheel has CUDA in it.
if(NOT EXISTS "${COLLIE_TORCH_DIR}/lib/libtorch_cpu.so" AND NOT EXISTS "${COLLIE_TORCH_DIR}/lib/libtorch_cpu.dylib")
  message(FATAL_ERROR "No libtorch in ${COLLIE_TORCH_DIR}. Run `node native/setup.mjs`, or pass -DCOLLIE_TORCH_DIR=<site-packages>/torch.")
endif()

add_library(collie_torch INTERFACE)
target_include_directories(collie_torch SYSTEM INTERFACE
  ${COLLIE_TORCH_DIR}/include ${COLLIE_TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(collie_torch INTERFACE AT_PER_OPERATOR_HEADERS)
# ATen's headers inline at::parallel_for over OpenMP; the wheel carries the runtime.
find_package(OpenMP REQUIRED COMPONENTS CXX)
target_compile_options(collie_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${OpenMP_CXX_FLAGS}>)
target_link_directories(collie_torch INTERFACE ${COLLIE_TORCH_DIR}/lib)
file(GLOB COLLIE_GOMP ${COLLIE_TORCH_DIR}/lib/libgomp*.so*)
target_link_libraries(collie_torch INTERFACE -Wl,--no-as-needed torch_cpu c10 -Wl,--as-needed ${COLLIE_GOMP})
target_link_options(collie_torch INTERFACE -Wl,-rpath,${COLLIE_TORCH_DIR}/lib -Wl,-rpath-link,${COLLIE_TORCH_DIR}/lib)
