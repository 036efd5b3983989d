/* Memory of a 32-bit RISC-V core, from the target's TOML. Run through the C preprocessor, so that a missing fact stops the
 * build. Sections and symbols as in families/cortex_m/memory.ld.S; small data goes with the rest. */
#include "../shared.ld.S"

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

    DEBUG_SECTIONS

    /DISCARD/ : {
        *(.riscv.attributes .comment .note.* .eh_frame*)
    }
}
