//! The contractor's own website: a few plain pages that carry our embed, served by us on another port.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Tried;

/// The website; gone when dropped.
pub struct Host {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

/// The text of the host page's own button that opens the scheduler.
pub const OPEN: &str = "Book a visit";

impl Host {
    /// Serves pages that embed the scheduler `scheduler` of the server at `url`.
    pub async fn start(url: &str, scheduler: &str) -> Tried<Host> {
        let url = url.trim_end_matches('/');
        Host::with(&format!(
            "<script src='{url}/embed.js' data-scheduler='{scheduler}'></script>"
        ))
        .await
    }

    /// Serves pages with these lines at their end, as somebody pasted them.
    pub async fn with(embed: &str) -> Tried<Host> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let page = page(embed);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut answering = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let page = page.clone();
                answering.spawn(async move {
                    // A browser that hangs up early is no concern of this website.
                    let _ = answer(stream, &page).await;
                });
                while answering.try_join_next().is_some() {}
            }
        });
        Ok(Host {
            address,
            _accepting: accepting,
        })
    }

    /// The page with the embed, on another site than the scheduler (`localhost`, not `127.0.0.1`).
    pub fn page(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    /// The same page behind a script that keeps it waiting for 1.5 s.
    pub fn slow_page(&self) -> String {
        format!("http://localhost:{}/slow", self.address.port())
    }

    /// A page without us.
    pub fn elsewhere(&self) -> String {
        format!("http://localhost:{}/elsewhere", self.address.port())
    }

    /// A page that tries a third-party cookie from a frame of the other site, which tells whether it came.
    pub fn cookie_trial(&self) -> String {
        format!("http://localhost:{}/cookie-trial", self.address.port())
    }
}

fn page(embed: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Copperline Home Services</title><!-- first --><body style='font-family:sans-serif'>\
         <h1>Copperline Home Services</h1><p>Heating and cooling in Phoenix.</p>\
         <button data-ringback-open>{OPEN}</button>{embed}</body></html>"
    )
}

async fn answer(mut stream: TcpStream, page: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 64 * 1024 {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    let html = "text/html; charset=utf-8";
    let (status, kind, more, body) = match path {
        "/" => ("200 OK", html, "", page.to_owned()),
        "/slow" => (
            "200 OK",
            html,
            "",
            page.replace("<!-- first -->", "<script src='/waits.js'></script>"),
        ),
        "/favicon.ico" => ("204 No Content", html, "", String::new()),
        "/waits.js" => {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            (
                "200 OK",
                "text/javascript",
                "Cache-Control: no-store\r\n",
                String::new(),
            )
        }
        "/elsewhere" => (
            "200 OK",
            html,
            "",
            "<!doctype html><meta name=viewport content='width=device-width'><title>Elsewhere</title><h1>Elsewhere</h1>".to_owned(),
        ),
        "/cookie-trial" => {
            let port = stream.local_addr()?.port();
            let body = format!(
                "<!doctype html><title>Trial</title><iframe src='http://127.0.0.1:{port}/cookie-frame'></iframe>"
            );
            ("200 OK", html, "", body)
        }
        "/cookie-frame" => {
            let body = "<!doctype html><title>Frame</title><script>location.replace('/cookie-told')</script>".to_owned();
            (
                "200 OK",
                html,
                "Set-Cookie: trial=1; Secure; SameSite=None; Path=/\r\n",
                body,
            )
        }
        "/cookie-told" => {
            let came = request.lines().any(|line| {
                line.to_ascii_lowercase().starts_with("cookie:") && line.contains("trial=1")
            });
            (
                "200 OK",
                html,
                "",
                format!(
                    "<!doctype html><title>Told</title><p>cookie {}</p>",
                    if came { "came" } else { "missing" }
                ),
            )
        }
        _ => (
            "404 Not Found",
            html,
            "",
            "<!doctype html><title>Not found</title>".to_owned(),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
