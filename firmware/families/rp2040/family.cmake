# RP2040. Its ROM starts the first 256 bytes of flash, if the last four are the checksum of the others.
set(BOOT_BYTES 256)
set(boot2 ${CMAKE_BINARY_DIR}/boot2)
set(boot2_folder ${FIRMWARE}/families/rp2040)
add_custom_command(OUTPUT ${boot2}.S
  COMMAND ${CMAKE_C_COMPILER} ${CPU_FLAGS} -c ${boot2_folder}/boot2.S -o ${boot2}.obj
  COMMAND ${CMAKE_OBJCOPY} -O binary -j .boot2 ${boot2}.obj ${boot2}.bin
  COMMAND ${CMAKE_COMMAND} -D INPUT=${boot2}.bin -D OUTPUT=${boot2}.S -P ${boot2_folder}/checksum.cmake
  DEPENDS ${boot2_folder}/boot2.S ${boot2_folder}/checksum.cmake VERBATIM)
include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/rp2040/rp2040.c ${boot2}.S)
