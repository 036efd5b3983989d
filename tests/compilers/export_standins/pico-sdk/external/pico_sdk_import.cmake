# What a project calls of the Pico SDK, with the stand-in's sources for its libraries.
set(STANDIN ${CMAKE_CURRENT_LIST_DIR}/..)

macro(pico_sdk_init)
  add_library(pico_stdlib INTERFACE)
  target_sources(pico_stdlib INTERFACE ${STANDIN}/core.c)
  target_include_directories(pico_stdlib INTERFACE ${STANDIN})
  add_library(pico_stdio_usb INTERFACE)
  add_library(pico_unique_id INTERFACE)
endmacro()

function(pico_enable_stdio_usb target enabled)
endfunction()

function(pico_enable_stdio_uart target enabled)
endfunction()

function(pico_add_extra_outputs target)
  message(STATUS "outputs of ${target}")
endfunction()
