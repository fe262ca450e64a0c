//! Real microcontrollers: what of their flash and RAM lscoap takes.

use crate::archive;
use crate::image::{self, Size};
use crate::measure::{Measured, recipe};
use crate::plan::{Application, BOTH, Backend, Cpu, DEVICE_SIGNED, EVERY, M0, M3, M4F, SINGLE};
use crate::table::{Table, grouped};
use crate::tools::{self, Places};
use std::process::Command;

/// A microcontroller for which `c-examples/firmware` has a board.
struct Part {
    name: &'static str,
    /// Where it was measured: the same processor and archive.
    cpu: &'static Cpu,
    /// Of its data sheet, in KB.
    flash: u64,
    ram: u64,
}

const KB: u64 = 1024;

static PARTS: [Part; 3] = [
    Part { name: "nRF51822", cpu: &M0, flash: 256, ram: 16 },
    Part { name: "LM3S6965", cpu: &M3, flash: 256, ram: 64 },
    Part { name: "STM32F405", cpu: &M4F, flash: 1024, ram: 192 },
];

/// An application: what it has in RAM, and the calls of which one is its deepest.
struct Use {
    application: &'static Application,
    objects: &'static [&'static str],
    calls: &'static [&'static str],
}

static USES: [Use; 3] = [
    Use {
        application: &SINGLE[0],
        objects: &["lscoap_client", "lscoap_session", "lscoap_exchange"],
        calls: &["signed/client/", "first/seal_request", "64/open_response"],
    },
    Use { application: &DEVICE_SIGNED, objects: &["lscoap_device", "device_buffer"], calls: &["device/"] },
    Use {
        application: &BOTH,
        objects: &[
            "lscoap_client",
            "lscoap_session",
            "lscoap_exchange",
            "lscoap_server",
            "lscoap_slot",
            "lscoap_exchange",
        ],
        calls: &["signed/", "express/", "first/", "64/"],
    },
];

/// The board of the device that has a network of its own.
const NETWORKED: &str = "lm3s6965evb";

/// What the device of `c-examples/firmware/device` takes of the LM3S6965, lwIP included, without its stack.
pub fn networked(places: &Places) -> Result<Size, String> {
    let directory = places.build.join(NETWORKED);
    let recipe = recipe(&M3, Backend::RustCrypto, &EVERY);
    let archive = archive::build(places, &recipe, &directory, "every")?;
    let mut script = Command::new(places.root.join("scripts/fetch-lwip.sh"));
    let lwip = tools::run(script.arg(places.root.join("build/firmware")))?.out;
    let images = directory.join("images");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(places.root.join("c-examples/firmware")).arg("-B").arg(&images);
    configure.arg(format!("-DBOARD={NETWORKED}"));
    configure.arg(format!("-DLSCOAP_PREBUILT={}", archive.path.display()));
    configure.arg(format!("-DLWIP_DIR={}", lwip.trim_end()));
    let identity = places.root.join("footprint/c/identity.h");
    configure.arg(format!("-DDEVICE_HEADER={}", identity.display()));
    tools::run(&mut configure)?;
    tools::run(Command::new("cmake").arg("--build").arg(&images).args(["--target", "device"]))?;
    image::size(&M3, &images.join("device/device.elf"))
}

/// The tables.
pub fn markdown(measured: &[Measured], networked: Option<Size>) -> String {
    let mut table =
        Table::new(["", "flash, bytes", "of all flash", "objects, bytes", "stack, bytes", "of all RAM"]);
    for part in &PARTS {
        let Some(one) = measured.iter().find(|one| one.cpu == part.cpu.name) else { continue };
        for of in &USES {
            if let Some(cells) = row(part, one, of) {
                table.row(cells);
            }
        }
    }
    let mut text = format!(
        "## Real parts\n\nWhat lscoap (RustCrypto) takes of microcontrollers that one can buy, by the figures of their processors; \
         `c-examples/firmware` has a board for each, and `make test` runs the self-test on it. A client's objects are those of one \
         session and a request, a device's have the smallest buffer, both roles are a client beside a server with one slot. The \
         STM32F405's RAM includes 64 KB that are not beside the rest.\n\n{}",
        table.finish()
    );
    if let (Some(size), Some(part)) = (networked, PARTS.iter().find(|part| part.cpu.name == M3.name)) {
        text += &format!(
            "\nThe whole device of `c-examples/firmware/device` on the {}, with lwIP, its buffers and the driver of the Ethernet: \
             {} bytes of flash ({}) and {} of RAM ({}), without the stack.\n",
            part.name,
            grouped(size.flash),
            percent(size.flash, part.flash),
            grouped(size.ram),
            percent(size.ram, part.ram)
        );
    }
    text
}

fn percent(bytes: u64, kilobytes: u64) -> String {
    format!("{:.0} %", bytes as f64 * 100.0 / (kilobytes * KB) as f64)
}

fn row(part: &Part, one: &Measured, of: &Use) -> Option<[String; 6]> {
    let flash = one.size(of.application)?.flash;
    let objects = of.objects.iter().map(|name| one.run.size(name)).sum::<Option<u64>>()?;
    let stack = of.calls.iter().filter_map(|calls| one.run.deepest(calls)).map(|(_, stack)| stack).max()?;
    Some([
        format!("{}, {} KB and {} KB: {}", part.name, part.flash, part.ram, of.application.title),
        grouped(flash),
        percent(flash, part.flash),
        grouped(objects),
        grouped(stack),
        percent(objects + stack, part.ram),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Run;
    use crate::plan::Backend;

    fn measured(cpu: &'static str, output: &str) -> Measured {
        Measured {
            cpu,
            backend: Backend::RustCrypto,
            opt_level: "z",
            compiled: String::new(),
            run: Run::parse(output).expect("a run"),
            sizes: vec![(DEVICE_SIGNED.title, Size { flash: 64 * KB, ram: 0 })],
            heap: Vec::new(),
            panicking: Vec::new(),
        }
    }

    #[test]
    fn a_part_has_the_figures_of_its_processor() {
        let run = "size lscoap_device 1000\nsize device_buffer 24\ncall device/init 1 2000\ncall device/poll 1 3072\n\
            call signed/client/M1 1 9000\n";
        let text = markdown(&[measured("M0", run), measured("M33", run)], None);
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("KB:")).collect();
        assert_eq!(
            rows,
            ["| nRF51822, 256 KB and 16 KB: device, signed | 65,536 | 25 % | 1,024 | 3,072 | 25 % |"]
        );
    }

    #[test]
    fn the_boards_have_the_memories_of_the_parts() {
        for (file, flash, ram) in
            [("microbit", "256K", "16K"), ("lm3s6965evb", "256K", "64K"), ("netduinoplus2", "1M", "128K")]
        {
            let path = format!("{}/../c-examples/firmware/board/{file}.ld", env!("CARGO_MANIFEST_DIR"));
            let script = std::fs::read_to_string(path).expect("a linker script");
            for length in [flash, ram] {
                assert!(script.contains(&format!("LENGTH = {length}\n")), "{file}: {length}");
            }
        }
    }
}
