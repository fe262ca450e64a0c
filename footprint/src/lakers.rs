//! lakers, measured by the same images with the same flags.

use crate::archive::{self, Flags, Recipe};
use crate::figures::Run;
use crate::image::{Flash, Images, Size};
use crate::plan::{Cpu, M4F};

use crate::tools::Places;

/// The optimisation levels that it is built with.
const OPT_LEVELS: [&str; 2] = ["s", "3"];

/// What a handshake of both ends calls.
const FUNCTIONS: [&str; 8] = [
    "lakers_initiator_init",
    "lakers_initiator_message_1",
    "lakers_initiator_message_3",
    "lakers_initiator_finish",
    "lakers_responder_init",
    "lakers_responder_message_2",
    "lakers_responder_message_4",
    "lakers_responder_finish",
];

/// What was measured of it.
pub struct Lakers {
    /// The processor's name.
    pub cpu: &'static str,
    /// The optimisation level.
    pub opt_level: &'static str,
    /// The compiler and its flags.
    pub compiled: String,
    /// Calls, ends and messages.
    pub run: Run,
    /// Both ends.
    pub size: Size,
}

/// Measures it at each level, but where it does not run: on RISC-V at level 3 the responder ends in an illegal instruction.
pub fn measure(places: &Places, cpu: &Cpu) -> Result<Vec<Lakers>, String> {
    let runs = |level: &&&str| cpu.name == M4F.name || **level != "3";
    OPT_LEVELS.iter().filter(runs).map(|opt_level| measure_at(places, cpu, opt_level)).collect()
}

fn measure_at(places: &Places, cpu: &Cpu, opt_level: &'static str) -> Result<Lakers, String> {
    let recipe = Recipe {
        directory: "footprint/lakers",
        cpu,
        features: Vec::new(),
        opt_level,
        flags: Flags::Released,
    };
    let directory = places.build.join(format!("{}/lakers", cpu.board));
    let archive = archive::build(places, &recipe, &directory, &format!("opt-{opt_level}"))?;
    let both = Flash { name: "both".to_owned(), functions: FUNCTIONS.map(str::to_owned).to_vec() };
    let images = Images::build(places, cpu, &archive.path, &["lakers"], &[both])?;
    let (run, size) = (images.run("lakers")?, images.size("both")?);
    Ok(Lakers { cpu: cpu.name, opt_level, compiled: archive.compiled, run, size })
}
