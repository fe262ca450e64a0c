//! Block options (RFC 7959 section 2.2).

use lscoap::coap::option::uint_value;

/// The largest size: 1,024 bytes.
pub const SZX_MAX: u8 = 6;

/// A block option's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Which block.
    pub number: u32,
    /// Whether more follow.
    pub more: bool,
    /// Their size is 16 times two to the power of this; 7 is reserved.
    pub szx: u8,
}

impl Block {
    /// Of a number.
    pub fn of(value: u32) -> Self {
        Self { number: value >> 4, more: value & 8 != 0, szx: (value & 7) as u8 }
    }

    /// Of an option's value; `None` for one of the size that is reserved, and one that is too long.
    pub fn read(value: &[u8]) -> Option<Self> {
        let value = (value.len() <= 3).then(|| uint_value(value).ok())??;
        Some(Self::of(value)).filter(|block| block.szx <= SZX_MAX)
    }

    /// The block that begins at a place.
    pub fn at(place: usize, szx: u8) -> Self {
        Self { number: u32::try_from(place >> (szx + 4)).unwrap_or(u32::MAX), more: false, szx }
    }

    /// As a number.
    pub fn value(self) -> u32 {
        self.number << 4 | u32::from(self.more) << 3 | u32::from(self.szx)
    }

    /// The size of a block, in bytes.
    pub const fn size(self) -> usize {
        16 << self.szx
    }

    /// Where the block begins.
    pub const fn offset(self) -> usize {
        (self.number as usize).saturating_mul(self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        let block = Block { number: 3, more: true, szx: 2 };
        assert_eq!((block.value(), block.offset(), block.size()), (0x3a, 192, 64));
        assert_eq!(Block::of(0x3a), block);
        assert_eq!(Block::at(200, 2), Block { number: 3, more: false, szx: 2 });
        assert_eq!(Block::read(&[0x3a]), Some(block));
        assert_eq!(Block::read(&[]), Some(Block::of(0)));
        assert_eq!([Block::read(&[7]), Block::read(&[0, 0, 0, 1])], [None, None]);
    }
}
