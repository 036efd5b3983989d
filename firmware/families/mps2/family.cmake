# Arm MPS2: a CMSDK system in an FPGA.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/mps2/mps2.c families/cmsdk/uart.c)
