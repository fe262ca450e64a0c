//! The programs secured by lscoap, end to end: what they do for enrolled devices, and for nobody else.

#[path = "secure/by_hand.rs"]
mod by_hand;
#[path = "secure/client_blocks.rs"]
mod client_blocks;
#[path = "secure/coap.rs"]
mod coap;
#[path = "secure/crowd.rs"]
mod crowd;
#[path = "secure/floods.rs"]
mod floods;
#[path = "secure/forgeries.rs"]
mod forgeries;
#[path = "secure/groups.rs"]
mod groups;
#[path = "secure/hints.rs"]
mod hints;
#[path = "secure/hostile.rs"]
mod hostile;
#[path = "secure/instructions.rs"]
mod instructions;
#[path = "secure/lists.rs"]
mod lists;
#[path = "secure/middle.rs"]
mod middle;
#[path = "secure/network.rs"]
mod network;
#[path = "secure/observers.rs"]
mod observers;
#[path = "secure/operation.rs"]
mod operation;
#[path = "secure/oscore.rs"]
mod oscore;
#[path = "secure/oscore_client.rs"]
mod oscore_client;
#[path = "secure/recorder.rs"]
mod recorder;
#[path = "secure/restart.rs"]
mod restart;
#[path = "secure/reuse.rs"]
mod reuse;
#[path = "secure/room.rs"]
mod room;
#[path = "secure/service.rs"]
mod service;
#[path = "secure/session_file.rs"]
mod session_file;
#[path = "secure/site.rs"]
mod site;
#[path = "secure/slips.rs"]
mod slips;
#[path = "secure/strangers.rs"]
mod strangers;
#[path = "secure/supervised.rs"]
mod supervised;
#[path = "secure/transfers.rs"]
mod transfers;
#[path = "secure/udp_client.rs"]
mod udp_client;
