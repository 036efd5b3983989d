/* Memory of a 32-bit RISC-V core, from the target's TOML. Run through the C preprocessor, so that a missing fact stops the
 * build. Sections and symbols as in families/cortex_m/memory.ld.S; small data goes with the rest. */
#if !defined(FLASH_ORIGIN) || !defined(FLASH_BYTES)
#error "FLASH_ORIGIN, FLASH_BYTES: not set; the target's TOML has them, and compilers/image/firmware.py passes them to CMake"
#endif
#if !defined(RAM_ORIGIN) || !defined(RAM_BYTES)
#error "RAM_ORIGIN, RAM_BYTES: not set; the target's TOML has them, and compilers/image/firmware.py passes them to CMake"
#endif
#ifndef STACK_BYTES
#error "STACK_BYTES: not set; the target's TOML has it, and compilers/image/firmware.py passes it to CMake"
#endif

MEMORY {
    FLASH (rx) : ORIGIN = FLASH_ORIGIN, LENGTH = FLASH_BYTES
    RAM (rwx) : ORIGIN = RAM_ORIGIN, LENGTH = RAM_BYTES
}

ENTRY(alpharho_reset_handler)

SECTIONS {
    .text : ALIGN(4) {
        KEEP(*(.start))
        *(.text .text.*)
    } > FLASH
    /* Relocations at run time: the linker makes the section, and must find none. */
    .rela.dyn : {
        *(.rela.*)
    } > FLASH
    .rodata : ALIGN(8) {
        *(EXCLUDE_FILE(*weights.c.obj) .rodata EXCLUDE_FILE(*weights.c.obj) .rodata.*)
        *(EXCLUDE_FILE(*weights.c.obj) .srodata EXCLUDE_FILE(*weights.c.obj) .srodata.*)
    } > FLASH
    .weights : ALIGN(16) {
        *(.rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(4);
    } > FLASH

    /* At the bottom, so that a stack that overflows leaves RAM and does not overwrite data silently. */
    .stack (NOLOAD) : ALIGN(16) {
        link_stack_low = .;
        . += STACK_BYTES;
        . = ALIGN(16);
        link_stack_top = .;
    } > RAM
    .data : ALIGN(8) {
        link_data_low = .;
        __global_pointer$ = . + 0x800;
        *(.data .data.* .sdata .sdata.*)
        . = ALIGN(4);
        link_data_end = .;
    } > RAM AT > FLASH
    link_data_load = LOADADDR(.data);
    .arena (NOLOAD) : ALIGN(16) {
        *(.bss.arena)
    } > RAM
    .bss (NOLOAD) : ALIGN(8) {
        link_bss_low = .;
        *(.sbss .sbss.* .bss .bss.* COMMON)
        . = ALIGN(4);
        link_bss_end = .;
    } > RAM

    ASSERT(STACK_BYTES >= 256 && STACK_BYTES % 16 == 0, "STACK_BYTES: at least 256, and a multiple of 16")
    ASSERT(SIZEOF(.rela.dyn) == 0, "the image has relocations, and nothing here makes them")
    ASSERT(alpharho_reset_handler == FLASH_ORIGIN, "start.S is not at the start of the image")

    /* For a debugger; not loaded. Each is named, so that a section without a place stops the build. */
#define DEBUG_SECTION(name) name 0 : { *(name) }
    DEBUG_SECTION(.debug_abbrev)
    DEBUG_SECTION(.debug_aranges)
    DEBUG_SECTION(.debug_frame)
    DEBUG_SECTION(.debug_info)
    DEBUG_SECTION(.debug_line)
    DEBUG_SECTION(.debug_line_str)
    DEBUG_SECTION(.debug_loc)
    DEBUG_SECTION(.debug_loclists)
    DEBUG_SECTION(.debug_macro)
    DEBUG_SECTION(.debug_ranges)
    DEBUG_SECTION(.debug_rnglists)
    DEBUG_SECTION(.debug_str)

    /DISCARD/ : {
        *(.riscv.attributes .comment .note.* .eh_frame*)
    }
}
