//! The DevTools protocol over one WebSocket: commands and their answers, and the few events we keep
//! (which frames live in processes of their own; what a page complained about; what it received).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use crate::Tried;

/// How long any single command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to one browser; clones share it.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    outgoing: mpsc::UnboundedSender<Message>,
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    waiting: HashMap<u64, oneshot::Sender<Tried<Value>>>,
    frames: Vec<AttachedFrame>,
    complaints: Vec<Complaint>,
    /// Requests that are done and their bytes, by session; of those that have asked to be told.
    received: HashMap<String, (u64, u64)>,
}

/// A frame that lives in another process than its parent, with a session of its own.
#[derive(Clone, Debug)]
pub struct AttachedFrame {
    pub session: String,
    pub parent_session: String,
    pub target: String,
}

/// Something a page reported: an exception nobody caught, an error on the console, a refused resource.
#[derive(Clone, Debug)]
pub struct Complaint {
    pub session: String,
    pub text: String,
}

impl Wire {
    /// Connects to a browser's own address (`ws://127.0.0.1:PORT/devtools/browser/ID`).
    pub async fn connect(address: &str) -> Tried<Wire> {
        let (socket, _) = tokio_tungstenite::connect_async(address).await?;
        let (mut sink, mut stream) = socket.split();
        let (outgoing, mut queue) = mpsc::unbounded_channel::<Message>();
        let wire = Wire(Arc::new(Shared {
            outgoing,
            next: AtomicU64::new(1),
            state: Mutex::default(),
        }));
        tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        let reading = wire.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Message::Text(text) = message
                    && let Ok(message) = serde_json::from_str::<Value>(&text)
                {
                    reading.take(message);
                }
            }
            let mut state = reading.state();
            state.closed = true;
            for (_, waiting) in state.waiting.drain() {
                let _ = waiting.send(Err("the browser is gone".into()));
            }
        });
        Ok(wire)
    }

    /// A command to the browser itself.
    pub async fn browser(&self, method: &str, parameters: Value) -> Tried<Value> {
        self.ask(None, method, parameters).await
    }

    /// A command to one session (a page, or a frame with a process of its own).
    pub async fn session(&self, session: &str, method: &str, parameters: Value) -> Tried<Value> {
        self.ask(Some(session), method, parameters).await
    }

    /// The frames below `session` that have sessions of their own.
    pub fn frames_of(&self, session: &str) -> Vec<AttachedFrame> {
        let state = self.state();
        state
            .frames
            .iter()
            .filter(|frame| frame.parent_session == session)
            .cloned()
            .collect()
    }

    /// What the page of `session` and the frames below it complained about.
    pub fn complaints_of(&self, session: &str) -> Vec<String> {
        let state = self.state();
        let frames: Vec<&str> = state
            .frames
            .iter()
            .filter(|f| f.parent_session == session)
            .map(|f| f.session.as_str())
            .collect();
        let ours = |complaint: &&Complaint| {
            complaint.session == session || frames.contains(&complaint.session.as_str())
        };
        state
            .complaints
            .iter()
            .filter(ours)
            .map(|complaint| complaint.text.clone())
            .collect()
    }

    /// Requests of `session` that are done, and their bytes as they came over the wire.
    pub fn received_by(&self, session: &str) -> (u64, u64) {
        let state = self.state();
        state.received.get(session).copied().unwrap_or_default()
    }

    async fn ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Tried<Value> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (answer, waiting) = oneshot::channel();
        {
            let mut state = self.state();
            if state.closed {
                return Err(format!("{method}: the browser is gone").into());
            }
            state.waiting.insert(id, answer);
        }
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let _ = self.0.outgoing.send(Message::text(command.to_string()));
        let answer = tokio::time::timeout(PATIENCE, waiting).await;
        match answer {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(error))) => Err(format!("{method}: {error}").into()),
            Ok(Err(_)) => Err(format!("{method}: the browser is gone").into()),
            Err(_) => {
                self.state().waiting.remove(&id);
                Err(format!("{method}: no answer within {} s", PATIENCE.as_secs()).into())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            let waiting = self.state().waiting.remove(&id);
            if let Some(waiting) = waiting {
                let _ = waiting.send(match message.get("error") {
                    Some(error) => Err(error["message"].as_str().unwrap_or("refused").into()),
                    None => Ok(message["result"].take()),
                });
            }
            return;
        }
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let event = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Target.attachedToTarget" if event["targetInfo"]["type"] == "iframe" => {
                self.frame_attached(session, event)
            }
            "Target.detachedFromTarget" => {
                self.state()
                    .frames
                    .retain(|frame| event["sessionId"] != frame.session.as_str());
            }
            "Runtime.exceptionThrown" => {
                let details = &event["exceptionDetails"];
                let text = details["exception"]["description"]
                    .as_str()
                    .or(details["text"].as_str());
                self.complain(session, text.unwrap_or("an exception").to_owned());
            }
            "Network.loadingFinished" => {
                let bytes = event["encodedDataLength"].as_f64().unwrap_or_default();
                let mut state = self.state();
                let received = state.received.entry(session).or_default();
                *received = (received.0 + 1, received.1 + bytes as u64);
            }
            "Log.entryAdded" if event["entry"]["level"] == "error" => {
                let entry = &event["entry"];
                let text = entry["text"].as_str().unwrap_or_default();
                self.complain(
                    session,
                    format!("{text} {}", entry["url"].as_str().unwrap_or_default()),
                );
            }
            _ => {}
        }
    }

    fn frame_attached(&self, parent_session: String, event: &Value) {
        let session = event["sessionId"].as_str().unwrap_or_default().to_owned();
        let target = event["targetInfo"]["targetId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.state().frames.push(AttachedFrame {
            session: session.clone(),
            parent_session,
            target,
        });
        let wire = self.clone();
        tokio::spawn(async move {
            let _ = wire.session(&session, "Runtime.enable", json!({})).await;
            let _ = wire.session(&session, "Log.enable", json!({})).await;
            let _ = wire
                .session(&session, "Target.setAutoAttach", attach_automatically())
                .await;
        });
    }

    fn complain(&self, session: String, text: String) {
        let mut state = self.state();
        // A page that complains without end must not fill our memory.
        if state.complaints.len() < 10_000 {
            state.complaints.push(Complaint { session, text });
        }
    }
}

/// Parameters that give every frame in another process a session of its own.
pub fn attach_automatically() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true })
}
