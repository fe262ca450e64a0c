//! The device's end.

use crate::{Credentials, Crypto, OSCORE_SALT, OSCORE_SECRET};
use core::mem;
use lakers::{
    CredentialTransfer, EDHOCError, EDHOCMethod, EDHOCSuite, EdhocInitiator, EdhocInitiatorWaitM2,
    EdhocInitiatorWaitM4, EdhocMessageBuffer, credential_check_or_fetch,
};

#[allow(clippy::large_enum_variant)] // there is no heap to put the larger one on
enum State {
    Idle,
    WaitM2(EdhocInitiatorWaitM2<Crypto>),
    WaitM4(EdhocInitiatorWaitM4<Crypto>),
}

pub struct Initiator {
    credentials: Credentials,
    state: State,
}

impl Initiator {
    pub fn new() -> Result<Self, EDHOCError> {
        Ok(Self { credentials: Credentials::of_device()?, state: State::Idle })
    }

    pub fn message_1(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let crypto = Crypto::new(Default::default());
        let initiator = EdhocInitiator::new(crypto, EDHOCMethod::StatStat, EDHOCSuite::CipherSuite2);
        let (waiting, message_1) = initiator.prepare_message_1(None, &None)?;
        *message = message_1;
        self.state = State::WaitM2(waiting);
        Ok(())
    }

    pub fn message_3(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let State::WaitM2(waiting) = mem::replace(&mut self.state, State::Idle) else {
            return Err(EDHOCError::ParsingError);
        };
        let (mut parsed, _c_r, id, _ead) = waiting.parse_message_2(message)?;
        let peer = credential_check_or_fetch(Some(self.credentials.peer), id)?;
        parsed.set_identity(self.credentials.secret, self.credentials.own)?;
        let verified = parsed.verify_message_2(peer)?;
        let (waiting, message_3, _prk) =
            verified.prepare_message_3(CredentialTransfer::ByReference, &None)?;
        *message = message_3;
        self.state = State::WaitM4(waiting);
        Ok(())
    }

    /// Takes message 4 and leaves the OSCORE secret and salt in its place.
    pub fn finish(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let State::WaitM4(waiting) = mem::replace(&mut self.state, State::Idle) else {
            return Err(EDHOCError::ParsingError);
        };
        let (mut done, _ead) = waiting.process_message_4(message)?;
        let secret = done.edhoc_exporter(OSCORE_SECRET, &[], 16);
        let salt = done.edhoc_exporter(OSCORE_SALT, &[], 8);
        crate::export(message, &secret, &salt)
    }
}
