/* Four pixels against groups of four channels. multiply.h has the job, multiply.c the same in C.
 *
 *                 taps                                     scaling of a channel
 *   s0-s3         channel 0: of pixels 0 and 1 both sums   the sum of pixel 0, of pixel 1,
 *                 and the upper one, then of 2 and 3       then of 2 and 3
 *   s4-s7         channel 1                                channel 1
 *   s8-s11        channel 2                                channel 2
 *   t3-t6         channel 3                                channel 3
 *   a0            next pairs                               the job, then what is taken off a sum
 *   a1            packed                                   packed: multipliers and shifts
 *   a2, a3        taps 0 and 1 of pixels 0 and 1           outputs of pixels 0 and 1
 *   a4, a5        the same of pixels 2 and 3               outputs of pixels 2 and 3
 *   a6            weight of tap 0, products                2 * zero point + 1
 *   a7            weight of tap 1, product                 least output
 *   t0, t1        products                                 multiplier, right shift + 1
 *   t2            PAIR_BIAS                                largest output
 *   ra            end of the pairs                         constant of the channel
 *
 * The stack holds the job at 0, and what a caller keeps. */
#include "layout.h"

#ifdef KERNELS_RV32_ASSEMBLY

        .equ    FRAME_BYTES, 64

/* Sums begin with the bias, in `upper0`; t0 is what the lanes begin with in all pairs of taps. */
        .macro  BEGIN both0, upper0, both1, upper1
        slli    \both0, \upper0, 16
        add     \both0, \both0, \upper0
        sub     \upper0, \upper0, t0
        mv      \both1, \both0
        mv      \upper1, \upper0
        .endm

/* Two taps of a channel. Both halves of a word are products of one pixel each. */
        .macro  MULTIPLY both0, upper0, both1, upper1, at
        lb      a6, (\at)(a1)
        lb      a7, (\at + 1)(a1)
        mul     t0, a2, a6
        mul     a6, a4, a6
        mul     t1, a3, a7
        mul     a7, a5, a7
        add     t0, t0, t1
        add     a6, a6, a7
        add     \both0, \both0, t0
        add     \both1, \both1, a6
        add     t0, t0, t2
        add     a6, a6, t2
        srli    t0, t0, 16
        srli    a6, a6, 16
        add     \upper0, \upper0, t0
        add     \upper1, \upper1, a6
        .endm

/* Two taps of all channels. */
        .macro  TWO_TAPS pairs, weights
        lw      a2, (\pairs)(a0)
        lw      a3, (\pairs + 8)(a0)
        lw      a4, (\pairs + 4)(a0)
        lw      a5, (\pairs + 12)(a0)
        MULTIPLY s0, s1, s2, s3, \weights
        MULTIPLY s4, s5, s6, s7, \weights + 2
        MULTIPLY s8, s9, s10, s11, \weights + 4
        MULTIPLY t3, t4, t5, t6, \weights + 6
        .endm

/* A sum that is below 2^29: rounding.h says why this is right. */
        .macro  OUTPUT sum, to, channel, negatives
        slli    \sum, \sum, 2
        .if     \negatives
        srli    a0, \sum, 31
        .endif
        mulh    \sum, \sum, t0
        add     \sum, \sum, ra
        .if     \negatives
        sub     \sum, \sum, a0
        sub     \sum, \sum, a0
        .endif
        sra     \sum, \sum, t1
        bge     \sum, a7, 1f
        mv      \sum, a7
1:      blt     t2, \sum, 3f
2:      sb      \sum, \channel(\to)
        .subsection 1                   /* seldom */
3:      mv      \sum, t2
        j       2b
        .previous
        .endm

        .macro  SCALE both0, upper0, both1, upper1, channel, negatives
        lw      t0, (4 * \channel)(a1)
        lb      t1, (16 + \channel)(a1)
        slli    a0, \upper0, 16
        sub     \both0, \both0, a0
        slli    a0, \upper1, 16
        sub     \both1, \both1, a0
        sll     ra, a6, t1
        addi    ra, ra, 1
        addi    t1, t1, 1
        OUTPUT  \both0, a2, \channel, \negatives
        OUTPUT  \upper0, a3, \channel, \negatives
        OUTPUT  \both1, a4, \channel, \negatives
        OUTPUT  \upper1, a5, \channel, \negatives
        .endm

        .macro  SCALE_ALL negatives
        SCALE   s0, s1, s2, s3, 0, \negatives
        SCALE   s4, s5, s6, s7, 1, \negatives
        SCALE   s8, s9, s10, s11, 2, \negatives
        SCALE   t3, t4, t5, t6, 3, \negatives
        .endm

        .section .text.alpharho_rv32_multiply, "ax", %progbits
        .balign 4
        .global alpharho_rv32_multiply
        .type   alpharho_rv32_multiply, %function
alpharho_rv32_multiply:
        addi    sp, sp, -FRAME_BYTES
        sw      a0, 0(sp)
        sw      ra, 4(sp)
        sw      s0, 8(sp)
        sw      s1, 12(sp)
        sw      s2, 16(sp)
        sw      s3, 20(sp)
        sw      s4, 24(sp)
        sw      s5, 28(sp)
        sw      s6, 32(sp)
        sw      s7, 36(sp)
        sw      s8, 40(sp)
        sw      s9, 44(sp)
        sw      s10, 48(sp)
        sw      s11, 52(sp)
        lw      a1, JOB_PACKED(a0)
.Lgroup: lw      t0, JOB_LANES(a0)
        lw      s1, 0(a1)
        lw      s5, 4(a1)
        lw      s9, 8(a1)
        lw      t4, 12(a1)
        BEGIN   s0, s1, s2, s3
        BEGIN   s4, s5, s6, s7
        BEGIN   s8, s9, s10, s11
        BEGIN   t3, t4, t5, t6
        lw      ra, JOB_END(a0)
        lw      a0, JOB_PAIRS(a0)
        li      t2, PAIR_BIAS
        addi    a1, a1, 16
.Ltaps: TWO_TAPS 0, 0
        TWO_TAPS 16, 8
        addi    a0, a0, 32
        addi    a1, a1, 16
        bne     a0, ra, .Ltaps

        lw      t0, 0(sp)
        lw      a2, JOB_OUT(t0)
        lw      a3, JOB_PITCH(t0)
        lw      a4, JOB_PITCH + 4(t0)
        lw      a5, JOB_PITCH + 8(t0)
        add     a3, a3, a2
        add     a4, a4, a2
        add     a5, a5, a2
        lw      a6, JOB_ROUNDING(t0)
        lw      a7, JOB_MIN(t0)
        lw      t2, JOB_MAX(t0)
        lw      a0, JOB_NEGATIVES(t0)
        bnez    a0, .Llinear
        SCALE_ALL 0
        j       .Lstored
.Llinear: SCALE_ALL 1
.Lstored: lw      a0, 0(sp)
        addi    a1, a1, 20
        addi    a2, a2, 4
        sw      a2, JOB_OUT(a0)
        lw      t0, JOB_GROUPS(a0)
        addi    t0, t0, -1
        sw      t0, JOB_GROUPS(a0)
        bnez    t0, .Lgroup
        sw      a1, JOB_PACKED(a0)

        lw      ra, 4(sp)
        lw      s0, 8(sp)
        lw      s1, 12(sp)
        lw      s2, 16(sp)
        lw      s3, 20(sp)
        lw      s4, 24(sp)
        lw      s5, 28(sp)
        lw      s6, 32(sp)
        lw      s7, 36(sp)
        lw      s8, 40(sp)
        lw      s9, 44(sp)
        lw      s10, 48(sp)
        lw      s11, 52(sp)
        addi    sp, sp, FRAME_BYTES
        ret
        .size   alpharho_rv32_multiply, . - alpharho_rv32_multiply

#endif
