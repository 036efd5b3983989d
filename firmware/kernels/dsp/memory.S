// Copies by words. memory.h says what the function does, memory.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#define CHUNK_BYTES 32

// void alpharho_dsp_copy_words(int8_t *to, const int8_t *from, int32_t size)
//
// register     in the loops
// r0           next word to write
// r1           next word to read
// r2           bytes left, less a chunk in the loop over chunks
// r3           a word
// r4-r10, r12  a chunk: a compiler keeps no more than two words in flight
FUNCTION alpharho_dsp_copy_words
  subs r2, #CHUNK_BYTES
  blo 2f
  push {r4-r10}
1:
  ldmia r1!, {r4-r10, r12}
  stmia r0!, {r4-r10, r12}
  subs r2, #CHUNK_BYTES
  bhs 1b
  pop {r4-r10}
2:
  adds r2, #CHUNK_BYTES
  beq 4f
3:
  ldr r3, [r1], #4
  str r3, [r0], #4
  subs r2, #4
  bne 3b
4:
  bx lr
END_FUNCTION alpharho_dsp_copy_words

#endif // KERNELS_DSP_ASSEMBLY
