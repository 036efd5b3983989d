/* Second stage of the RP2040's boot: the ROM copies 256 bytes to SRAM, checks their checksum and calls them (RP2040
 * datasheet, 2.8.1.3.1). This one lets the flash be read four bits at a time without a command (4.10, SSI; Winbond
 * W25Q16JV datasheet, 8.2.11: Fast Read Quad I/O), at half the processor's clock, and starts the image behind it.
 *
 * It must not depend on where it runs, and fit into 252 bytes. checksum.cmake adds the checksum. */

#define SSI_BASE       0x18000000
#define SSI_CTRLR0     0x00
#define SSI_CTRLR1     0x04
#define SSI_SSIENR     0x08
#define SSI_BAUDR      0x14
#define SSI_SR         0x28
#define SSI_DR0        0x60
#define RX_SAMPLE_DLY  0xF0             /* from SSI_BASE */
#define SPI_CTRLR0     0xF4             /* from SSI_BASE */
#define CLOCK_DIVIDER  2                /* 62.5 MHz of 125; the flash takes 133 */

#define SERIAL_8_BITS  (7 << 16)        /* CTRLR0: send and receive frames of 8 bits on one line */
#define QUAD_32_BITS   (2 << 21 | 31 << 16 | 3 << 8) /* frames of 32 bits on four lines, transfer mode EEPROM read */
#define ADDRESS_MODE   (8 << 2)         /* 24 bits of address and 8 of mode, in units of 4 */
#define WAIT           (4 << 11)        /* dummy clocks between address and data */
#define COMMAND_FIRST  (2 << 8 | ADDRESS_MODE | WAIT | 1) /* command of 8 bits on one line, address on four */
#define NO_COMMAND     (0xA0 << 24 | ADDRESS_MODE | WAIT | 2) /* mode byte A0 in place of a command, all on four lines */

#define FAST_READ_QUAD_IO    0xEB
#define WRITE_ENABLE         0x06
#define READ_STATUS_1        0x05
#define READ_STATUS_2        0x35
#define WRITE_STATUS_2       0x31
#define STATUS_1_BUSY        (1 << 0)
#define STATUS_2_QUAD_ENABLE (1 << 1)

#define PADS_QSPI_BASE 0x40020000
#define PAD_SCLK       0x04
#define PAD_SD0        0x08
#define FAST_8_MA      (2 << 4 | 1 << 0) /* strength, slew rate */
#define PAD_SCHMITT    (1 << 1)

#define IMAGE          0x10000100
#define VTOR           0xE000ED08

        .syntax unified
        .thumb
        .section .boot2, "ax", %progbits
        .align  2

/* r7  SSI, in all that follows. At this clock the pads must be fast, and their inputs must not wait for a clear level. */
        ldr     r3, =PADS_QSPI_BASE
        movs    r0, #FAST_8_MA
        str     r0, [r3, #PAD_SCLK]
        ldr     r0, [r3, #PAD_SD0]
        movs    r1, #PAD_SCHMITT
        bics    r0, r1
        str     r0, [r3, #PAD_SD0]
        str     r0, [r3, #PAD_SD0 + 4]
        str     r0, [r3, #PAD_SD0 + 8]
        str     r0, [r3, #PAD_SD0 + 12]

        ldr     r7, =SSI_BASE
        movs    r6, #0
        str     r6, [r7, #SSI_SSIENR]   /* off while it is set */
        movs    r0, #CLOCK_DIVIDER
        str     r0, [r7, #SSI_BAUDR]
        movs    r1, #1                  /* one clock later: the pads' delay */
        movs    r2, #RX_SAMPLE_DLY
        str     r1, [r7, r2]

/* The bit that turns two pins into data lines, which some parts have set from the factory. It is kept without power. */
        ldr     r0, =SERIAL_8_BITS
        str     r0, [r7, #SSI_CTRLR0]
        str     r1, [r7, #SSI_SSIENR]
        movs    r0, #READ_STATUS_2
        bl      read_status
        movs    r5, #STATUS_2_QUAD_ENABLE
        tst     r0, r5
        bne     quad
        orrs    r5, r0
        movs    r0, #WRITE_ENABLE
        bl      transfer
        movs    r0, #WRITE_STATUS_2
        str     r0, [r7, #SSI_DR0]
        movs    r0, r5
        bl      transfer
        ldr     r0, [r7, #SSI_DR0]      /* two were sent */
busy:   movs    r0, #READ_STATUS_1
        bl      read_status
        movs    r1, #STATUS_1_BUSY
        tst     r0, r1
        bne     busy

/* One read with the command and mode byte A0: the flash takes the next ones without a command. */
quad:   str     r6, [r7, #SSI_SSIENR]
        ldr     r0, =QUAD_32_BITS
        str     r0, [r7, #SSI_CTRLR0]
        str     r6, [r7, #SSI_CTRLR1]   /* one frame a read */
        movs    r2, #SPI_CTRLR0
        ldr     r0, =COMMAND_FIRST
        str     r0, [r7, r2]
        movs    r1, #1
        str     r1, [r7, #SSI_SSIENR]
        movs    r0, #FAST_READ_QUAD_IO
        str     r0, [r7, #SSI_DR0]
        movs    r0, #0xA0               /* address 0, mode */
        bl      transfer
        str     r6, [r7, #SSI_SSIENR]
        ldr     r0, =NO_COMMAND
        str     r0, [r7, r2]
        movs    r1, #1
        str     r1, [r7, #SSI_SSIENR]

        ldr     r0, =IMAGE
        ldr     r1, =VTOR
        str     r0, [r1]
        ldmia   r0!, {r1, r2}
        msr     msp, r1
        bx      r2

/* Send what a register of status is read with, r0, and a byte for its answer. Returns it in r0. Changes r1 and r4. */
read_status:
        str     r0, [r7, #SSI_DR0]
        mov     r4, lr
        bl      transfer
        ldr     r0, [r7, #SSI_DR0]
        bx      r4

/* Send r0, wait until all is sent, and return the oldest frame that was received. Changes r1. */
transfer:
        str     r0, [r7, #SSI_DR0]
wait:   ldr     r1, [r7, #SSI_SR]
        lsrs    r0, r1, #3              /* carry: SR_SEND_EMPTY */
        bcc     wait
        lsrs    r0, r1, #1              /* carry: SR_BUSY */
        bcs     wait
        ldr     r0, [r7, #SSI_DR0]
        bx      lr

        .ltorg
