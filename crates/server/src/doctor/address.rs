//! The public address: that it answers, that it is this installation, that presence connections and the
//! carrier's calls get through what stands in front.

use std::time::Duration;

use reqwest::{Client, StatusCode, header};

use super::Report;
use crate::api::health::INSTALLATION;
use crate::config::Config;
use crate::outside;
use crate::vault::Vault;

const WITHIN: Duration = Duration::from_secs(5);

pub async fn examine(report: &mut Report, config: &Config, vault: Option<&Vault>) {
    let (what, origin) = ("public_url", config.origin());
    let local = matches!(
        config.public_url.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]")
    );
    if local {
        report.warn(what, &format!("{origin} is this machine alone: visitors and the carrier cannot reach it. Set it to your own address."));
    } else if !config.is_secure() {
        report.broken(what, &format!("{origin} has no TLS: browsers refuse the scheduler's cookies in a frame. Put a TLS proxy in front and use https://."));
    }
    let calls = outside::client();
    let answer = calls
        .get(format!("{origin}/healthz"))
        .timeout(WITHIN)
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) if local => return report.warn(what, "no server answers there. Start it with `ringback serve`."),
        Err(_) => return report.broken(what, &format!("{origin}/healthz cannot be reached from here. Check DNS, the certificate, the proxy and the firewall.")),
    };
    let shown = answer
        .headers()
        .get(INSTALLATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    match (answer.status(), shown, vault) {
        (status, _, _) if !status.is_success() => {
            return report.broken(what, &format!("{origin}/healthz says {status}. Is the proxy pointed at {}?", config.listen));
        }
        (_, None, _) => {
            return report.broken(what, &format!("something answers at {origin}, but not this version of Ringback. Is the proxy pointed at {}?", config.listen));
        }
        (_, Some(_), None) => report.warn(what, &format!("{origin} answers; whether it is this installation cannot be told without the key file.")),
        (_, Some(shown), Some(vault)) if shown != vault.installation() => {
            report.broken(what, &format!("another installation answers at {origin}: its key file is another one. Compare key_file there and here."));
        }
        (_, Some(_), Some(_)) => report.ok(what, &format!("{origin} answers, and is this installation")),
    }
    presence(report, &calls, origin).await;
    carriers_calls(report, &calls, origin, local).await;
}

/// A WebSocket's greeting, as a page of ours sends it.
async fn presence(report: &mut Report, calls: &Client, origin: &str) {
    let greeting = calls
        .get(format!("{origin}/line/doctor"))
        .header(header::ORIGIN, origin)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, "cmluZ2JhY2stZG9jdG9yIQ==")
        .timeout(WITHIN);
    match greeting.send().await.map(|answer| answer.status()) {
        Ok(StatusCode::SWITCHING_PROTOCOLS) => report.ok("presence", "connections get through"),
        Ok(_) | Err(_) => report.warn("presence", "WebSockets do not get through: who leaves is noticed up to 45 s later. Let the proxy pass the headers Upgrade and Connection."),
    }
}

/// A report that nobody has signed is refused by us, and by nobody in front of us.
async fn carriers_calls(report: &mut Report, calls: &Client, origin: &str, local: bool) {
    let what = "callbacks";
    let unsigned = calls
        .post(format!("{origin}/hooks/texts/status"))
        .timeout(WITHIN);
    match unsigned.send().await.map(|answer| answer.status()) {
        Ok(StatusCode::UNPROCESSABLE_ENTITY) if local => report.warn(what, "work on this machine; the carrier cannot reach it."),
        Ok(StatusCode::UNPROCESSABLE_ENTITY) => report.ok(what, &format!("{origin}/hooks/texts/… reaches this server")),
        Ok(status) => report.broken(what, &format!("{origin}/hooks/texts/status says {status}: the carrier's reports and STOP do not arrive. Let the proxy pass /hooks/.")),
        Err(_) => report.broken(what, &format!("{origin}/hooks/texts/status does not answer a POST. Let the proxy pass /hooks/.")),
    }
}
