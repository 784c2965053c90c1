# Finds LLVM, MLIR and the libraries of the runtime, each by its Debian package, and says which package is missing.

# Debian's LLVMConfig names an llvm-lit that does not exist; lit itself does.
find_program(LLVM_EXTERNAL_LIT NAMES lit llvm-lit HINTS /usr/lib/llvm-22/bin)
find_package(MLIR 22.1 CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR "MLIR 22.1 not found: run scripts/setup.sh, or apt-get install libmlir-22-dev mlir-22-tools")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(QFA_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")

find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_library(QFA_SENTENCEPIECE sentencepiece REQUIRED)
find_library(QFA_XXHASH xxhash REQUIRED)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header hits only when time stamps are ignored (see also -fno-pch-timestamp in QfaTargets).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()
