# GNU for Linux on riscv64, as Debian packs it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER riscv64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
