/* Memory of any Cortex-M, from the target's TOML. Run through the C preprocessor, so that a missing fact stops the build. */
#include "../shared.ld.S"
#ifndef VECTORS_ORIGIN
#define VECTORS_ORIGIN FLASH_ORIGIN
#endif

MEMORY {
#if VECTORS_ORIGIN != FLASH_ORIGIN
    VECTORS (rx) : ORIGIN = VECTORS_ORIGIN, LENGTH = 1K
#endif
#ifdef BOOT_BYTES
    BOOT (rx) : ORIGIN = FLASH_ORIGIN, LENGTH = BOOT_BYTES
    FLASH (rx) : ORIGIN = FLASH_ORIGIN + BOOT_BYTES, LENGTH = FLASH_BYTES - BOOT_BYTES
#else
    FLASH (rx) : ORIGIN = FLASH_ORIGIN, LENGTH = FLASH_BYTES
#endif
    RAM (rwx) : ORIGIN = RAM_ORIGIN, LENGTH = RAM_BYTES
}

ENTRY(alpharho_reset_handler)

SECTIONS {
#ifdef BOOT_BYTES
    .boot2 : {
        KEEP(*(.boot2))
    } > BOOT
    ASSERT(SIZEOF(.boot2) == BOOT_BYTES, "the boot block is not BOOT_BYTES long")
#endif
    .vectors : {
        KEEP(*(.vectors))
#if VECTORS_ORIGIN != FLASH_ORIGIN
    } > VECTORS
#else
    } > FLASH
#endif
    .text : ALIGN(4) {
        *(.text .text.* .glue_7 .glue_7t .vfp11_veneer .v4_bx .iplt .rel.iplt .igot.plt)
    } > FLASH
    .ARM.extab : {
        *(.ARM.extab*)
    } > FLASH
    .ARM.exidx : {
        *(.ARM.exidx*)
    } > FLASH
    /* Constructors of C++ objects; C has none. */
    .init_array : ALIGN(4) {
        link_init_low = .;
        KEEP(*(SORT(.init_array.*)))
        KEEP(*(.init_array))
        link_init_end = .;
    } > FLASH
    .rodata : ALIGN(8) {
        *(EXCLUDE_FILE(*weights.c.obj *_data.cc.obj) .rodata EXCLUDE_FILE(*weights.c.obj *_data.cc.obj) .rodata.*)
    } > FLASH
    .weights : ALIGN(16) {
        *(.rodata .rodata.*)
        . = ALIGN(4);
    } > FLASH

    /* At the bottom, so that a stack that overflows leaves RAM, which is a fault, and does not overwrite data silently. */
    .stack (NOLOAD) : ALIGN(8) {
        link_stack_low = .;
        . += STACK_BYTES;
        . = ALIGN(8);
        link_stack_top = .;
    } > RAM
    .data : ALIGN(8) {
        link_data_low = .;
        *(.data .data.*)
        . = ALIGN(4);
        link_data_end = .;
    } > RAM AT > FLASH
    link_data_load = LOADADDR(.data);
    .arena (NOLOAD) : ALIGN(16) {
        *(.bss.arena)
    } > RAM
    .bss (NOLOAD) : ALIGN(8) {
        link_bss_low = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4);
        link_bss_end = .;
    } > RAM

    ASSERT(STACK_BYTES >= 256 && STACK_BYTES % 8 == 0, "STACK_BYTES: at least 256, and a multiple of 8")
    ASSERT(SIZEOF(.vectors) > 64, "no vector table: start.S is not linked")
    ASSERT(SIZEOF(.vectors) <= 1024, "the vector table is longer than 1 KiB")

    DEBUG_SECTIONS

    /DISCARD/ : {
        *(.ARM.attributes .comment .note.*)
    }
}
