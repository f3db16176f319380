//! Visitors by the thousand: the same forms and words as our pages send, prepared as bytes. Each has an
//! address, a name and a number of their own.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use super::wire::Wire;
use crate::Tried;

/// The scheduler that they visit.
#[derive(Clone)]
pub struct Scheduler {
    pub address: SocketAddr,
    pub name: String,
    service: String,
}

impl Scheduler {
    /// Looks at the first page, as the first visitor does.
    pub async fn find(address: SocketAddr, name: &str) -> Tried<Scheduler> {
        let mut wire = Wire::connect(address, None).await?;
        let first = Scheduler {
            address,
            name: name.to_owned(),
            service: String::new(),
        };
        let asked = first.get(&format!("/s/{name}"), visitor_address(0), "");
        let page = wire.ask(&asked).await?.text();
        let radio = page
            .split("<input ")
            .find(|input| input.contains("name=\"service\"") && input.contains("type=\"radio\""))
            .ok_or("the first page offers no service")?;
        let value = radio.split("value=\"").nth(1);
        let service = value
            .and_then(|value| value.split('"').next())
            .unwrap_or_default();
        Ok(Scheduler {
            service: service.to_owned(),
            ..first
        })
    }

    /// The first Continue: the session begins, the answer sets its cookie.
    pub fn first_step(&self, visitor: u64) -> Vec<u8> {
        let form = format!(
            "step=service&go=continue&zip=85004&service={}&zone=America%2FPhoenix",
            self.service
        );
        self.step(visitor, "", &form)
    }

    /// Name and number, with the session's cookie.
    pub fn contact_step(&self, visitor: u64, cookie: &str) -> Vec<u8> {
        let form = format!(
            "step=contact&go=continue&name=Quill+Visitor+{visitor}&phone={}&zone=America%2FPhoenix",
            phone(visitor)
        );
        self.step(visitor, cookie, &form)
    }

    /// A window, as the page's field carries it.
    pub fn time_step(&self, visitor: u64, cookie: &str, window: &str) -> Vec<u8> {
        let form = format!("step=time&go=continue&window={window}");
        self.step(visitor, cookie, &form)
    }

    /// A word of the page by POST: `here`, `closed`, `bye`. `number` grows with every word of the page.
    pub fn say(&self, visitor: u64, cookie: &str, word: &str, number: u32) -> Vec<u8> {
        let said = json!({ "t": word, "n": number, "page": "bench", "hidden": false }).to_string();
        let path = format!("/line/{}/say", self.name);
        self.post(&path, visitor, cookie, "text/plain", "", &said)
    }

    /// A page.
    pub fn get(&self, path: &str, from: Ipv4Addr, cookie: &str) -> Vec<u8> {
        let address = self.address;
        let cookie = line("cookie", cookie);
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: {from}\r\n{cookie}\r\n")
            .into_bytes()
    }

    fn step(&self, visitor: u64, cookie: &str, form: &str) -> Vec<u8> {
        let path = format!("/s/{}", self.name);
        let kind = "application/x-www-form-urlencoded";
        self.post(&path, visitor, cookie, kind, "x-ringback: step\r\n", form)
    }

    fn post(
        &self,
        path: &str,
        visitor: u64,
        cookie: &str,
        kind: &str,
        more: &str,
        body: &str,
    ) -> Vec<u8> {
        let (address, from) = (self.address, visitor_address(visitor));
        let (cookie, length) = (line("cookie", cookie), body.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nx-forwarded-for: {from}\r\n\
             user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\naccept-language: en-US,en;q=0.9\r\n\
             {cookie}{more}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// Where a visitor comes from: 10.0.0.0/8, one each.
pub fn visitor_address(visitor: u64) -> Ipv4Addr {
    let low = u32::try_from(visitor % 0x00ff_0000).unwrap_or_default();
    Ipv4Addr::from_bits(0x0a00_0001 + low)
}

/// A number that nobody else of the first ten million has, in an area code of the scheduler's region.
fn phone(visitor: u64) -> String {
    const AREAS: [&str; 4] = ["602", "480", "623", "520"];
    let area = AREAS[usize::try_from(visitor / 7_990_000 % 4).unwrap_or_default()];
    format!("{area}{:07}", 2_010_000 + visitor % 7_990_000)
}

fn line(name: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!("{name}: {value}\r\n")
    }
}
