//! Puts a classic BPF program together. All jumps lead forward, as the kernel demands.

use crate::sys::Instruction;
use libc::{
    BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_JSET,
    BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_MEM, BPF_MISC, BPF_MOD, BPF_MUL, BPF_RET, BPF_RSH, BPF_ST, BPF_SUB,
    BPF_TAX, BPF_TXA, BPF_W, BPF_X, BPF_XOR,
};

/// The word of scratch memory that the assembler uses itself.
const SPARE: u32 = 15;

/// A place in the program that jumps lead to.
#[derive(Clone, Copy)]
pub struct Label(usize);

/// Of how many bytes a number is that is loaded.
#[derive(Clone, Copy)]
pub enum Size {
    Byte = BPF_B as isize,
    Half = BPF_H as isize,
    Word = BPF_W as isize,
}

/// What is asked about the accumulator.
#[derive(Clone, Copy)]
pub enum Is {
    Equal(u32),
    Above(u32),
    /// Above the index register.
    AboveIndex,
    /// One of these bits is set.
    Any(u32),
}

/// What is done to the accumulator.
#[derive(Clone, Copy)]
pub enum Do {
    Add(u32),
    AddIndex,
    Sub(u32),
    Mul(u32),
    And(u32),
    Shift(u32),
    XorIndex,
    Modulo(u32),
}

/// A line of a program.
enum Line {
    Plain(Instruction),
    /// Jumps to a label, always or where the answer is the one that is asked for.
    Jump(Option<(Is, bool)>, Label),
}

/// A program that is being written: `a` is its accumulator, `x` its index register.
#[derive(Default)]
pub struct Assembler {
    lines: Vec<Line>,
    /// Before which line each label is.
    labels: Vec<usize>,
}

impl Assembler {
    /// A place that is not known yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() - 1)
    }

    /// The place is here.
    pub fn here(&mut self, label: Label) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = self.lines.len();
        }
    }

    fn put(&mut self, code: u32, k: u32) {
        self.lines.push(Line::Plain(Instruction { code: code as u16, jt: 0, jf: 0, k }));
    }

    /// `a` is what stands at a place. Beyond the end of the datagram the program ends with 0.
    pub fn load(&mut self, size: Size, at: u32) {
        self.put(BPF_LD | size as u32 | BPF_ABS, at);
    }

    /// `a` is what stands `at` bytes behind `x`.
    pub fn load_behind_x(&mut self, size: Size, at: u32) {
        self.put(BPF_LD | size as u32 | BPF_IND, at);
    }

    /// `a` is the length of the datagram.
    pub fn load_len(&mut self) {
        self.put(BPF_LD | BPF_W | BPF_LEN, 0);
    }

    /// `a` is a word that was kept.
    pub fn recall(&mut self, word: u32) {
        self.put(BPF_LD | BPF_MEM, word);
    }

    /// `x` is a word that was kept.
    pub fn recall_x(&mut self, word: u32) {
        self.put(BPF_LDX | BPF_MEM, word);
    }

    /// Keeps `a`.
    pub fn keep(&mut self, word: u32) {
        self.put(BPF_ST, word);
    }

    /// `x` is a number.
    pub fn set_x(&mut self, k: u32) {
        self.put(BPF_LDX | BPF_W, k); // BPF_IMM is 0
    }

    /// `x` is `a`.
    pub fn a_to_x(&mut self) {
        self.put(BPF_MISC | BPF_TAX, 0);
    }

    /// `a` is `x`.
    pub fn x_to_a(&mut self) {
        self.put(BPF_MISC | BPF_TXA, 0);
    }

    /// `a` is a number.
    pub fn set_a(&mut self, k: u32) {
        self.put(BPF_LD | BPF_W, k); // BPF_IMM is 0
    }

    /// Adds to `x`, and leaves `a`.
    pub fn move_x(&mut self, by: u32) {
        self.keep(SPARE);
        self.x_to_a();
        self.alu(Do::Add(by));
        self.a_to_x();
        self.recall(SPARE);
    }

    /// Computes.
    pub fn alu(&mut self, what: Do) {
        let (code, k) = match what {
            Do::Add(k) => (BPF_ADD | BPF_K, k),
            Do::AddIndex => (BPF_ADD | BPF_X, 0),
            Do::Sub(k) => (BPF_SUB | BPF_K, k),
            Do::Mul(k) => (BPF_MUL | BPF_K, k),
            Do::And(k) => (BPF_AND | BPF_K, k),
            Do::Shift(k) => (BPF_RSH | BPF_K, k),
            Do::XorIndex => (BPF_XOR | BPF_X, 0),
            Do::Modulo(k) => (BPF_MOD | BPF_K, k),
        };
        self.put(BPF_ALU | code, k);
    }

    /// Jumps.
    pub fn jump(&mut self, to: Label) {
        self.lines.push(Line::Jump(None, to));
    }

    /// Jumps where the answer is yes.
    pub fn jump_if(&mut self, is: Is, to: Label) {
        self.lines.push(Line::Jump(Some((is, true)), to));
    }

    /// Jumps where the answer is no.
    pub fn jump_unless(&mut self, is: Is, to: Label) {
        self.lines.push(Line::Jump(Some((is, false)), to));
    }

    /// Ends with a number.
    pub fn end(&mut self, number: u32) {
        self.put(BPF_RET | BPF_K, number);
    }

    /// Ends with `a`.
    pub fn end_with_a(&mut self) {
        self.put(BPF_RET | libc::BPF_A, 0);
    }

    /// The program. A conditional jump leads 255 instructions far; a longer one takes a second instruction.
    pub fn finish(self) -> Vec<Instruction> {
        let mut is_long = vec![false; self.lines.len()];
        loop {
            let places: Vec<usize> = (is_long.iter())
                .scan(0, |at, is_long| Some(std::mem::replace(at, *at + 1 + usize::from(*is_long))))
                .collect();
            let distance = |line: usize, label: Label| {
                let to = self.labels.get(label.0).and_then(|to| places.get(*to));
                let distance = to.zip(places.get(line)).and_then(|(to, at)| to.checked_sub(at + 1));
                debug_assert!(distance.is_some(), "jumps lead forward, to places that there are");
                distance.unwrap_or_default()
            };
            let mut grew = false;
            for ((number, line), is_long) in self.lines.iter().enumerate().zip(&mut is_long) {
                if let Line::Jump(Some(_), to) = line {
                    let grows = !*is_long && distance(number, *to) > usize::from(u8::MAX);
                    (*is_long, grew) = (*is_long || grows, grew || grows);
                }
            }
            if !grew {
                let lines = self.lines.iter().enumerate().zip(&is_long);
                return lines
                    .flat_map(|((number, line), is_long)| match line {
                        Line::Plain(instruction) => [Some(*instruction), None],
                        Line::Jump(is, to) => jump(*is, distance(number, *to), *is_long),
                    })
                    .flatten()
                    .collect();
            }
        }
    }
}

/// A jump, of two instructions where it is long.
fn jump(is: Option<(Is, bool)>, distance: usize, is_long: bool) -> [Option<Instruction>; 2] {
    let always = |k| Instruction { code: (BPF_JMP | BPF_JA) as u16, jt: 0, jf: 0, k };
    let far = u32::try_from(distance).unwrap_or(u32::MAX);
    let Some((is, answer)) = is else { return [Some(always(far)), None] };
    let (code, k) = match is {
        Is::Equal(k) => (BPF_JEQ | BPF_K, k),
        Is::Above(k) => (BPF_JGT | BPF_K, k),
        Is::AboveIndex => (BPF_JGT | BPF_X, 0),
        Is::Any(k) => (BPF_JSET | BPF_K, k),
    };
    let near = if is_long { 0 } else { u8::try_from(distance).unwrap_or(u8::MAX) };
    let (jt, jf) = match (answer, is_long) {
        (true, false) => (near, 0),
        (false, false) => (0, near),
        (true, true) => (0, 1),
        (false, true) => (1, 0),
    };
    let branch = Instruction { code: (BPF_JMP | code) as u16, jt, jf, k };
    [Some(branch), is_long.then(|| always(far.saturating_sub(1)))]
}
