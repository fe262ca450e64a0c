//! Who computes on P-256: the library's own beside libcrypto, operation by operation, and what a signed session of a device that comes
//! back takes the server with either. The library alone, in this process.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use lscoap::Error;
use lscoap::crypto::{Backend, Curve, OpenSsl, Point, Software};

use super::device::failed;
use super::table::Handshakes;
use crate::bench::stats::Stats;

/// What is compared.
pub const WHAT: [&str; 7] = [
    "key pair",
    "point from an x-coordinate",
    "point of a key that came before",
    "Diffie-Hellman",
    "sign",
    "verify",
    "signed session at the server",
];

/// One line of the comparison; times are in microseconds of the clock.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is done.
    pub what: &'static str,
    /// By [`Software`].
    pub software: Stats,
    /// By [`OpenSsl`].
    pub openssl: Stats,
    /// How many times as fast that is: the median of the rounds.
    pub times: f64,
}

/// One back-end with what it works on.
struct Bench<B: Backend> {
    handshakes: Handshakes<B>,
    secret: [u8; 32],
    public: Point,
    key: [u8; 33],
    signature: [u8; 64],
}

impl<B: Backend> Bench<B> {
    fn new() -> io::Result<Self> {
        let secret = [0x2d; 32];
        let (mut public, mut signature) = (Point::EMPTY, [0; 64]);
        B::public_key(&secret, &mut public).map_err(failed)?;
        B::sign(&secret, &[3; 32], &mut signature).map_err(failed)?;
        let handshakes = Handshakes::new()?;
        Ok(Bench { handshakes, secret, public, key: public.compressed(), signature })
    }

    /// The operation of [`WHAT`] with that index, in seconds.
    fn once(&mut self, number: usize) -> io::Result<f64> {
        let start = Instant::now();
        match number {
            6 => return Ok(self.handshakes.once()?.as_secs_f64()),
            number => self.operation(number).map_err(failed)?,
        }
        Ok(start.elapsed().as_secs_f64())
    }

    fn operation(&mut self, number: usize) -> Result<(), Error> {
        let mut point = Point::EMPTY;
        match number {
            0 => B::public_key(black_box(&self.secret), &mut point)?,
            1 => B::lift_x(black_box(&self.public.x), &mut point)?,
            2 => B::decompress(black_box(&self.key), &mut point)?,
            3 => {
                let (mut base, mut shared) = (<B as Curve>::Base::default(), [0; 32]);
                B::prepare(black_box(&self.public), &mut base)?;
                B::diffie_hellman(&self.secret, &base, &mut shared)?;
                black_box(shared);
            }
            4 => B::sign(black_box(&self.secret), &[3; 32], &mut self.signature)?,
            _ => B::verify(black_box(&self.public), &[3; 32], &self.signature)?,
        }
        black_box(point);
        Ok(())
    }

    /// The mean of so many, in microseconds.
    fn batch(&mut self, number: usize, count: usize) -> io::Result<f64> {
        let mut sum = 0.0;
        for _ in 0..count {
            sum += self.once(number)?;
        }
        Ok(sum * 1e6 / count as f64)
    }
}

/// Compares by turns, in so many rounds of so many each; the round before them is not counted.
pub fn measure(rounds: usize, count: usize) -> io::Result<Vec<Comparison>> {
    let (mut software, mut openssl) = (Bench::<Software>::new()?, Bench::<OpenSsl>::new()?);
    let mut times = WHAT.map(|_| [vec![], vec![], vec![]]);
    for round in 0..=rounds {
        for (number, [ours, theirs, ratios]) in times.iter_mut().enumerate() {
            let pair = [software.batch(number, count)?, openssl.batch(number, count)?];
            if round > 0 {
                ours.push(pair[0]);
                theirs.push(pair[1]);
                ratios.push(pair[0] / pair[1]);
            }
        }
    }
    let lines = WHAT.iter().zip(&times).filter_map(|(what, [ours, theirs, ratios])| {
        let [software, openssl, ratios] = [Stats::of(ours)?, Stats::of(theirs)?, Stats::of(ratios)?];
        Some(Comparison { what, software, openssl, times: ratios.median })
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_measured() {
        let lines = measure(1, 1).unwrap();
        assert_eq!(lines.iter().map(|line| line.what).collect::<Vec<_>>(), WHAT);
        assert!(lines.iter().all(|line| line.software.min > 0.0 && line.openssl.min > 0.0));
    }
}
