// What stands in for the RP2040's ROM, which the emulator has none of: the tables that programs look functions up in
// (datasheet, 2.8.3), functions for memory and bits, and for flash, which do nothing. Ours, and slower than the real ones.

// Where a program finds them.
const MAGIC = 0x10; // 'M', 'u', 1, and the version of the ROM
const FUNCTIONS = 0x14;
const DATA = 0x16;
const LOOKUP = 0x18;
const VERSION = 3; // of the chip's revision B2

const CODE_AT = 0x20;
const CODE = [
  // lookup, 0x20: returns what r1 stands for in the table at r0, or 0
  0x8802, // ldrh r2, [r0]
  0x8843, // ldrh r3, [r0, #2]
  0x3004, // adds r0, #4
  0x428a, // cmp  r2, r1
  0xd002, // beq  0x30
  0x2a00, // cmp  r2, #0
  0xd1f8, // bne  lookup
  0x2300, // movs r3, #0
  0x1c18, // adds r0, r3, #0
  0x4770, // bx   lr
  // memcpy, 0x34: from r1 to r0, r2 bytes; words where all are multiples of 4
  0x1c03, // adds r3, r0, #0
  0x430b, // orrs r3, r1
  0x4313, // orrs r3, r2
  0x079b, // lsls r3, #30
  0xd004, // beq  0x48
  0x3a01, // subs r2, #1
  0xd407, // bmi  0x52
  0x5c8b, // ldrb r3, [r1, r2]
  0x5483, // strb r3, [r0, r2]
  0xe7fa, // b    0x3e
  0x3a04, // subs r2, #4
  0xd402, // bmi  0x52
  0x588b, // ldr  r3, [r1, r2]
  0x5083, // str  r3, [r0, r2]
  0xe7fa, // b    0x48
  0x4770, // bx   lr
  // memset, 0x54: r2 bytes of r1 at r0
  0x3a01, // subs r2, #1
  0xd4fc, // bmi  0x52
  0x5481, // strb r1, [r0, r2]
  0xe7fb, // b    memset
  // nothing, 0x5c
  0x4770, // bx   lr
  // leading zeros of r0, 0x5e
  0x2120, // movs r1, #32
  0xe001, // b    0x66
  0x3901, // subs r1, #1
  0x0840, // lsrs r0, #1
  0x2800, // cmp  r0, #0
  0xd1fb, // bne  0x62
  0xe014, // b    end
  // trailing zeros of r0, 0x6c
  0x2120, // movs r1, #32
  0x2800, // cmp  r0, #0
  0xd011, // beq  end
  0x2100, // movs r1, #0
  0x0840, // lsrs r0, #1
  0xd20e, // bcs  end
  0x3101, // adds r1, #1
  0xe7fb, // b    0x74
  // ones of r0, 0x7c
  0x2100, // movs r1, #0
  0x2800, // cmp  r0, #0
  0xd009, // beq  end
  0x0840, // lsrs r0, #1
  0xd3fb, // bcc  0x7e
  0x3101, // adds r1, #1
  0xe7f9, // b    0x7e
  // r0 with its bits in reverse, 0x8a
  0x2100, // movs r1, #0
  0x2220, // movs r2, #32
  0x0840, // lsrs r0, #1
  0x4149, // adcs r1, r1
  0x3a01, // subs r2, #1
  0xd1fb, // bne  0x8e
  // end, 0x96
  0x1c08, // adds r0, r1, #0
  0x4770, // bx   lr
];
const THUMB = 1;
const LOOKUP_CODE = 0x20 | THUMB;
const MEMCPY = 0x34 | THUMB;
const MEMSET = 0x54 | THUMB;
const NOTHING = 0x5c | THUMB;
const LEADING = 0x5e | THUMB;
const TRAILING = 0x6c | THUMB;
const ONES = 0x7c | THUMB;
const REVERSE = 0x8a | THUMB;

const FUNCTIONS_AT = 0xa0;
const FUNCTION_OF = {
  MS: MEMSET, S4: MEMSET, MC: MEMCPY, C4: MEMCPY,
  IF: NOTHING, EX: NOTHING, RE: NOTHING, RP: NOTHING, FC: NOTHING, CX: NOTHING, // flash
  P3: ONES, R3: REVERSE, L3: LEADING, T3: TRAILING,
};
const DATA_AT = 0x100;
const FLOATS_AT = 0x200; // tables of float functions; there are none
const DATA_OF = { SF: FLOATS_AT, SD: FLOATS_AT };

// Return the ROM as words.
export function rom() {
  const words = new Uint32Array(4096);
  const view = new DataView(words.buffer);
  const put = (at, halfwords) => halfwords.forEach((value, i) => view.setUint16(at + 2 * i, value, true));
  const table = (values) =>
    Object.entries(values).flatMap(([name, value]) => [name.charCodeAt(0) | (name.charCodeAt(1) << 8), value]);
  put(MAGIC, [0x754d, (VERSION << 8) | 1]);
  put(FUNCTIONS, [FUNCTIONS_AT]);
  put(DATA, [DATA_AT]);
  put(LOOKUP, [LOOKUP_CODE]);
  put(CODE_AT, CODE);
  put(FUNCTIONS_AT, [...table(FUNCTION_OF), 0, 0]);
  put(DATA_AT, [...table(DATA_OF), 0, 0]);
  return words;
}
