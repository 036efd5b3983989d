# nRF52840.
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/nrf52840/nrf52840.c)
