# QEMU's RISC-V machine `virt`, 32 bits.
include(${FIRMWARE}/families/riscv/riscv.cmake)
target_sources(firmware PRIVATE families/riscv_virt/riscv_virt.c)
