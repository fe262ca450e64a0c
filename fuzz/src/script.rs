//! How a fuzzer's input decides what happens.

use lscoap::client::Profile;

/// Reads the input as a list of instructions.
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn bytes(&mut self, most: usize) -> Option<&'a [u8]> {
        let len = usize::from(self.byte()?).min(most).min(self.0.len());
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(head)
    }

    /// A message made from a genuine one.
    pub fn change(&mut self, genuine: &[u8]) -> Option<Vec<u8>> {
        let mut message = genuine.to_vec();
        match self.byte()? % 5 {
            0 => {}
            1 => message = self.bytes(120)?.to_vec(),
            2 => message.truncate(usize::from(self.byte()?)),
            3 => message.extend_from_slice(self.bytes(16)?),
            _ => {
                let place = usize::from(self.byte()?) % message.len().max(1);
                let mask = self.byte()?;
                if let Some(byte) = message.get_mut(place) {
                    *byte ^= mask;
                }
            }
        }
        Some(message)
    }
}

pub fn profile(byte: u8) -> Profile {
    if byte & 1 == 0 { Profile::Signed } else { Profile::Express }
}

/// Decides on keys that depend on every bit of the input: libFuzzer watches comparisons, and would otherwise learn a
/// genuine record from one input and present it in another.
pub fn seed(input: &[u8]) -> u64 {
    input.iter().fold(7, |seed: u64, byte| (seed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
