"""One instruction of a Cortex-M program, read from the text of llvm-objdump: what it reads and writes, and its kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONDITIONS = _words("eq ne cs cc mi pl vs vc hi ls ge lt gt le hs lo")
LOADS = _words("ldr ldrb ldrh ldrsb ldrsh vldr")
STORES = _words("str strb strh vstr")
DOUBLES = frozenset(("ldrd", "strd"))
TABLE_JUMPS = frozenset(("tbb", "tbh"))
LONG = _words("smull umull smlal umlal smlald umaal")
ACCUMULATES = LONG - {"smull", "umull"} | _words(
    "mla mls smlad smladx smlabb smlabt smlatb smlatt smlawb smlawt smmla smmlar"
)
MULTIPLIES = ACCUMULATES | _words(
    "mul muls smull umull smulbb smulbt smultb smultt smulwb smulwt smmul smmulr smuad smuadx"
)
EXTENDS = _words(
    "sxtb16 uxtb16 sxtb uxtb sxth uxth sxtab16 uxtab16 sxtab uxtab sxtah uxtah "
    "pkhbt pkhtb bfi bfc ubfx sbfx rev rev16 revsh rbit"
)
"""On M7 one of these in a cycle, as the older of two; their operand is needed a cycle sooner."""
DSP = EXTENDS | _words("ssat usat ssat16 usat16 clz qadd qsub qdadd sadd16 uadd8 ssub16")
_COPIES = _words(
    "mov movs mvn mvns movw clz rev rev16 revsh rbit sxtb uxtb sxth uxth sxtb16 uxtb16 adr vmov vdup vmrs vmsr "
    "ssat usat rrx"
)
_CONDITIONAL = (LOADS | STORES | DOUBLES | MULTIPLIES | DSP | _COPIES) | _words(
    "add sub and orr eor rsb bic lsl lsr asr ror cmp ldm pop bx blx addw sbc adc tst cmn push"
)
_ADDS_TO_RESULT = frozenset(("bfi", "movt", "smlal", "umlal", "smlald", "umaal"))
_VECTOR_MULTIPLY = re.compile(r"v(q?r?d?mul|r?ml|q?r?d?ml|fm|addv|addlv|cmp|pt$|cmul|cvt)")
_VECTOR_KEEPS_RESULT = re.compile(r"mladava|mlava|addva|movn?[tb]$|vmla|qmovn|vshrn|vqrshrn|vsli|vsri")
_PREDICATES = re.compile(r"vpst|vpt|vctp|vpnot")
_REGISTER = re.compile(r"\b(r|s|d|q|sp|lr|pc)(\d+)?\b(?:-[sd](\d+))?")
_BRANCH = re.compile(rf"(b|bl|blx|bx|cbz|cbnz|le|letp|wls|wlstp|b({'|'.join(sorted(CONDITIONS))}))$")
_LINKS = _words("bl blx le letp wls wlstp")
_SETS_FLAGS = re.compile(r"(add|sub|and|orr|eor|bic|lsl|lsr|asr|ror|rsb|adc|sbc|mov|mvn)s$")


@dataclass
class Instruction:
    """An instruction of `size` bytes at an address. `name` is without condition and width, `text` as printed.

    `kind` is alu, load, store, double, list, mac, dsp, div, it, branch or vector; `vector` the pipe of an MVE
    instruction: ls, int, mul, any or sys. Registers are named r0, sp, q3, flags. `back` is a base that is written back,
    `accumulator` what a multiplication is added to, `count` the registers of a list, `target` where a branch goes.
    """

    address: int
    size: int
    name: str
    text: str
    kind: str = "alu"
    vector: str = ""
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    back: str = ""
    accumulator: str = ""
    count: int = 1
    target: int = -1
    is_shifted: bool = False
    is_jump: bool = False
    offset: int | None = None

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size

    @property
    def is_far(self) -> bool:
        """Whether it jumps to an address in a register or in memory."""
        return "pc" in self.writes or self.name in ("bx", "blx", "tbb", "tbh")


def registers(text: str) -> list[str]:
    """Return the registers that a text names, those of a floating-point bank as their vector register."""
    names: list[str] = []
    for bank, first, last in _REGISTER.findall(text):
        for n in range(int(first or 0), int(last or first or 0) + 1):
            if bank in "sd" and first:
                names.append(f"q{n // (4 if bank == 's' else 2)}")
            else:
                names.append(f"{bank}{n}" if first else bank)
    return names


def parse(address: int, size: int, mnemonic: str, operands: str) -> Instruction:
    """Return the instruction that llvm-objdump prints as `mnemonic operands`."""
    name, body = mnemonic.split(".")[0], re.sub(r"[@;].*", "", operands)
    is_conditional = name[0] != "v" and name[-2:] in CONDITIONS and name[:-2] in _CONDITIONAL
    is_conditional = is_conditional and name not in MULTIPLIES | _COPIES
    name = name[:-2] if is_conditional else name
    one = Instruction(address, size, name, f"{mnemonic} {operands}".rstrip())
    if _PREDICATES.match(name) or (name[0] == "v" and re.search(r"\bq\d", body)):
        one.vector = _pipe(name)
    _read_operands(one, body, is_conditional)
    one.is_jump = one.is_jump or "pc" in one.writes or name in TABLE_JUMPS
    one.writes = one.writes + [one.back] * bool(one.back)
    one.reads = one.reads + ["flags"] * is_conditional
    return one


def _pipe(name: str) -> str:
    if name.startswith(("vld", "vst")):
        return "ls"
    if _PREDICATES.match(name):
        return "sys"
    return "mul" if _VECTOR_MULTIPLY.match(name) else "any" if name == "vmov" else "int"


def _read_operands(one: Instruction, body: str, is_conditional: bool) -> None:
    name = one.name
    parts, used = re.split(r",(?![^\[{]*[\]}])", body), registers(body)
    braces, memory = re.search(r"\{(.*?)\}", body), re.search(r"\[(.*?)\](!?)(.*)", body)
    if memory and (name in LOADS | STORES | DOUBLES | TABLE_JUMPS or name.startswith(("vld", "vst"))):
        _read_memory(one, registers(body[: memory.start()]), memory)
    elif braces and re.match(r"v?(ldm|stm|push|pop)", name):
        _read_list(one, parts[0], braces.group(1), used)
    elif _BRANCH.match(name):
        one.kind, one.is_jump = "branch", True
        one.reads = used + (["flags"] if name[1:] in CONDITIONS else [])
        one.writes = ["lr"] if name in _LINKS else []
        one.target = int((re.findall(r"0x([0-9a-f]+)(?: <|$)", body) or ["-1"])[0], 16)
    elif name in ("cmp", "tst", "cmn", "teq", "vcmp", "vmsr") or name.startswith("vpt"):
        one.reads, one.writes, one.is_shifted = used, ["flags"], "#" in parts[-1] and len(parts) == 3
    elif re.match(r"it[te]*$", name):
        one.kind, one.reads = "it", ["flags"]
    else:
        _read_arithmetic(one, parts, used, body, is_conditional)


def _read_memory(one: Instruction, data: list[str], memory: re.Match[str]) -> None:
    one.bases = registers(memory.group(1))
    one.back = one.bases[0] if memory.group(2) or "#" in memory.group(3) else ""
    is_store = one.name in STORES or one.name.startswith(("strd", "vst"))
    offset = re.search(r"#(-?\w+)", memory.group(1))
    one.offset = int(offset.group(1), 0) if offset else 0 if len(one.bases) == 1 else None
    one.kind = "vector" if one.vector else "double" if one.name in DOUBLES else "store" if is_store else "load"
    one.reads, one.writes = (data + one.bases, []) if is_store else (list(one.bases), data)


def _read_list(one: Instruction, first: str, inside: str, used: list[str]) -> None:
    names, is_stack = registers(inside), "push" in one.name or "pop" in one.name
    one.kind, one.bases = "list", ["sp"] if is_stack else used[:1]
    one.count = len(names) * (2 if re.search(r"\bd\d", inside) else 1)
    one.back = one.bases[0] if "!" in first or is_stack else ""
    is_load = re.match(r"v?(ldm|pop)", one.name)
    one.reads, one.writes = (list(one.bases), names) if is_load else (names + one.bases, [])


def _read_arithmetic(one: Instruction, parts: list[str], used: list[str], body: str, is_conditional: bool) -> None:
    name = one.name
    results = 2 if name in LONG or (name == "vmov" and len(parts) == 3 and used[0][0] == "r") else 1
    one.writes, one.reads = used[:results], used[results:]
    keeps = (len(parts) == 2 and name not in _COPIES and not one.vector) or is_conditional or name in _ADDS_TO_RESULT
    if keeps or _VECTOR_KEEPS_RESULT.search(name) or (name == "vmov" and "[" in parts[0]):
        one.reads = one.reads + one.writes
    if name in MULTIPLIES:
        one.kind = "mac"
    elif name in DSP:
        one.kind = "dsp"
    else:
        one.kind = "div" if name in ("sdiv", "udiv") else "vector" if one.vector else "alu"
    one.accumulator = (used[0] if name in LONG else used[-1]) if name in ACCUMULATES else ""
    one.is_shifted = one.kind == "alu" and bool(re.search(r"(lsl|lsr|asr|ror) #[1-9]", body))
    one.writes = one.writes + ["flags"] * bool(_SETS_FLAGS.match(name))
