# Write a second stage of the RP2040's boot as assembly, 252 bytes and their checksum:
#
#   cmake -D INPUT=boot2.bin -D OUTPUT=boot2.S -P checksum.cmake
#
# The checksum is CRC-32 with polynomial 04C11DB7, most significant bit first, from FFFFFFFF, without a final inversion (RP2040
# datasheet, 2.8.1.3.1).
file(READ ${INPUT} digits HEX)
string(LENGTH "${digits}" length)
if(length GREATER 504)
  math(EXPR length "${length} / 2")
  message(FATAL_ERROR "${INPUT}: ${length} bytes; the ROM takes 252 at most")
endif()
math(EXPR missing "504 - ${length}")
string(REPEAT 0 ${missing} zeros)
string(REGEX MATCHALL ".." bytes "${digits}${zeros}")

set(crc 0xFFFFFFFF)
set(text "  .section .boot2, \"a\"\n")
foreach(byte IN LISTS bytes)
  math(EXPR crc "${crc} ^ (0x${byte} << 24)")
  foreach(bit RANGE 7)
    math(EXPR crc "((${crc} << 1) ^ ((${crc} >> 31) * 0x04C11DB7)) & 0xFFFFFFFF")
  endforeach()
  string(APPEND text "  .byte 0x${byte}\n")
endforeach()
math(EXPR crc "${crc}" OUTPUT_FORMAT HEXADECIMAL)
file(WRITE ${OUTPUT} "${text}  .word ${crc}\n")
