//! Small things about ports and addresses on loopback.

use std::net::{Ipv4Addr, TcpListener};

use crate::Tried;

/// A port nobody listens on right now.
pub fn free_port() -> Tried<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
