//! In which crate a function is defined, from its symbol (Rust's v0 mangling, RFC 2603).

/// The crate that defines a function; `None` where the symbol is not Rust's.
pub fn crate_of(symbol: &str) -> Option<&str> {
    let mangled = symbol.strip_prefix("_R")?;
    Parser { mangled, at: 0 }.path()
}

/// Reads a symbol from left to right. Positions count from after `_R`, as back references do.
struct Parser<'a> {
    mangled: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// Reads a path and gives the crate that it is in. An implementation is where it is written, which may be
    /// neither where its type is nor where its trait is; a trait's default method is where the trait is.
    fn path(&mut self) -> Option<&'a str> {
        match self.next()? {
            'C' => {
                self.disambiguator()?;
                self.identifier()
            }
            'N' => {
                self.next()?; // the namespace
                let place = self.path()?;
                self.disambiguator()?;
                self.identifier()?;
                Some(place)
            }
            'M' => {
                self.disambiguator()?;
                let place = self.path()?;
                self.skip_type()?;
                Some(place)
            }
            'X' => {
                self.disambiguator()?;
                let place = self.path()?;
                self.skip_type()?;
                self.path()?;
                Some(place)
            }
            'Y' => {
                self.skip_type()?;
                self.path()
            }
            'I' => {
                let place = self.path()?;
                self.until_end(Self::skip_argument)?;
                Some(place)
            }
            'B' => Parser { mangled: self.mangled, at: self.back_reference()? }.path(),
            _ => None,
        }
    }

    fn skip_argument(&mut self) -> Option<()> {
        match self.peek()? {
            'L' => {
                self.next()?;
                self.base_62().map(|_| ())
            }
            'K' => {
                self.next()?;
                self.skip_constant()
            }
            _ => self.skip_type(),
        }
    }

    fn skip_type(&mut self) -> Option<()> {
        match self.peek()? {
            'a'..='z' => self.next().map(|_| ()),
            'A' => {
                self.next()?;
                self.skip_type()?;
                self.skip_constant()
            }
            'S' | 'P' | 'O' => {
                self.next()?;
                self.skip_type()
            }
            'R' | 'Q' => {
                self.next()?;
                if self.peek()? == 'L' {
                    self.next()?;
                    self.base_62()?;
                }
                self.skip_type()
            }
            'T' => {
                self.next()?;
                self.until_end(Self::skip_type)
            }
            'B' => {
                self.next()?;
                self.base_62().map(|_| ())
            }
            // Function pointers and trait objects have not been met.
            'F' | 'D' => None,
            _ => self.path().map(|_| ()),
        }
    }

    /// A value of an integer type, `_` for one that is not said, or a back reference.
    fn skip_constant(&mut self) -> Option<()> {
        match self.next()? {
            'p' => Some(()),
            'B' => self.base_62().map(|_| ()),
            'a'..='z' => {
                while self.next()? != '_' {}
                Some(())
            }
            _ => None,
        }
    }

    fn until_end(&mut self, skip: fn(&mut Self) -> Option<()>) -> Option<()> {
        while self.peek()? != 'E' {
            skip(self)?;
        }
        self.next().map(|_| ())
    }

    fn disambiguator(&mut self) -> Option<()> {
        if self.peek()? == 's' {
            self.next()?;
            self.base_62()?;
        }
        Some(())
    }

    /// A decimal length, an underscore where the name begins with a digit or one, and the name.
    fn identifier(&mut self) -> Option<&'a str> {
        let rest = &self.mangled[self.at..];
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let len: usize = rest[..digits].parse().ok()?;
        let start = digits + usize::from(rest[digits..].starts_with('_'));
        self.at += start + len;
        rest.get(start..start + len)
    }

    fn back_reference(&mut self) -> Option<usize> {
        let start = self.at - 1;
        let target = self.base_62()?;
        (target < start).then_some(target)
    }

    /// Digits and an underscore: `_` is 0, `0_` is 1.
    fn base_62(&mut self) -> Option<usize> {
        let mut value: Option<usize> = None;
        loop {
            let digit = match self.next()? {
                '_' => return Some(value.map_or(0, |value| value + 1)),
                c if c.is_ascii_digit() => c as usize - '0' as usize,
                c if c.is_ascii_lowercase() => c as usize - 'a' as usize + 10,
                c if c.is_ascii_uppercase() => c as usize - 'A' as usize + 36,
                _ => return None,
            };
            value = Some(value.unwrap_or(0).checked_mul(62)?.checked_add(digit)?);
        }
    }

    fn peek(&self) -> Option<char> {
        self.mangled[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols of a linked image.
    #[test]
    fn crates_are_told() {
        let cases = [
            ("_RNvNtNtCscRrQn2VJJRH_6lscoap7session7context10aad_prefix", "lscoap"),
            ("_RNvMNtNtCscRrQn2VJJRH_6lscoap6client6signedNtB4_6Client9signed_m3B6_", "lscoap"),
            (
                "_RNvXNtNtNtCscRrQn2VJJRH_6lscoap6crypto10rustcrypto4p256NtB4_10RustCryptoNtB6_5Curve6verify",
                "lscoap",
            ),
            (
                "_RNvXsg_NtCsgrNDLAcZ2rV_10primeorder10projectiveINtB5_15ProjectivePointNtCsc0j5jNthkg5_4p256\
                 8NistP256ENtCsbfOvEBB5mA6_5group5Group6doubleCscRrQn2VJJRH_6lscoap",
                "primeorder",
            ),
            (
                "_RNvYINtNtNtCs85CNlymVj6M_6cipher6stream7wrapper23StreamCipherCoreWrapperINtNtCsczfEcLP2v9B_3ctr\
                 8ctr_core7CtrCoreRNtCs7IgVQ5rrLDO_3aes6Aes128NtNtNtB1d_7flavors5ctr327Ctr32BEEENtB7_\
                 12StreamCipher25try_apply_keystream_inoutCscRrQn2VJJRH_6lscoap",
                "cipher",
            ),
            (
                "_RINvNtNtCsd8oR1ZRc4qJ_13crypto_bigint7modular3mul19mul_montgomery_formKj4_ECsc0j5jNthkg5_4p256",
                "crypto_bigint",
            ),
            ("_RNvNtCs43FtGt6tRn3_17compiler_builtins3mem6memcpy", "compiler_builtins"),
        ];
        for (symbol, place) in cases {
            assert_eq!(crate_of(symbol), Some(place), "{symbol}");
        }
    }

    #[test]
    fn other_symbols_are_of_no_crate() {
        for symbol in ["memcpy", "_ZN4core9panicking5panic17h0123456789abcdefE", "_R", "_RNv", "_RNvC5ab"] {
            assert_eq!(crate_of(symbol), None, "{symbol}");
        }
    }
}
