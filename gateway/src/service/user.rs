//! Whom the program becomes.

use super::Failure;
use crate::config::Config;
use crate::sys::user::{self, User};

/// Whom to become; `None`: it stays who it is. Refused: root without a word, and one that only root could become.
pub fn who(config: &Config) -> Result<Option<User>, String> {
    let own = user::effective();
    let Some(name) = &config.user else {
        if let Some(group) = &config.group {
            return Err(format!("group: {:?} without `user`: give both, or `user` alone", group.0));
        }
        return match own {
            0 if !config.allow_root => Err(
                "started as root: say whom to become, as in `user = \"lscoap\"`, or start it as that user; \
                 `allow_root = true` goes on as root"
                    .to_owned(),
            ),
            _ => Ok(None),
        };
    };
    let group = config.group.as_ref().map(|group| &*group.0);
    let found = user::find(&name.0, group).map_err(|error| format!("user: {}: {error}", name.0))?;
    let found = found.ok_or_else(|| match group {
        Some(group) => format!("user: there is no user {:?}, or no group {group:?}", name.0),
        None => format!("user: there is no user {:?}", name.0),
    })?;
    match own {
        0 if found.uid == 0 && !config.allow_root => {
            Err(format!("user: {:?} is root: `allow_root = true` says that this is meant", name.0))
        }
        0 => Ok(Some(found)),
        own if own == found.uid => Ok(None),
        _ => Err(format!("user: only root can become {:?}", name.0)),
    }
}

/// Becomes it.
pub(super) fn become_user(user: &Option<User>) -> Result<(), Failure> {
    let Some(user) = user else { return Ok(()) };
    user::become_user(user).map_err(|error| Failure::failed(format!("user: {error}")))
}

/// Becomes whom the configuration says, if it says anybody.
pub fn become_configured(config: &Config) -> Result<(), Failure> {
    match config.user {
        Some(_) => become_user(&who(config).map_err(Failure::usage)?),
        None => Ok(()),
    }
}
