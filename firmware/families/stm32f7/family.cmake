# STM32F7. No DMA is used, so that the data cache needs no care.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/stm32/stm32.c families/stm32/clock_f4_f7.c)
