# What every family of Cortex-M includes. VECTORS_ORIGIN is set where the vector table is not at the start of flash,
# BOOT_BYTES where flash begins with a section .boot2 of that size.
target_sources(firmware PRIVATE families/cortex_m/start.S families/cortex_m/cortex_m.c port/ram.c
  port/ring.c)

set(script ${CMAKE_BINARY_DIR}/memory.ld)
set(script_facts ${FACTS})
foreach(fact VECTORS_ORIGIN BOOT_BYTES)
  if(DEFINED ${fact})
    list(APPEND script_facts ${fact}=${${fact}})
  endif()
endforeach()
list(TRANSFORM script_facts PREPEND -D)
set(script_source ${FIRMWARE}/families/cortex_m/memory.ld.S)
add_custom_command(OUTPUT ${script}
  COMMAND ${CMAKE_C_COMPILER} -E -P -x c ${script_facts} -o ${script} ${script_source}
  DEPENDS ${script_source} ${FIRMWARE}/families/shared.ld.S VERBATIM)
add_custom_target(linker_script DEPENDS ${script})
add_dependencies(firmware linker_script)
set_target_properties(firmware PROPERTIES LINK_DEPENDS ${script})
target_link_options(firmware PRIVATE -T${script} -nostartfiles --specs=nano.specs
  -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments -Wl,--orphan-handling=error)

add_custom_command(TARGET firmware POST_BUILD
  COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf firmware.hex VERBATIM)
if(NOT DEFINED VECTORS_ORIGIN) # else it would be mostly the gap between the two memories
  add_custom_command(TARGET firmware POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} -O binary firmware.elf firmware.bin VERBATIM)
endif()
