#!/usr/bin/env python3
"""Writes src/aes/thumb2.s: AES-128 in constant time for ARMv7-M and up, two blocks at once.

A slice is a word that has one bit of each of the 32 bytes of two blocks: slice i has bit i of the byte in row r and
column c of block b at 8 r + 2 c + b. So a step from row to row is a rotation of the word, which is free. What is
computed, from what is published:

- the S-box: the circuit of 113 gates of Boyar, Matthews and Peralta ("Logic minimization techniques with applications
  to cryptology", Journal of Cryptology 26, 2013), without its last four NOTs, which are in the round keys. The order
  of its gates is one for which a search found few moves to and from the stack.
- the rounds: "semi-fixsliced" (Adomnicai and Peyrin, "Fixslicing AES-like ciphers", TCHES 2021): odd rounds leave
  ShiftRows out, and their MixColumns goes from row to row and column to column at once; even rounds make up for both.

    aes.py > src/aes/thumb2.s
"""

# s0 and u0 are the most significant bits.
SBOX = """
t0=u1^u2 y13=u0^u6 y14=u3^u5 y1=t0^u7 y12=y13^y14 t1=u4^y12 y20=t1^u1 y9=u0^u3 y11=y20^y9 y15=t1^u5 y4=y1^u3
y8=u0^u5 y5=y1^u6 y10=y15^t0 t2=y12&y15 y17=y10^y11 y6=y15^u7 t13=y14&y17 y3=y5^y8 y16=t0^y11 t3=y3&y6 t12=y9&y11
t15=y8&y10 y7=u7^y11 t16=t15^t12 t14=t13^t12 t4=t3^t2 t17=t4^y20 y18=u0^y16 y2=y1^u0 t21=t17^t14 y19=y10^y8 t5=y4&u7
t6=t5^t2 t18=t6^t16 t22=t18^y19 t7=y13&y16 t10=y2&y7 t11=t10^t7 t20=t11^t16 t8=y5&y1 t9=t8^t7 y21=y13^y16 t19=t9^t14
t23=t19^y21 t26=t21&t23 t31=t22^t26 t24=t20^y18 t30=t23^t24 t25=t21^t22 t32=t31&t30 t33=t32^t24 t27=t24^t26
t34=t23^t33 t28=t25&t27 t29=t28^t22 z14=t29&y2 t35=t27^t33 t36=t24&t35 z5=t29&y7 t38=t27^t36 t39=t29&t38 t37=t36^t34
t40=t25^t39 z2=t33&u7 t44=t33^t37 z11=t33&y4 z0=t44&y15 t43=t29^t40 z12=t43&y13 tc4=z0^z2 z3=t43&y16 z9=t44&y12
t42=t29^t33 z4=t40&y1 z10=t37&y3 z13=t40&y5 z1=t37&y6 tc12=z3^z5 tc6=z3^z4 t41=t40^t37 z15=t42&y9 tc5=z1^z0
t45=t42^t41 z16=t45&y14 tc1=z15^z16 tc13=z13^tc1 tc2=z10^tc1 tc14=tc4^tc12 tc11=tc6^tc5 z7=t45&y17 tc3=z9^tc2
tc8=z7^tc6 s3=tc3^tc11 z6=t42&y11 z8=t41&y10 tc16=z6^tc8 z17=t41&y8 tc7=z12^tc4 tc20=z15^tc16 tc9=z8^tc7 s0=tc3^tc16
tc10=tc8^tc9 tc17=z14^tc10 tc21=tc2^z11 s1=s3^tc16 tc18=tc13^tc14 s5=tc21^tc17 s7=z12^tc18 s4=tc14^s3 tc26=tc17^tc20
s6=tc10^tc18 s2=tc26^z17
"""

REGISTERS = ["r%d" % n for n in range(13)] + ["lr"]
STATE = ["r%d" % n for n in range(4, 12)]  # slices 0 to 7
NEVER = 10**6


class Frame:
    """Words of the stack, by name."""

    def __init__(self, *names):
        self.places = {}
        for name in names:
            self.place(name)

    def place(self, name):
        return "[sp, #%d]" % (4 * self.places.setdefault(name, len(self.places)))


class Code:
    """Instructions, one a line."""

    def __init__(self):
        self.lines = []

    def __call__(self, *lines):
        self.lines += ["    " + line for line in lines]

    def label(self, name):
        self.lines.append(name + ":")


def operation(name, to, a, b, shift=None):
    """`to = a name (b shifted)`, in two bytes where there is such an instruction."""
    narrow = all(register in REGISTERS[:8] for register in (to, a, b)) and to in (a, b)
    if not shift and narrow:
        return "%ss %s, %s" % (name, to, b if to == a else a)
    return "%s %s, %s, %s%s" % (name, to, a, b, ", " + shift if shift else "")


def straight(code, frame, gates, places, wanted=None):
    """Computes gates (to, name, a, b, shift) in their order; b may be a constant. `places` are the registers of what
    is there, and afterwards of what is wanted: {value: register or None for any}. What does not fit into the registers
    goes to the stack, first what is needed last."""
    wanted = wanted or {}
    uses = {}
    for at, (_, _, a, b, _) in enumerate(gates):
        for value in (a, b):
            uses.setdefault(value, []).append(at)
    for value in wanted:
        uses.setdefault(value, []).append(NEVER)
    stored = {}

    def free(keep=(), prefer=None):
        taken = set(places.values())
        if prefer and prefer not in taken:
            return prefer
        left = [r for r in REGISTERS if r not in taken and r not in wanted.values()]
        left = left or [r for r in REGISTERS if r not in taken]
        if left:
            return left[0]
        victim = max((v for v in places if v not in keep), key=lambda v: (uses[v][0], v in stored))
        if victim not in stored:
            slot = next(s for s in range(99) if s not in stored.values())
            stored[victim] = slot
            code("str %s, %s" % (places[victim], frame.place("spilled %d" % slot)))
        return places.pop(victim)

    for at, (to, name, a, b, shift) in enumerate(gates):
        operands = [value for value in (a, b) if isinstance(value, str) and not value.startswith("#")]
        for value in operands:
            if value not in places:
                register = free(keep=operands)
                code("ldr %s, %s" % (register, frame.place("spilled %d" % stored[value])))
                places[value] = register
        registers = [places.get(a, a), places.get(b, b)]
        dead = []
        for value in operands:
            uses[value].pop(0)
            if not uses[value]:
                dead.append(places.pop(value))
                stored.pop(value, None)
        prefer = wanted.get(to)
        if not prefer or prefer in places.values():
            prefer = next((r for r in dead if r not in wanted.values()), dead[0] if dead else None)
        places[to] = free(prefer=prefer)
        code(operation(name, places[to], *registers, shift))
    move(code, {places[v]: r for v, r in wanted.items() if r}, set(places.values()))


def move(code, moves, taken):
    """Moves registers to others at once."""
    moves = {a: b for a, b in moves.items() if a != b}
    while moves:
        ready = next((a for a, b in moves.items() if b not in moves), None)
        if ready:
            code("mov %s, %s" % (moves.pop(ready), ready))
            continue
        spare = next(r for r in REGISTERS if r not in taken and r not in moves.values())
        first = next(iter(moves))
        code("mov %s, %s" % (spare, first))
        moves[spare] = moves.pop(first)


def swap(code, low, high, shift, mask, spare="r0"):
    """Exchanges the bits of `low` above those of `mask` with those of `high` below."""
    code("eor %s, %s, %s, lsr #%d" % (spare, high, low, shift), "and %s, %s, #%s" % (spare, spare, mask))
    code(operation("eor", high, high, spare), "eor %s, %s, %s, lsl #%d" % (low, low, spare, shift))


def substitute(code, frame):
    """The S-box, a function. From STATE; what comes out is in the registers that are returned."""
    code.label(".Lsubstitute")
    code("str lr, " + frame.place("return"))
    places = {"u%d" % (7 - bit): STATE[bit] for bit in range(8)}
    gates = []
    for gate in SBOX.split():
        to, inputs = gate.split("=")
        name = "eor" if "^" in inputs else "and"
        gates.append((to, name, *inputs.replace("&", "^").split("^"), None))
    straight(code, frame, gates, places, {"s%d" % n: None for n in range(8)})
    code("ldr pc, " + frame.place("return"))
    return [places["s%d" % (7 - bit)] for bit in range(8)]


def add_key(code, frame):
    """To STATE; goes on to the next round key."""
    code("ldr r0, " + frame.place("keys"))
    for half in (STATE[:4], STATE[4:]):
        code("ldm r0!, {r1, r2, r3, r12}")
        code(*(operation("eor", s, s, k) for s, k in zip(half, ("r1", "r2", "r3", "r12"))))
    code("str r0, " + frame.place("keys"))


def mix(code, frame, registers, turned):
    """MixColumns, into STATE; `turned`: of a state that lacks ShiftRows once, whose columns go from row to row and
    column to column."""
    gates = []

    def rotated(value, once):  # the state one row further, or two; in a register, but for a rotation
        if not turned:
            return value, 8 if once else 16
        mask, rest = ("0x03030303", 2) if once else ("0x0f0f0f0f", 12)
        gates.append(("a" + value, "eor", value, value, "ror #8"))
        gates.append(("b" + value, "and", "a" + value, "#" + mask, None))
        gates.append(("c" + value, "eor", "b" + value, value, "ror #8"))
        return "c" + value, rest

    next_row = {}

    def sum_of_two(bit):
        value, by = next_row[bit] = rotated("x%d" % bit, True)
        gates.append(("y%d" % bit, "eor", "x%d" % bit, value, "ror #%d" % by))

    sum_of_two(7)
    for bit in range(7, -1, -1):
        doubled = "y%d" % (bit - 1 if bit else 7)
        if bit:
            sum_of_two(bit - 1)
        value, by = next_row[bit]
        gates.append(("d%d" % bit, "eor", doubled, value, "ror #%d" % by))
        if bit in (1, 3, 4):
            gates.append(("e%d" % bit, "eor", "d%d" % bit, "y7", None))
        value, by = rotated("y%d" % bit, False)
        gates.append(("z%d" % bit, "eor", "%s%d" % ("e" if bit in (1, 3, 4) else "d", bit), value, "ror #%d" % by))
    places = {"x%d" % bit: registers[bit] for bit in range(8)}
    straight(code, frame, gates, places, {"z%d" % bit: STATE[bit] for bit in range(8)})


def shift_rows_twice(code, registers):
    spare = next(r for r in REGISTERS if r not in registers)
    for register in registers:
        code("eor %s, %s, %s, lsr #4" % (spare, register, register), "and %s, %s, #0x0f000f00" % (spare, spare))
        code(operation("eor", register, register, spare), "eor %s, %s, %s, lsl #4" % (register, register, spare))


def transpose(code):
    """Blocks to slices and back, a function: word 2 c + b is column c of block b."""
    code.label(".Ltranspose")
    for shift, mask in ((1, "0x55555555"), (2, "0x33333333"), (4, "0x0f0f0f0f")):
        for low in range(8):
            if not low & shift:
                swap(code, STATE[low], STATE[low + shift], shift, mask)
    code("bx lr")


def columns(code, name):
    for block in range(2):
        for column in range(4):
            code("%s %s, [r1, #%d]" % (name, STATE[2 * column + block], 16 * block + 4 * column))


def wipe(code, frame, first):
    """What was spilled."""
    code("movs r0, #0")
    words = len(frame.places)
    for word in range(frame.places[first], words - 1, 2):
        code("strd r0, r0, [sp, #%d]" % (4 * word))
    if (words - frame.places[first]) % 2:
        code("str r0, [sp, #%d]" % (4 * (words - 1)))


def rounds(code, frame, substituted):
    """The end of both functions: encrypts the blocks at r1. "step" adds a round key and substitutes."""
    code.label(".Lrounds")
    columns(code, "ldr")
    code("bl .Ltranspose")
    code.label("1")
    code("ldr r0, " + frame.place("step"), "blx r0")
    mix(code, frame, substituted, True)
    code("ldr r0, " + frame.place("step"), "blx r0")
    shift_rows_twice(code, substituted)
    spare = [r for r in REGISTERS if r not in substituted]
    code("ldr %s, %s" % (spare[0], frame.place("keys")), "ldr %s, %s" % (spare[1], frame.place("end")))
    code("cmp %s, %s" % (spare[0], spare[1]), "beq 2f")
    mix(code, frame, substituted, False)
    code("b 1b")
    code.label("2")
    move(code, dict(zip(substituted, STATE)), set(substituted))
    add_key(code, frame)
    code("bl .Ltranspose", "ldr r1, " + frame.place("data"))
    columns(code, "str")
    wipe(code, frame, "word 0")
    code("add sp, #@FRAME@", "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}")


def encrypt(code, frame):
    """Two blocks."""
    start(code, "lscoap_aes_encrypt")
    code("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}", "sub sp, #@FRAME@")
    code("add r2, r0, #320", "adr r3, .Ladd_key_and_substitute + 1")
    code("strd r0, r1, " + frame.place("keys"), "strd r2, r3, " + frame.place("end"), "b .Lrounds")


def encrypt_first(code, frame):
    """Writes the round keys, and encrypts one block with them meanwhile: in the place of the other the S-box takes the key's
    last word. Round keys are slices, of both blocks alike. Those after the first have the S-box's NOTs in them, those of odd
    rounds are turned back as the state is. The key's words stay as they are, in the stack."""
    start(code, "lscoap_aes_encrypt_first")
    code("push {r4, r5, r6, r7, r8, r9, r10, r11, lr}", "sub sp, #@FRAME@")
    code("add r12, r1, #320", "adr lr, .Ladd_key_and_expand + 1")
    code("strd r1, r2, " + frame.place("keys"), "strd r12, lr, " + frame.place("end"))
    for number in range(4):
        code("ldr r%d, [r0, #%d]" % (4 + number, 4 * number))
    code( "movs r2, #0", "str r2, " + frame.place("round"))
    code("add r0, sp, #%d" % (4 * frame.places["word 0"]), "stm r0, {r4, r5, r6, r7}", "bl .Lround_key")
    code("ldr r1, " + frame.place("data"))


def expand(code, frame, substituted):
    """A step that makes the next round key."""
    words = STATE[:4]
    kept = "{%s}" % ", ".join(r for r in REGISTERS if r in substituted)
    spare = [r for r in REGISTERS if r not in substituted]
    key = spare[0]
    code.label(".Ladd_key_and_expand")
    code("str lr, " + frame.place("return of a step"))
    add_key(code, frame)
    code("ldr r0, " + frame.place("word 3"))
    for bit in range(8):
        code("and r1, r0, #0x%08x" % (0x01010101 << bit), "and %s, %s, #0x55555555" % (STATE[bit], STATE[bit]))
        code("orr %s, %s, r1, %s" % (STATE[bit], STATE[bit], "ror #%d" % (bit - 1) if bit > 1 else "lsl #%d" % (1 - bit)))
    code("bl .Lsubstitute")
    for bit in range(8):
        code("and %s, %s, #0x02020202" % (spare[1], substituted[bit]))
        if bit == 0:
            code("lsr %s, %s, #1" % (key, spare[1]))
        else:
            code("orr %s, %s, %s, lsl #%d" % (key, key, spare[1], bit - 1))
    # Where the S-box has spilled what it needs no more: at least eight words.
    code("add %s, sp, #%d" % (spare[1], 4 * frame.places["spilled 0"]), "stm %s, %s" % (spare[1], kept))
    code("mov r8, " + key) if key != "r8" else None
    code("add r0, sp, #%d" % (4 * frame.places["word 0"]), "ldm r0, {r4, r5, r6, r7}")
    code("ldr r1, " + frame.place("round"), "adr r2, 4f", "ldrb r2, [r2, r1]", "adds r1, r1, #1")
    code("str r1, " + frame.place("round"))
    code("eor r4, r4, r8, ror #8", "eor r4, r4, #0x63636363", "eors r4, r2", "eors r5, r4", "eors r6, r5", "eors r7, r6")
    code("stm r0, {r4, r5, r6, r7}")
    code(*("eor %s, %s, #0x63636363" % (w, w) for w in words))
    code("tst r1, #1", "beq 3f")
    for a, b in ((0, 2), (1, 3)):  # rows 2 and 3 by two columns
        code("eor r2, %s, %s" % (words[a], words[b]), "lsrs r2, r2, #16")
        code(*("eor %s, %s, r2, lsl #16" % (words[x], words[x]) for x in (a, b)))
    for other in (1, 2, 3):  # rows 1 and 3 by one
        code("eor r2, r4, %s" % words[other], "and r2, r2, #0xff00ff00", "eors r4, r2", "eors %s, r2" % words[other])
    code.label("3")
    code("bl .Lround_key", "add r0, sp, #%d" % (4 * frame.places["spilled 0"]), "ldm r0, " + kept)
    code("ldr pc, " + frame.place("return of a step"))
    code.lines += ["4:", "    .byte 1, 2, 4, 8, 16, 32, 64, 128, 27, 54", "    .balign 4"]

    # From r4 to r7.
    code.label(".Lround_key")
    swap(code, "r4", "r5", 2, "0x33333333")
    swap(code, "r6", "r7", 2, "0x33333333")
    swap(code, "r4", "r6", 4, "0x0f0f0f0f")
    swap(code, "r5", "r7", 4, "0x0f0f0f0f")
    for number in (3, 2, 1, 0):  # every other bit is of an even slice; each of them twice
        code("and r0, %s, #0x55555555" % words[number], "and r2, %s, #0xaaaaaaaa" % words[number])
        code("orr %s, r0, r0, lsl #1" % STATE[2 * number], "orr %s, r2, r2, lsr #1" % STATE[2 * number + 1])
    code("ldr r0, " + frame.place("keys"), "stm r0, {r4, r5, r6, r7, r8, r9, r10, r11}", "bx lr")


def start(code, name):
    code.lines += ["", "    .global " + name, "    .hidden " + name, "    .type %s, %%function" % name]
    code.label(name)


def forget(code):
    """Zeroes round keys, and two blocks, which may stand at any address."""
    start(code, "lscoap_aes_wipe")
    code("push {r4, r5, r6, r7, r8, lr}", "mov lr, #11")
    zeroes = ["r%d" % n for n in range(2, 9)] + ["r12"]
    code(*("mov %s, #0" % register for register in zeroes))
    code.label("1")
    code("stm r0!, {%s}" % ", ".join(zeroes), "subs lr, lr, #1", "bne 1b")
    code(*("str r2, [r1, #%d]" % at for at in range(0, 32, 4)))
    code("pop {r4, r5, r6, r7, r8, pc}")
    code.lines += ["    .size lscoap_aes_wipe, . - lscoap_aes_wipe"]


def main():
    code = Code()
    frame = Frame("return", "return of a step", "keys", "data", "end", "step", "round")
    for number in range(4):
        frame.place("word %d" % number)
    code.label(".Ladd_key_and_substitute")
    add_key(code, frame)
    substituted = substitute(code, frame)
    expand(code, frame, substituted)
    transpose(code)
    encrypt(code, frame)
    encrypt_first(code, frame)
    rounds(code, frame, substituted)
    forget(code)
    print("@ Written by aes.py, which says what this is; do not edit.")
    print("    .syntax unified\n    .thumb\n    .section .text.lscoap_aes, \"ax\", %progbits\n    .balign 4")
    print("\n".join(code.lines).replace("@FRAME@", str(4 * len(frame.places))))


main()
