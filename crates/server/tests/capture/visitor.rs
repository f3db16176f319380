//! A visitor over a real connection.

use futures_util::{SinkExt, StreamExt};
use ringback_domain::session::{Answers, CameFrom, Session, Step};
use ringback_server::random;
use ringback_server::store::{Order, scheduler, session};
use ringback_server::testing::TestServer;
use ringback_server::token;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

pub type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A visitor who has passed the contact step.
pub struct Visitor {
    pub token: String,
    pub page: String,
    pub said: i64,
    pub socket: Option<Socket>,
}

impl Visitor {
    pub async fn with_phone(world: &TestServer, phone: &str) -> Self {
        let answers = Answers {
            name: "Ana Morales".into(),
            phone: phone.into(),
            service: "cooling-repair".into(),
            postal_code: "85004".into(),
            ..Answers::default()
        };
        let token = random::token();
        let hash = token::hash(&token);
        let public_id = world.seeded.public_id.clone();
        world
            .app()
            .store
            .write(Order::Any, move |tx| {
                let scheduler =
                    scheduler::by_public_id(tx, &public_id)?.expect("the seeded scheduler");
                let mut session = session::start(tx, &scheduler, &hash, CameFrom::default())?;
                session.step = Step::Time;
                session.answers = answers.clone();
                session::save(tx, &session)
            })
            .await
            .unwrap();
        Self {
            token,
            page: random::token()[..16].into(),
            said: 0,
            socket: None,
        }
    }

    pub fn word(&mut self, word: &str) -> String {
        self.said += 1;
        format!(
            r#"{{"t":"{word}","n":{},"page":"{}","token":"{}"}}"#,
            self.said, self.page, self.token
        )
    }

    pub async fn opens(&mut self, world: &TestServer) {
        self.opens_at(world, &world.url).await;
    }

    /// Over this server, which may be another node.
    pub async fn opens_at(&mut self, world: &TestServer, server: &str) {
        let url = format!(
            "{}/line/{}",
            server.replace("http", "ws"),
            world.seeded.public_id
        );
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("origin", world.url.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket
            .send(Message::text(self.word("attach")))
            .await
            .unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.to_text().unwrap(), r#"{"t":"ok"}"#);
        self.socket = Some(socket);
    }

    pub async fn says(&mut self, word: &str) {
        let word = self.word(word);
        self.socket
            .as_mut()
            .unwrap()
            .send(Message::text(word))
            .await
            .unwrap();
    }

    pub async fn posts(&mut self, world: &TestServer, word: &str) {
        let body = self.word(word);
        self.post(world, body, &world.url)
            .await
            .error_for_status()
            .unwrap();
    }

    pub async fn post(&self, world: &TestServer, body: String, origin: &str) -> reqwest::Response {
        let url = format!("{}/line/{}/say", world.url, world.seeded.public_id);
        let client = &world.app().calls;
        client
            .post(url)
            .header("origin", origin)
            .header("content-type", "text/plain")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// The process dies: the connection ends without a word.
    pub fn dies(&mut self) {
        self.socket = None;
    }

    pub async fn session(&self, world: &TestServer) -> Session {
        let hash = token::hash(&self.token);
        world
            .app()
            .store
            .read(move |tx| session::by_token(tx, &hash))
            .await
            .unwrap()
            .expect("her session")
    }

    pub async fn session_is(&self, world: &TestServer, state: &str) -> bool {
        self.session(world).await.state.as_str() == state
    }
}
