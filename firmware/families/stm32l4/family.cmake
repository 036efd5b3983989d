# STM32L4.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/stm32/stm32.c families/stm32l4/clock.c)
