//! The server's end.

use crate::{Credentials, Crypto, OSCORE_SALT, OSCORE_SECRET};
use core::mem;
use lakers::{
    CredentialTransfer, EDHOCError, EDHOCMethod, EdhocMessageBuffer, EdhocResponder, EdhocResponderDone,
    EdhocResponderWaitM3, credential_check_or_fetch,
};

enum State {
    Idle,
    WaitM3(EdhocResponderWaitM3<Crypto>),
    Done(EdhocResponderDone<Crypto>),
}

pub struct Responder {
    credentials: Credentials,
    state: State,
}

impl Responder {
    pub fn new() -> Result<Self, EDHOCError> {
        Ok(Self { credentials: Credentials::of_server()?, state: State::Idle })
    }

    pub fn message_2(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let Credentials { secret, own, .. } = self.credentials;
        let crypto = Crypto::new(Default::default());
        let responder = EdhocResponder::new(crypto, EDHOCMethod::StatStat, secret, own);
        let (processed, _c_i, _ead) = responder.process_message_1(message)?;
        let (waiting, message_2) =
            processed.prepare_message_2(CredentialTransfer::ByReference, None, &None)?;
        *message = message_2;
        self.state = State::WaitM3(waiting);
        Ok(())
    }

    pub fn message_4(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let State::WaitM3(waiting) = mem::replace(&mut self.state, State::Idle) else {
            return Err(EDHOCError::ParsingError);
        };
        let (parsed, id, _ead) = waiting.parse_message_3(message)?;
        let peer = credential_check_or_fetch(Some(self.credentials.peer), id)?;
        let (verified, _prk) = parsed.verify_message_3(peer)?;
        let (done, message_4) = verified.prepare_message_4(&None)?;
        *message = message_4;
        self.state = State::Done(done);
        Ok(())
    }

    /// Leaves the OSCORE secret and salt in the message's place.
    pub fn finish(&mut self, message: &mut EdhocMessageBuffer) -> Result<(), EDHOCError> {
        let State::Done(done) = &mut self.state else {
            return Err(EDHOCError::ParsingError);
        };
        let secret = done.edhoc_exporter(OSCORE_SECRET, &[], 16);
        let salt = done.edhoc_exporter(OSCORE_SALT, &[], 8);
        crate::export(message, &secret, &salt)
    }
}
