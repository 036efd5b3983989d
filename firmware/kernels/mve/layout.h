// What C and assembly share: which of the two this build takes, the sizes that both count in, and where the fields of
// structures are that assembly reads. The C file that calls the assembly asserts each offset.
#ifndef KERNELS_MVE_LAYOUT_H
#define KERNELS_MVE_LAYOUT_H

// Define KERNELS_MVE_IN_C to build the C models of the kernels on a core that has the instructions, too.
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(KERNELS_MVE_IN_C)
#define KERNELS_MVE_ASSEMBLY
#endif

// Convolutions: pixels that are computed together, output channels of a unit of `packed`, taps in a vector, and in half
// of one.
#define MVE_PIXELS   4
#define MVE_CHANNELS 4
#define MVE_BLOCK    16
#define MVE_HALF     8

// Taps of a row of a 3x3 window on 3 channels.
#define MVE_RGB_ROW 9

// Blocks of taps in a pass of the loop of multiply_tile.S.
#define MVE_UNITS 3

// struct multiply_job
#define JOB_PACKED     0
#define JOB_PACKED_END 4
#define JOB_INPUTS     8
#define JOB_BLOCKS_END 12
#define JOB_OUT        16
#define JOB_MODE       20
#define JOB_NEXT       24
#define JOB_GROUPS     40
#define JOB_ADVANCE    44
#define JOB_CHANNELS   48

// struct depthwise_row
#define ROW_PACKED      0
#define ROW_CHANNELS    4
#define ROW_TAPS        8
#define ROW_OUT         44
#define ROW_PIXELS      48
#define ROW_ADVANCE     52
#define ROW_OUT_ADVANCE 56
#define ROW_ZERO_POINT  60
#define ROW_COLUMN      64
#define ROW_NEGATIVES   68

// struct depthwise_taps
#define TAPS_PACKED      0
#define TAPS_CHANNELS    4
#define TAPS_TABLE       8
#define TAPS_PAIRS       12
#define TAPS_IN          16
#define TAPS_OUT         20
#define TAPS_MODE        24
#define TAPS_PIXELS      28
#define TAPS_ADVANCE     32
#define TAPS_OUT_ADVANCE 36

// struct alpharho_mve_dense
#define DENSE_IN_C       4
#define DENSE_OUT_C      8
#define DENSE_WEIGHTS    12
#define DENSE_BIAS       16
#define DENSE_MULTIPLIER 20
#define DENSE_SHIFT      24
#define DENSE_ZERO_POINT 28
#define DENSE_MIN        32
#define DENSE_MAX        36

// struct tile_rows
#define TILE_ROWS_FIRST   0
#define TILE_ROWS_ADVANCE 16
#define TILE_ROWS_COUNT   20
#define TILE_ROWS_BLOCKS  24

// struct rows
#define ROWS_TO_PITCH   0
#define ROWS_FROM_PITCH 4
#define ROWS_COUNT      8
#define ROWS_BYTES      12

// A load of several fields takes the structures alpharho_mve_add from `size` to `max`, and alpharho_mve_mul from `rows`
// to `zero_point`: all fields are words, in this order.
#define ADD_SIZE       0
#define ADD_FACTOR1    4
#define ADD_FACTOR2    8
#define ADD_OFFSET     12
#define ADD_SHIFT      16
#define ADD_MIN        20
#define ADD_MAX        24
#define MUL_ROWS       0
#define MUL_SIZE       4
#define MUL_OFFSET1    8
#define MUL_OFFSET2    12
#define MUL_MULTIPLIER 16
#define MUL_SHIFT      20
#define MUL_ZERO_POINT 24

// In C: fails to compile if a field is not where assembly reads it.
#ifdef KERNELS_MVE_ASSEMBLY
#define MVE_ASSERT_OFFSET(type, field, offset)                                                                         \
  _Static_assert(offsetof(type, field) == (offset), #field " is not where assembly reads it")
#else
#define MVE_ASSERT_OFFSET(type, field, offset) _Static_assert(1, "C reads fields by their names")
#endif

#endif // KERNELS_MVE_LAYOUT_H
