# GNU for bare RISC-V cores of 32 and 64 bits, as Debian packs it: gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_OBJCOPY riscv64-unknown-elf-objcopy)
set(CMAKE_C_FLAGS_INIT --specs=picolibc.specs)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
