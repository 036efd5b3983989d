# What a project calls of the Pico SDK, with the stand-in's sources for its libraries. It builds for this machine, and for
# the chip where PICO_NO_PICOTOOL is set, as the target pico does.
set(STANDIN ${CMAKE_CURRENT_LIST_DIR}/..)
if(PICO_NO_PICOTOOL)
  set(CMAKE_SYSTEM_NAME Generic)
  set(CMAKE_C_COMPILER arm-none-eabi-gcc)
  set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
  set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  foreach(language C CXX ASM)
    set(CMAKE_${language}_FLAGS_INIT "-mcpu=cortex-m0plus -mthumb -g")
  endforeach()
endif()

macro(pico_sdk_init)
  add_library(pico_stdlib INTERFACE)
  target_include_directories(pico_stdlib INTERFACE ${STANDIN})
  if(PICO_NO_PICOTOOL)
    set(CMAKE_EXECUTABLE_SUFFIX .elf)
    target_sources(pico_stdlib INTERFACE ${STANDIN}/device.c)
    target_compile_definitions(pico_stdlib INTERFACE PICO_ON_DEVICE=1 PICO_RP2040=1)
    target_link_options(pico_stdlib INTERFACE -T ${STANDIN}/device.ld -nostartfiles --specs=nano.specs --specs=nosys.specs)
  else()
    target_sources(pico_stdlib INTERFACE ${STANDIN}/core.c)
  endif()
  add_library(pico_stdio_usb INTERFACE)
  add_library(pico_unique_id INTERFACE)
  add_library(hardware_clocks INTERFACE)
endmacro()

function(pico_enable_stdio_usb target enabled)
endfunction()

function(pico_enable_stdio_uart target enabled)
endfunction()

function(pico_set_float_implementation target implementation)
endfunction()

function(pico_set_double_implementation target implementation)
endfunction()

function(pico_add_extra_outputs target)
  message(STATUS "outputs of ${target}")
  if(PICO_NO_PICOTOOL)
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND arm-none-eabi-objcopy -O binary $<TARGET_FILE:${target}> ${target}.bin
      COMMAND arm-none-eabi-objcopy -O ihex $<TARGET_FILE:${target}> ${target}.hex VERBATIM)
  endif()
endfunction()
