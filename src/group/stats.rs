//! What a member has opened and refused.

/// How often a member did what, since it was initialised. Counters stop at their highest value.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct MemberStats {
    /// Signed requests that opened.
    pub opened_signed: u32,
    /// Tagged requests that opened.
    pub opened_tagged: u32,
    /// Requests that were opened before, or overtaken.
    pub replays: u32,
    /// Made by somebody without the group's key, or of another epoch 64 away.
    pub bad_group_tags: u32,
    /// Signatures that do not verify: made by somebody with the group's key, or genuine requests that were garbled.
    pub bad_signatures: u32,
    /// Own tags that do not verify: the same.
    pub bad_tags: u32,
    /// Refused without computing anything, because too many signatures or tags had failed.
    pub refused_unchecked: u32,
    /// Further away in time than the greatest age.
    pub too_old: u32,
}
