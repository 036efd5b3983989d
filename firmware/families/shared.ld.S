/* What the linker scripts of all families share: the facts that a target's TOML must give, and sections for a debugger. */
#if !defined(FLASH_ORIGIN) || !defined(FLASH_BYTES)
#error "FLASH_ORIGIN, FLASH_BYTES: not set; the target's TOML has them, and compilers/image/firmware.py passes them to CMake"
#endif
#if !defined(RAM_ORIGIN) || !defined(RAM_BYTES)
#error "RAM_ORIGIN, RAM_BYTES: not set; the target's TOML has them, and compilers/image/firmware.py passes them to CMake"
#endif
#ifndef STACK_BYTES
#error "STACK_BYTES: not set; the target's TOML has it, and compilers/image/firmware.py passes it to CMake"
#endif

/* Not loaded. Each is named, so that a section without a place stops the build. */
#define DEBUG_SECTION(name) name 0 : { *(name) }
#define DEBUG_SECTIONS \
    DEBUG_SECTION(.debug_abbrev) \
    DEBUG_SECTION(.debug_aranges) \
    DEBUG_SECTION(.debug_frame) \
    DEBUG_SECTION(.debug_info) \
    DEBUG_SECTION(.debug_line) \
    DEBUG_SECTION(.debug_line_str) \
    DEBUG_SECTION(.debug_loc) \
    DEBUG_SECTION(.debug_loclists) \
    DEBUG_SECTION(.debug_macro) \
    DEBUG_SECTION(.debug_ranges) \
    DEBUG_SECTION(.debug_rnglists) \
    DEBUG_SECTION(.debug_str)
