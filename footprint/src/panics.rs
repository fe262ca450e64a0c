//! Who panics in a linked image.

use crate::mangled::crate_of;
use crate::plan::Cpu;
use crate::tools;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The crate whose code must not panic; those of this repository that it is made of begin with its name.
pub const OURS: &str = "lscoap";

/// What a disassembly tells of the functions of an image.
#[derive(Debug, Default, PartialEq, Eq)]
struct Functions {
    /// Who refers to whom: by a branch, or by an address among the constants of the code.
    references: BTreeSet<(String, String)>,
    /// Those that return.
    returning: BTreeSet<String>,
    /// Who ends with a jump to whom, and so returns where that does.
    tails: BTreeSet<(String, String)>,
}

/// A call that ends in a panic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Panic {
    /// The crate of the function that calls.
    pub place: String,
    /// The function that calls.
    pub caller: String,
    /// What it calls, in `core`.
    pub callee: String,
}

/// Symbols of `core::panicking` in an image.
pub fn symbols(cpu: &Cpu, image: &Path) -> Result<Vec<String>, String> {
    let listing = tools::binutil(cpu, "nm", &["--format=just-symbols"], image)?;
    Ok(listing.lines().filter(|symbol| is_panicking(symbol)).map(str::to_owned).collect())
}

/// The calls of an image that end in a panic, but for those inside `core`: of `core::panicking`, and of the functions
/// that `core` puts before it, such as the one for an index out of bounds, which do not return either.
/// What is read is Thumb code.
pub fn calls(cpu: &Cpu, image: &Path) -> Result<Vec<Panic>, String> {
    find(&Functions::parse(&tools::binutil(cpu, "objdump", &["-d", "--no-show-raw-insn"], image)?))
}

/// Whether a call is this project's.
pub fn is_ours(panic: &Panic) -> bool {
    panic.place == OURS || panic.place.starts_with("lscoap_")
}

/// Also by the mangling before v0.
fn is_panicking(symbol: &str) -> bool {
    symbol.contains("4core9panicking")
}

fn find(functions: &Functions) -> Result<Vec<Panic>, String> {
    let never_returns =
        |symbol: &str| crate_of(symbol) == Some("core") && !functions.returning.contains(symbol);
    let mut panicking: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = panicking.len();
        for (caller, callee) in &functions.references {
            if is_panicking(callee) {
                panicking.insert(callee);
            }
            if never_returns(caller) && panicking.contains(callee.as_str()) {
                panicking.insert(caller);
            }
        }
        if panicking.len() == before {
            break;
        }
    }
    let calls = functions
        .references
        .iter()
        .filter(|(caller, callee)| panicking.contains(callee.as_str()) && crate_of(caller) != Some("core"));
    calls
        .map(|(caller, callee)| {
            let place = match crate_of(caller) {
                Some(place) => place,
                None if caller.starts_with("lscoap_") => OURS, // called from C
                None => return Err(format!("it is not clear whose {caller} is, which may panic")),
            };
            Ok(Panic { place: place.to_owned(), caller: caller.clone(), callee: callee.clone() })
        })
        .collect()
}

impl Functions {
    /// Reads a disassembly.
    fn parse(listing: &str) -> Self {
        let addresses: BTreeMap<u64, &str> = listing.lines().filter_map(heading).collect();
        let mut functions = Self::default();
        let mut current = "";
        for line in listing.lines() {
            if let Some(target) = tail(line).filter(|target| *target != current) {
                functions.tails.insert((current.to_owned(), target.to_owned()));
            }
            if let Some((_, name)) = heading(line) {
                current = name;
            } else if is_return(line) {
                functions.returning.insert(current.to_owned());
            } else if let Some(target) = operand(line).or_else(|| word(line, &addresses))
                && target != current
            {
                functions.references.insert((current.to_owned(), target.to_owned()));
            }
        }
        functions.follow_tails();
        functions
    }

    /// Where the last thing that a function does is a call, it may be a jump.
    fn follow_tails(&mut self) {
        loop {
            let returns =
                |callee: &String| crate_of(callee) != Some("core") || self.returning.contains(callee);
            let found: Vec<String> = self
                .tails
                .iter()
                .filter(|(caller, callee)| !self.returning.contains(caller) && returns(callee))
                .map(|(caller, _)| caller.clone())
                .collect();
            if found.is_empty() {
                return;
            }
            self.returning.extend(found);
        }
    }
}

/// The conditions of a Thumb branch.
const CONDITIONS: [&str; 15] =
    ["", "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"];

/// `b.w 8c64 <name>`, `beq.w ...`: to the beginning of a function.
fn tail(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(":\t")?;
    let (instruction, _) = rest.split_once('\t')?;
    let (_, name) = rest.strip_suffix('>')?.rsplit_once('<')?;
    let condition = instruction.trim_end_matches(".n").trim_end_matches(".w").strip_prefix('b')?;
    (CONDITIONS.contains(&condition) && !name.contains('+')).then_some(name)
}

/// `bx lr`, `pop {r4, pc}`, `ldr.w pc, [sp], #4`
fn is_return(line: &str) -> bool {
    line.contains("\tbx\tlr") || line.contains("pc}") || line.contains("\tpc, [sp]")
}

/// `00008000 <name>:`
fn heading(line: &str) -> Option<(u64, &str)> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    Some((u64::from_str_radix(address, 16).ok()?, name))
}

/// `bl 8c64 <name>`, `b.w 8c66 <name+0x2>`
fn operand(line: &str) -> Option<&str> {
    let (_, name) = line.strip_suffix('>')?.rsplit_once('<')?;
    Some(name.split_once('+').map_or(name, |(name, _)| name))
}

/// `.word 0x00008c65`, the address of a function in Thumb code.
fn word<'a>(line: &str, functions: &BTreeMap<u64, &'a str>) -> Option<&'a str> {
    let (_, value) = line.split_once(".word\t0x")?;
    let address = u64::from_str_radix(value.trim(), 16).ok()?;
    functions.get(&(address.checked_sub(1)?)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANIC: &str = "_RNvNtCs1_4core9panicking9panic_fmt";
    const FAIL: &str = "_RNvNtNtCs1_4core5slice5index16slice_index_fail";

    fn listing(callers: &[(&str, &str)]) -> String {
        let mut text = format!("00000100 <{PANIC}>:\n     100:\tb.n\t100 <{PANIC}>\n");
        text += &format!("00000200 <{FAIL}>:\n     200:\tbl\t100 <{PANIC}>\n");
        for (number, (caller, line)) in callers.iter().enumerate() {
            text += &format!("{:08x} <{caller}>:\n     {number}:\t{line}\n", 0x1000 + number * 16);
        }
        text
    }

    fn callers(listing: &str) -> Vec<(String, String)> {
        let found = find(&Functions::parse(listing)).expect("callers");
        found.into_iter().map(|panic| (panic.place, panic.callee)).collect()
    }

    #[test]
    fn calls_are_found_by_branch_and_by_address_and_through_core() {
        let (ours, theirs) = ("_RNvNtCs2_6lscoap4wire5parse", "_RNvCs3_4p2563mul");
        let direct =
            listing(&[(ours, &format!("bl\t100 <{PANIC}>")), (theirs, &format!("bl\t200 <{FAIL}>"))]);
        assert_eq!(
            callers(&direct),
            [("p256".to_owned(), FAIL.to_owned()), ("lscoap".to_owned(), PANIC.to_owned())]
        );
        let by_address = listing(&[(ours, ".word\t0x00000201")]);
        assert_eq!(callers(&by_address), [("lscoap".to_owned(), FAIL.to_owned())]);
        let inside = listing(&[("lscoap_client_step", &format!("beq.w\t102 <{PANIC}+0x2>"))]);
        assert_eq!(callers(&inside), [("lscoap".to_owned(), PANIC.to_owned())]);
    }

    #[test]
    fn other_calls_do_not_count() {
        assert_eq!(callers(&listing(&[("_RNvNtCs2_6lscoap4wire5parse", "bl\t1000 <memcpy>")])), []);
    }

    #[test]
    fn functions_of_core_that_also_return_are_no_panics() {
        let copy = "_RINvNtCs1_4core5slice20copy_from_slice_implhE";
        let body = format!("bl\t100 <{PANIC}>\n     9:\tpop\t{{r7, pc}}");
        let calls =
            listing(&[(copy, &body), ("_RNvNtCs2_6lscoap4wire5parse", &format!("bl\t1000 <{copy}>"))]);
        assert_eq!(callers(&calls), []);
    }

    /// Without frame pointers its end is a jump to `memcpy()`.
    #[test]
    fn a_jump_to_what_returns_returns() {
        let copy = "_RINvNtCs1_4core5slice20copy_from_slice_implhE";
        let ours = ("_RNvNtCs2_6lscoap4wire5parse", &*format!("bl\t1000 <{copy}>"));
        for (jump, is_panic) in [
            ("b.w\t2000 <memcpy>", false),
            ("beq.w\t2000 <memcpy>", false),
            ("bl\t2000 <memcpy>", true),
            ("b.w\t2002 <memcpy+0x2>", true),
            (&format!("b.w\t200 <{FAIL}>"), true),
        ] {
            let body = format!("bl\t100 <{PANIC}>\n     9:\t{jump}");
            assert_eq!(!callers(&listing(&[(copy, &body), ours])).is_empty(), is_panic, "{jump}");
        }
    }

    #[test]
    fn an_unknown_caller_is_an_error() {
        let unknown = listing(&[("_ZN6lscoap4wire5parse17h0E", &format!("bl\t100 <{PANIC}>"))]);
        assert!(find(&Functions::parse(&unknown)).is_err());
    }
}
