# Arm MPS3: it starts from the instruction TCM; the rest is in a RAM that has room for a network's weights.
set(VECTORS_ORIGIN 0x00000000)
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/mps3/mps3.c families/cmsdk/uart.c)
