//! What the images print, and what is read from them.

use std::collections::BTreeMap;

/// What a call costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Instructions.
    pub instructions: u64,
    /// The bytes of stack that it needs below its caller's.
    pub stack: u64,
}

/// Everything that one image printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Calls by name, in the order of the run.
    pub calls: Vec<(String, Cost)>,
    /// Sizes of objects and messages by name.
    pub sizes: BTreeMap<String, u64>,
}

impl Run {
    /// Reads an image's output.
    pub fn parse(output: &str) -> Result<Self, String> {
        let mut run = Self::default();
        for line in output.lines() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match *words {
                ["call", name, instructions, stack] => {
                    let cost = Cost { instructions: number(instructions)?, stack: number(stack)? };
                    run.calls.push((name.to_owned(), cost));
                }
                ["size", name, bytes] => {
                    run.sizes.insert(name.to_owned(), number(bytes)?);
                }
                _ => return Err(format!("an image printed '{line}'")),
            }
        }
        Ok(run)
    }

    /// One call.
    pub fn call(&self, name: &str) -> Option<Cost> {
        self.calls.iter().find(|(called, _)| called == name).map(|(_, cost)| *cost)
    }

    /// One size.
    pub fn size(&self, name: &str) -> Option<u64> {
        self.sizes.get(name).copied()
    }

    /// The instructions of a handshake: all calls of `end`, such as `signed/client`, but the loading of the identity.
    pub fn handshake(&self, end: &str) -> u64 {
        let is_step =
            |name: &str| name.strip_prefix(end).is_some_and(|rest| rest.starts_with('/') && rest != "/init");
        let steps = self.calls.iter().filter(|(name, _)| is_step(name));
        steps.map(|(_, cost)| cost.instructions).sum()
    }

    /// The call that needs the most stack, groups excepted, which have figures of their own.
    pub fn deepest_without_groups(&self) -> Option<u64> {
        let calls = self.calls.iter().filter(|(name, _)| !is_of_group(name));
        calls.map(|(_, cost)| cost.stack).max()
    }

    /// The call that needs the most stack, of those whose name begins with `prefix`.
    pub fn deepest(&self, prefix: &str) -> Option<(&str, u64)> {
        let calls = self.calls.iter().filter(|(name, _)| name.starts_with(prefix));
        calls.map(|(name, cost)| (name.as_str(), cost.stack)).max_by_key(|(_, stack)| *stack)
    }
}

/// Whether a call is a group's: its owner's, a member's or a delegate's.
pub fn is_of_group(call: &str) -> bool {
    ["group/", "member/", "delegate/"].iter().any(|part| call.starts_with(part))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("an image printed '{text}' for a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "size lscoap_client 400\ncall signed/client/init 100 9000\ncall signed/client/M1 20 30\n\
        call signed/client/finish 4 50\ncall signed/server/M1-M2 1000 40\n";

    #[test]
    fn a_run_is_read() {
        let run = Run::parse(OUTPUT).expect("a run");
        assert_eq!(run.size("lscoap_client"), Some(400));
        assert_eq!(run.call("signed/client/M1"), Some(Cost { instructions: 20, stack: 30 }));
        assert_eq!(run.call("signed/client/M2"), None);
    }

    #[test]
    fn a_handshake_is_the_steps_of_one_end_without_the_loading() {
        assert_eq!(Run::parse(OUTPUT).expect("a run").handshake("signed/client"), 24);
    }

    #[test]
    fn the_deepest_call_is_found() {
        let run = Run::parse(OUTPUT).expect("a run");
        assert_eq!(run.deepest(""), Some(("signed/client/init", 9000)));
        assert_eq!(run.deepest("signed/server/"), Some(("signed/server/M1-M2", 40)));
        assert_eq!(run.deepest("express/"), None);
        let with_group = format!("{OUTPUT}call group/create 1 9999\n");
        assert_eq!(Run::parse(&with_group).expect("a run").deepest_without_groups(), Some(9000));
    }

    #[test]
    fn other_lines_are_refused() {
        assert!(Run::parse("FAULT: stack overflow").is_err());
        assert!(Run::parse("call a b c").is_err());
    }
}
