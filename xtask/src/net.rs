//! Small things about ports and addresses on loopback.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Tried;

/// Where everything listens that has no reason to listen elsewhere.
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A port nobody listens on right now. Below those that the kernel gives to outgoing connections (from 32768):
/// a server that is killed and started again finds its port as it left it.
pub fn free_port() -> Tried<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const MANY: u32 = 12_000;
    for _ in 0..MANY {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Two runs at a time begin at different places.
        let port = FIRST + (std::process::id().wrapping_mul(101).wrapping_add(number)) % MANY;
        let port = u16::try_from(port)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(format!("no port is free from {FIRST} on").into())
}
