//! `lscoap enroll`: the strings and the pictures, read back by a QR code reader.

use crate::support::{Dir, vector};
use std::fs;

/// Pixels of a module, for the reader.
const SCALE: usize = 4;

/// The text of the one QR code in a picture.
fn read_qr(width: usize, height: usize, dark: impl Fn(usize, usize) -> bool) -> String {
    let grey = |x, y| if dark(x, y) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

/// The text of a PNG file.
fn read_png(bytes: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    let (width, height) = (info.width as usize, info.height as usize);
    read_qr(width, height, |x, y| pixels[y * width + x] < 128)
}

/// The text of an SVG file, drawn as it says.
fn read_svg(svg: &str) -> String {
    let after = |text: &str, what: &str| text.split_once(what).unwrap().1.to_owned();
    let size = after(svg, "viewBox=\"0 0 ");
    let size: usize = size.split(' ').next().unwrap().parse().unwrap();
    let mut dark = vec![vec![false; size]; size];
    let path = after(svg, "<path fill=\"#000\" d=\"M");
    for run in path.split('"').next().unwrap().split('M') {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let (len, rest) = rest.split_once("v1h-").unwrap();
        assert_eq!(rest, format!("{len}z"));
        let (x, y, len): (usize, usize, usize) =
            (x.parse().unwrap(), y.parse().unwrap(), len.parse().unwrap());
        dark[y][x..x + len].fill(true);
    }
    read_qr(size * SCALE, size * SCALE, |x, y| dark[y / SCALE][x / SCALE])
}

/// The text of a drawing in characters, light ones on a dark background.
fn read_drawing(drawing: &str) -> String {
    let rows: Vec<Vec<char>> = drawing.lines().map(|line| line.chars().collect()).collect();
    let (width, height) = (rows[0].len(), rows.len() * 2);
    assert!(rows.iter().all(|row| row.len() == width));
    read_qr(width * SCALE, height * SCALE, |x, y| {
        let (x, y) = (x / SCALE, y / SCALE);
        !matches!((rows[y / 2][x], y % 2), ('█', _) | ('▀', 0) | ('▄', 1))
    })
}

#[test]
fn the_strings_of_the_examples() {
    let dir = Dir::with_keys();
    let device = vector(&["enrolment", "device with check"]) + "\n";
    let id = vector(&["identity", "device_id"]);
    assert_eq!(dir.run(&["enroll", "device.key", "--id", "sensor-7"]).ok(), device);
    assert_eq!(dir.run(&["enroll", "device.key", "--id-hex", &id]).ok(), device);
    let public = vector(&["identity", "pk_C"]);
    assert_eq!(dir.run(&["enroll", "--public-key", &public, "--id", "sensor-7"]).ok(), device);
    let server = vector(&["enrolment", "server with check"]) + "\n";
    assert_eq!(dir.run(&["enroll", "--server", "server.key"]).ok(), server);
    let (device_v1, server_v1) = (vector(&["enrolment", "device"]), vector(&["enrolment", "server"]));
    assert_eq!(dir.run(&["enroll", "--v1", "device.key", "--id-hex", &id]).ok(), device_v1 + "\n");
    assert_eq!(dir.run(&["enroll", "--v1", "--server", "server.key"]).ok(), server_v1 + "\n");
    let public = vector(&["identity", "pk_S"]);
    assert_eq!(dir.run(&["enroll", "--server", "--public-key", &public]).ok(), server);
    assert_eq!(dir.names(), ["device.key", "server.key"], "no picture that was not asked for");
}

#[test]
fn a_public_key_must_be_a_point() {
    let key = format!("02{}02", "00".repeat(31));
    let said = Dir::new().run(&["enroll", "--public-key", &key, "--id", "a"]).failed();
    assert_eq!(said, "the public key is not a point of P-256\n");
}

#[test]
fn every_picture_reads_back() {
    let dir = Dir::with_keys();
    let longest = "z".repeat(32);
    for who in [
        &["device.key", "--id", "sensor-7"][..],
        &["device.key", "--id", "x"],
        &["device.key", "--id", &longest],
        &["--server", "server.key"],
    ] {
        let pictures = ["--svg", "qr.svg", "--png", "qr.png", "--qr", "always", "--force"];
        let out = dir.run(&[&["enroll"], who, &pictures].concat()).ok();
        let (string, drawing) = out.split_once("\n\n").unwrap();
        assert_eq!(format!("{string}\n"), dir.run(&[&["enroll"], who].concat()).ok());
        assert_eq!(read_drawing(drawing), string);
        assert_eq!(read_png(&fs::read(dir.path("qr.png")).unwrap()), string);
        let svg = dir.read("qr.svg");
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
        assert!(svg.contains(&format!("<title>{string}</title>")));
        assert_eq!(read_svg(&svg), string);
    }
}

#[test]
fn pictures_are_not_overwritten_without_force() {
    let dir = Dir::with_keys();
    dir.write("qr.png", "old");
    let args = ["enroll", "device.key", "--id", "a", "--svg", "qr.svg", "--png", "qr.png"];
    assert!(dir.run(&args).failed().starts_with("qr.png: exists already"));
    assert_eq!(dir.read("qr.png"), "old");
    assert_eq!(dir.names(), ["device.key", "qr.png", "server.key"], "nor is the other one made");
    dir.run_on_full_disk(&[&args[..], &["--force"]].concat()).failed();
    assert_eq!(dir.read("qr.png"), "old");
    dir.run(&[&args[..], &["--force"]].concat()).ok();
    assert_eq!(dir.mode("qr.png") & 0o600, 0o600);
}

#[test]
fn a_key_file_is_not_taken_for_a_picture() {
    let dir = Dir::with_keys();
    let before = dir.read("device.key");
    dir.run(&["enroll", "device.key", "--id", "a", "--png", "device.key"]).failed();
    assert_eq!(dir.read("device.key"), before);
}
