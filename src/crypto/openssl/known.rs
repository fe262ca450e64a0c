//! Points of encoded keys, kept by each thread: the root takes longer than everything else that a server does with the key of a device
//! that comes back, its signature apart. Public keys only, and only those that are enrolled come here (`Curve::lift_x` does not).

use crate::bytes::copy;
use crate::crypto::{Point, field};
use crate::error::Error;
use crate::limits::PUBLIC_KEY_LEN;
use std::cell::RefCell;
use std::thread_local;
use std::vec::Vec;

/// How many are kept, each in the one place that the last bytes of its encoding name: 1 MB of memory, which is touched when it is used.
const PLACES: usize = 1 << 14;
/// An encoding, and the y-coordinate.
type Place = [u8; PUBLIC_KEY_LEN + 32];

thread_local! {
    static KNOWN: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

/// As [`field::decompress`].
pub(super) fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
    let found = KNOWN.try_with(|known| {
        let mut known = known.borrow_mut();
        if known.is_empty() {
            *known = std::vec![[0; _]; PLACES];
        }
        let [2 | 3, .., high, low] = *encoded else { return Err(Error::Key) }; // a free place has zeroes
        let place = known.get_mut(usize::from(u16::from_be_bytes([high, low])) % PLACES);
        let Some((key, y)) = place.and_then(|place| place.split_first_chunk_mut()) else {
            return field::decompress(encoded, point);
        };
        if key == encoded {
            let (_, x) = encoded.split_at(PUBLIC_KEY_LEN - 32);
            copy(&mut point.x, x);
            copy(&mut point.y, y);
        } else {
            field::decompress(encoded, point)?;
            *key = *encoded;
            copy(y, &point.y);
        }
        Ok(())
    });
    found.unwrap_or(Err(Error::Key)) // only where a thread ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::by_value;

    /// Both points of an x-coordinate, and another with the same place, by turns; in between what is none.
    #[test]
    fn the_right_point_each_time() {
        let key = by_value::public_key(&[7; 32]).unwrap();
        let mut none = key.compressed();
        let mut neighbour = none;
        let mut other = None;
        while other.is_none() || by_value::decompress(&none).is_ok() {
            neighbour[1] = neighbour[1].wrapping_add(1);
            match by_value::decompress(&neighbour) {
                Ok(point) => other = Some(point),
                Err(_) => none = neighbour,
            }
        }
        let other = other.unwrap();
        let mut negative = key.compressed();
        negative[0] ^= 1;
        for _ in 0..3 {
            for expected in [key, key, other, by_value::decompress(&negative).unwrap()] {
                let (encoded, mut point) = (expected.compressed(), Point::EMPTY);
                decompress(&encoded, &mut point).unwrap();
                assert_eq!((point.x, point.y), (expected.x, expected.y));
                let is_kept =
                    |known: &RefCell<Vec<Place>>| known.borrow().iter().any(|place| place[..33] == encoded);
                assert!(KNOWN.with(is_kept));
                assert_eq!(decompress(&none, &mut point), Err(Error::Key));
                assert_eq!(decompress(&[0; 33], &mut point), Err(Error::Key));
                assert!(KNOWN.with(is_kept), "what is no point takes nobody's place");
            }
        }
    }
}
