# STM32F4.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/stm32f4/stm32f4.c)
