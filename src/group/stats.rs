//! What a member has opened and refused.

/// How often a member did what, since it was initialised.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct MemberStats {
    /// Signed requests that opened.
    pub opened_signed: u64,
    /// Tagged requests that opened.
    pub opened_tagged: u64,
    /// Requests that were opened before, or overtaken.
    pub replays: u64,
    /// Made by somebody without the group's key, or of another epoch 64 away.
    pub bad_group_tags: u64,
    /// Signatures that do not verify: made by somebody with the group's key, or genuine requests that were garbled.
    pub bad_signatures: u64,
    /// Own tags that do not verify: the same.
    pub bad_tags: u64,
    /// Refused without computing anything, because too many signatures or tags had failed.
    pub refused_unchecked: u64,
    /// Further away in time than the greatest age.
    pub too_old: u64,
}
