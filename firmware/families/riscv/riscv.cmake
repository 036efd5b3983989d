# What every family of 32-bit RISC-V cores includes.
target_sources(firmware PRIVATE families/riscv/start.S families/riscv/riscv.c port/ram.c)

set(script ${CMAKE_BINARY_DIR}/memory.ld)
set(script_source ${FIRMWARE}/families/riscv/memory.ld.S)
list(TRANSFORM FACTS PREPEND -D OUTPUT_VARIABLE script_facts)
add_custom_command(OUTPUT ${script}
  COMMAND ${CMAKE_C_COMPILER} -E -P -x c ${script_facts} -o ${script} ${script_source}
  DEPENDS ${script_source} ${FIRMWARE}/families/shared.ld.S VERBATIM)
add_custom_target(linker_script DEPENDS ${script})
add_dependencies(firmware linker_script)
set_target_properties(firmware PROPERTIES LINK_DEPENDS ${script})
target_link_options(firmware PRIVATE -T${script} -nostartfiles
  -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments -Wl,--orphan-handling=error)

add_custom_command(TARGET firmware POST_BUILD
  COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf firmware.hex
  COMMAND ${CMAKE_OBJCOPY} -O binary firmware.elf firmware.bin VERBATIM)
