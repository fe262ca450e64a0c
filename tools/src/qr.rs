//! QR codes: drawn in a terminal, as SVG and as PNG.

use crate::error::Error;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

/// The margin that ISO/IEC 18004 asks for, in modules.
const MARGIN: usize = 4;
/// The width of a module in a PNG, in pixels.
const SCALE: usize = 8;
/// Black on white, whatever the terminal's own colours are.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
/// The terminal's own colours.
const PLAIN: &str = "\x1b[0m";

/// A QR code with its margin.
pub struct Qr {
    /// The width of the square without its margin, in modules.
    width: usize,
    /// The modules, row by row: whether each is dark.
    dark: Vec<bool>,
}

/// How a terminal shows light and dark.
#[derive(Clone, Copy)]
pub enum Ink {
    /// The drawing sets black and white itself.
    Coloured,
    /// Characters alone, for light ones on a dark background.
    Plain,
}

impl Qr {
    /// The code of a text, error correction level M, as small as it gets.
    pub fn new(text: &str) -> Result<Self, Error> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .map_err(|error| Error::new(format!("no QR code of this: {error}")))?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width: code.width(), dark })
    }

    /// The width with the margin, in modules.
    fn size(&self) -> usize {
        self.width + 2 * MARGIN
    }

    /// Whether a module is dark, counted from the corner of the margin. Outside everything is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < self.width);
        let place = inside(x).zip(inside(y)).map(|(x, y)| y * self.width + x);
        place.and_then(|place| self.dark.get(place)).copied().unwrap_or(false)
    }

    /// The drawing for a terminal: two rows of modules a line, in half blocks.
    pub fn draw(&self, ink: Ink) -> String {
        let (begin, end) = match ink {
            Ink::Coloured => (BLACK_ON_WHITE, PLAIN),
            Ink::Plain => ("", ""),
        };
        let mut out = String::new();
        for y in (0..self.size()).step_by(2) {
            out.push_str(begin);
            for x in 0..self.size() {
                let (top, bottom) = (self.is_dark(x, y), self.is_dark(x, y + 1));
                let drawn = match ink {
                    Ink::Coloured => (top, bottom),
                    Ink::Plain => (!top, !bottom),
                };
                out.push(match drawn {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            out.push_str(end);
            out.push('\n');
        }
        out
    }

    /// The picture as SVG, one unit a module, with a title.
    pub fn svg(&self, title: &str) -> String {
        let size = self.size();
        let mut path = String::new();
        for y in 0..size {
            let mut x = 0;
            while x < size {
                let run = (x..size).take_while(|x| self.is_dark(*x, y)).count();
                if run > 0 {
                    let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                }
                x += run.max(1);
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\n\
             <title>{title}</title>\n\
             <path fill=\"#fff\" d=\"M0 0h{size}v{size}h-{size}z\"/>\n\
             <path fill=\"#000\" d=\"{path}\"/>\n\
             </svg>\n"
        )
    }

    /// The picture as PNG, one bit a pixel.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let pixels = self.size() * SCALE;
        let mut data = Vec::with_capacity(pixels * pixels.div_ceil(8));
        for y in 0..pixels {
            for first in (0..pixels).step_by(8) {
                data.push((first..first + 8).fold(0, |byte, x| {
                    let light = x < pixels && !self.is_dark(x / SCALE, y / SCALE);
                    byte << 1 | u8::from(light)
                }));
            }
        }
        let mut out = Vec::new();
        let width = u32::try_from(pixels).map_err(|_| Error::new("the QR code is too large"))?;
        let mut encoder = png::Encoder::new(&mut out, width, width);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let written = encoder.write_header().and_then(|mut image| {
            image.write_image_data(&data)?;
            image.finish()
        });
        written.map_err(|error| Error::new(format!("no PNG: {error}")))?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::Version;
    use qrcode::optimize::Parser;
    use qrcode::types::Mode;

    const DEVICE: &str = "LSC1:ONSW443POIWTO:AJBQOB7P34WD3V7K4U4IUXG736LFYRLSPX4RJVKFUAVB2WE2CUSI2";

    /// The QR code's contents, from `size` rows of `size` values: whether each is dark.
    fn decode(size: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        let grey = |x, y| if dark(x / 4, y / 4) { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(size * 4, size * 4, grey);
        let [grid] = &image.detect_grids()[..] else { panic!("not one QR code") };
        grid.decode().unwrap().1
    }

    #[test]
    fn enrolment_strings_need_no_bytes_mode() {
        let longest = format!("LSC1:{}:{}", "A".repeat(52), "B".repeat(53));
        for text in [DEVICE, "LSS1:ALFLWXUP7FYLHMVJSYFIJNKKIWRQ5LLLPHARK4I3OG6SO2SB3SFKQ", &longest] {
            let version = Version::Normal(5);
            let segments: Vec<_> = Parser::new(text.as_bytes()).optimize(version).collect();
            assert!(segments.iter().all(|s| matches!(s.mode, Mode::Alphanumeric | Mode::Numeric)), "{text}");
        }
        assert_eq!(Qr::new(DEVICE).unwrap().width, 33, "version 4, where bytes would need 5");
        assert_eq!(Qr::new(&longest).unwrap().width, 37, "version 5, where bytes would need 7");
    }

    #[test]
    fn the_coloured_drawing_reads_back() {
        let qr = Qr::new(DEVICE).unwrap();
        let rows: Vec<Vec<char>> = qr
            .draw(Ink::Coloured)
            .lines()
            .map(|l| l.strip_prefix(BLACK_ON_WHITE).unwrap().strip_suffix(PLAIN).unwrap().chars().collect())
            .collect();
        assert!(rows.iter().all(|row| row.len() == qr.size()));
        let text =
            decode(qr.size(), |x, y| matches!((rows[y / 2][x], y % 2), ('█', _) | ('▀', 0) | ('▄', 1)));
        assert_eq!(text, DEVICE);
    }

    #[test]
    fn the_plain_drawing_reads_back() {
        let qr = Qr::new(DEVICE).unwrap();
        let rows: Vec<Vec<char>> = qr.draw(Ink::Plain).lines().map(|line| line.chars().collect()).collect();
        let text =
            decode(qr.size(), |x, y| !matches!((rows[y / 2][x], y % 2), ('█', _) | ('▀', 0) | ('▄', 1)));
        assert_eq!(text, DEVICE);
    }
}
