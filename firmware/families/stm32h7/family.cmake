# STM32H743. No DMA is used, so that the data cache needs no care.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/stm32/stm32.c families/stm32h7/clock.c)
