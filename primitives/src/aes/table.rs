//! By a table of 1 KB, in a third of the instructions of bitsliced AES. Addresses depend on secrets: it takes constant time only
//! where no cache stands before the table. The functions are called as those of `thumb2.s` are; of the schedule they
//! take 44 words.
#![allow(unsafe_code)] // names that C has too

use core::mem::MaybeUninit;

/// What a byte of row 0 becomes by the S-box and MixColumns, as a column whose first row is the lowest byte. Those of the other
/// rows are rotations of it. A section of its own, so that a linker script can place it in RAM.
#[cfg_attr(target_os = "none", unsafe(link_section = ".rodata.lscoap_aes_table"))]
static TABLE: [u32; 256] = table();

const fn doubled(byte: u8) -> u8 {
    byte << 1 ^ (byte >> 7) * 0x1b
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    // Every byte but 0 is a power of 3; its inverse is that of the negative exponent.
    let (mut power, mut inverse) = (1_u8, 1_u8);
    let mut exponent = 0;
    while exponent < 255 {
        table[power as usize] = column(inverse);
        power ^= doubled(power);
        // Divided by 3.
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        inverse ^= (inverse >> 7) * 0x09;
        exponent += 1;
    }
    table[0] = column(0);
    table
}

/// FIPS 197 sections 5.1.1 and 5.1.3, of the inverse of a byte.
const fn column(inverse: u8) -> u32 {
    let byte = inverse
        ^ inverse.rotate_left(1)
        ^ inverse.rotate_left(2)
        ^ inverse.rotate_left(3)
        ^ inverse.rotate_left(4)
        ^ 0x63;
    u32::from_le_bytes([doubled(byte), byte, byte, doubled(byte) ^ byte])
}

fn entry(byte: u32) -> u32 {
    TABLE[(byte & 0xff) as usize]
}

/// The S-box.
fn substituted(byte: u32) -> u32 {
    entry(byte) >> 8 & 0xff
}

/// A column after a round but for the round key; of the columns that ShiftRows takes its rows from.
fn mixed(a: u32, b: u32, c: u32, d: u32) -> u32 {
    // Rotated one by one: an instruction of ARM adds a rotated word, but rotates none besides.
    let below = entry(c >> 16) ^ entry(d >> 24).rotate_left(8);
    let below = entry(b >> 8) ^ below.rotate_left(8);
    entry(a) ^ below.rotate_left(8)
}

/// The same after the last round.
fn shifted(a: u32, b: u32, c: u32, d: u32) -> u32 {
    let [b, c, d] = [substituted(b >> 8), substituted(c >> 16), substituted(d >> 24)];
    substituted(a) | b << 8 | c << 16 | d << 24
}

fn encrypt(keys: &[[u32; 4]; 11], block: &mut [u8; 16]) {
    let (columns, _) = block.as_chunks_mut::<4>();
    let [first, keys @ .., last] = keys;
    let mut state = [0, 1, 2, 3].map(|column| u32::from_le_bytes(columns[column]) ^ first[column]);
    for key in keys {
        let [a, b, c, d] = state;
        let after = [mixed(a, b, c, d), mixed(b, c, d, a), mixed(c, d, a, b), mixed(d, a, b, c)];
        state = [0, 1, 2, 3].map(|column| after[column] ^ key[column]);
    }
    let [a, b, c, d] = state;
    let after = [shifted(a, b, c, d), shifted(b, c, d, a), shifted(c, d, a, b), shifted(d, a, b, c)];
    for (column, place) in columns.iter_mut().enumerate() {
        *place = (after[column] ^ last[column]).to_le_bytes();
    }
}

#[unsafe(no_mangle)]
extern "C" fn lscoap_aes_encrypt_first(
    key: &[u8; 16],
    schedule: &mut MaybeUninit<[[u32; 4]; 11]>,
    pair: &mut [[u8; 16]; 2],
) {
    let schedule = schedule.write([[0; 4]; 11]);
    let (words, _) = key.as_chunks::<4>();
    let mut words = [0, 1, 2, 3].map(|word| u32::from_le_bytes(words[word]));
    let mut constant = 1;
    for key in &mut *schedule {
        *key = words;
        let last = words[3];
        words[0] ^= shifted(last >> 8, last >> 8, last >> 8, last << 24) ^ u32::from(constant);
        constant = doubled(constant);
        words[1] ^= words[0];
        words[2] ^= words[1];
        words[3] ^= words[2];
    }
    encrypt(schedule, &mut pair[0]);
}

#[unsafe(no_mangle)]
extern "C" fn lscoap_aes_encrypt(schedule: &[[u32; 4]; 11], pair: &mut [[u8; 16]; 2], both: bool) {
    pair.iter_mut().take(if both { 2 } else { 1 }).for_each(|block| encrypt(schedule, block));
}

#[unsafe(no_mangle)]
extern "C" fn lscoap_aes_wipe(schedule: &mut [[u32; 4]; 11], pair: &mut [[u8; 16]; 2]) {
    *core::hint::black_box(schedule) = [[0; 4]; 11];
    *core::hint::black_box(pair) = [[0; 16]; 2];
}
