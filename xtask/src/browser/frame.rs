//! Inside a page or one of its frames: scripts, and things found and used the way people and
//! assistive technology do, by role and accessible name.

use std::time::Duration;

use serde_json::{Value, json};

use super::tab::Tab;
use super::wire::Wire;
use crate::{Tried, time};

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// A document: the tab's own, or that of a frame in it, whichever process it lives in.
#[derive(Clone)]
pub struct Frame {
    wire: Wire,
    /// The tab's session, which takes all input.
    tab: String,
    /// The session of the process the document lives in.
    session: String,
    /// The frame's script context there; none for the top document of a session.
    context: Option<i64>,
    /// Frame ids from the tab's document down to this session's, where processes change.
    way: Vec<(String, String)>,
}

/// An element of a frame.
pub struct Element<'a> {
    frame: &'a Frame,
    object: String,
}

impl Frame {
    pub(super) fn main(tab: &Tab) -> Frame {
        Frame {
            wire: tab.wire.clone(),
            tab: tab.session.clone(),
            session: tab.session.clone(),
            context: None,
            way: Vec::new(),
        }
    }

    /// Every frame of the tab below its own document.
    pub(super) async fn all(tab: &Tab) -> Tried<Vec<Frame>> {
        let mut found = Vec::new();
        let mut sessions = vec![Frame::main(tab)];
        while let Some(top) = sessions.pop() {
            for id in top.frames_in_process().await? {
                let world = json!({ "frameId": id, "worldName": "xtask" });
                // A frame may be gone or change its process meanwhile: then it is found elsewhere.
                if let Ok(world) = top.ask("Page.createIsolatedWorld", world).await {
                    found.push(Frame {
                        context: world["executionContextId"].as_i64(),
                        ..top.clone()
                    });
                }
            }
            for attached in top.wire.frames_of(&top.session) {
                let mut way = top.way.clone();
                way.push((top.session.clone(), attached.target));
                let below = Frame {
                    session: attached.session,
                    context: None,
                    way,
                    ..top.clone()
                };
                found.push(below.clone());
                sessions.push(below);
            }
        }
        Ok(found)
    }

    async fn frames_in_process(&self) -> Tried<Vec<String>> {
        let Ok(tree) = self.ask("Page.getFrameTree", json!({})).await else {
            return Ok(Vec::new());
        };
        let mut ids = Vec::new();
        let mut rest: Vec<&Value> = tree["frameTree"]["childFrames"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        while let Some(branch) = rest.pop() {
            ids.extend(branch["frame"]["id"].as_str().map(str::to_owned));
            rest.extend(branch["childFrames"].as_array().into_iter().flatten());
        }
        Ok(ids)
    }

    // ---- scripts

    /// The value of a script's expression; promises are awaited.
    pub async fn evaluate(&self, expression: &str) -> Tried<Value> {
        let mut wanted =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        if let Some(context) = self.context {
            wanted["contextId"] = context.into();
        }
        let answer = self.ask("Runtime.evaluate", wanted).await?;
        if let Some(details) = answer.get("exceptionDetails") {
            let text = details["exception"]["description"]
                .as_str()
                .or(details["text"].as_str());
            return Err(format!("{expression}: {}", text.unwrap_or("failed")).into());
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Runs a script for what it does.
    pub async fn run(&self, expression: &str) -> Tried<()> {
        self.evaluate(&format!("{{ {expression} }}; undefined"))
            .await
            .map(|_| ())
    }

    /// Waits until an expression is true; pages that change meanwhile are asked again.
    pub async fn until(&self, what: &str, expression: &str) -> Tried<()> {
        self.until_within(what, PATIENCE, expression).await
    }

    /// The same with a patience of its own.
    pub async fn until_within(
        &self,
        what: &str,
        patience: Duration,
        expression: &str,
    ) -> Tried<()> {
        time::until(what, patience, || async {
            let answer = self
                .evaluate(expression)
                .await
                .unwrap_or(Value::Bool(false));
            Ok((answer == Value::Bool(true)).then_some(()))
        })
        .await
    }

    /// All text in view.
    pub async fn text(&self) -> Tried<String> {
        let text = self
            .evaluate("document.body ? document.body.innerText : ''")
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page shows `text` somewhere; on failure says what it shows instead.
    pub async fn shows(&self, text: &str) -> Tried<()> {
        let quoted = Value::from(text).to_string();
        // Small-caps headings come back in capitals from innerText: case does not matter to a reader.
        let there = format!(
            "!!document.body && document.body.innerText.toLowerCase().includes({quoted}.toLowerCase())"
        );
        let waited = self
            .until(&format!("the page to show “{text}”"), &there)
            .await;
        if let Err(error) = waited {
            return Err(format!(
                "{error}; it shows: {}",
                shortened(&self.text().await.unwrap_or_default())
            )
            .into());
        }
        Ok(())
    }

    /// Waits until nothing moves any more: half-faded text is neither readable nor a picture.
    pub async fn still(&self) -> Tried<()> {
        let still =
            "document.getAnimations().every((animation) => animation.playState !== 'running'
            || animation.effect.getComputedTiming().endTime === Infinity)";
        self.until("the page to be still", still).await
    }

    // ---- things on the page

    /// The one visible thing with this role and accessible name, once it is there.
    pub async fn find(&self, role: &str, name: &str) -> Tried<Element<'_>> {
        let what = format!("a {role} named “{name}”");
        let found = time::until(&what, PATIENCE, || async {
            Ok(self.look_for(role, name).await.ok().flatten())
        });
        match found.await {
            Ok(element) => Ok(element),
            Err(error) => Err(format!(
                "{error}; it shows: {}",
                shortened(&self.text().await.unwrap_or_default())
            )
            .into()),
        }
    }

    /// The same without waiting.
    pub async fn look_for(&self, role: &str, name: &str) -> Tried<Option<Element<'_>>> {
        let mut wanted = json!({ "expression": "document" });
        if let Some(context) = self.context {
            wanted["contextId"] = context.into();
        }
        let document = self.ask("Runtime.evaluate", wanted).await?;
        let root = document["result"]["objectId"]
            .as_str()
            .ok_or("the document is an object")?;
        let query = json!({ "objectId": root, "accessibleName": name, "role": role });
        let matching = self.ask("Accessibility.queryAXTree", query).await?;
        for node in matching["nodes"].as_array().into_iter().flatten() {
            if node["ignored"] == true {
                continue;
            }
            let backend = json!({ "backendNodeId": node["backendDOMNodeId"] });
            if self
                .ask("DOM.getContentQuads", backend.clone())
                .await
                .is_err()
            {
                continue;
            }
            let resolved = self.ask("DOM.resolveNode", backend).await?;
            if let Some(object) = resolved["object"]["objectId"].as_str() {
                return Ok(Some(Element {
                    frame: self,
                    object: object.to_owned(),
                }));
            }
        }
        Ok(None)
    }

    /// The first element a CSS selector matches, once it is there; for what has no name of its own.
    pub async fn select(&self, selector: &str) -> Tried<Element<'_>> {
        let expression = format!("document.querySelector({})", Value::from(selector));
        time::until(&format!("an element {selector}"), PATIENCE, || async {
            let mut wanted = json!({ "expression": expression });
            if let Some(context) = self.context {
                wanted["contextId"] = context.into();
            }
            let answer = self.ask("Runtime.evaluate", wanted).await;
            let object = answer
                .ok()
                .and_then(|answer| Some(answer["result"]["objectId"].as_str()?.to_owned()));
            Ok(object.map(|object| Element {
                frame: self,
                object,
            }))
        })
        .await
    }

    /// Presses the button of this name.
    pub async fn press(&self, name: &str) -> Tried<()> {
        self.find("button", name).await?.click().await
    }

    /// Types into the text field of this label, over what it held.
    pub async fn fill(&self, label: &str, text: &str) -> Tried<()> {
        self.find("textbox", label).await?.fill(text).await
    }

    // ---- the keyboard

    /// Presses and releases a key (`Tab`, `Enter`, `Space`, `Escape`, `ArrowDown`, `Shift+Tab`).
    pub async fn key(&self, name: &str) -> Tried<()> {
        let (shift, name) = name
            .strip_prefix("Shift+")
            .map_or((false, name), |name| (true, name));
        let (key, code, number, text) = match name {
            "Tab" => ("Tab", "Tab", 9, ""),
            "Enter" => ("Enter", "Enter", 13, "\r"),
            "Space" => (" ", "Space", 32, " "),
            "Escape" => ("Escape", "Escape", 27, ""),
            "ArrowDown" => ("ArrowDown", "ArrowDown", 40, ""),
            other => return Err(format!("no key {other} here").into()),
        };
        for kind in [
            if text.is_empty() {
                "rawKeyDown"
            } else {
                "keyDown"
            },
            "keyUp",
        ] {
            let mut event = json!({
                "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": if shift { 8 } else { 0 },
            });
            if kind == "keyDown" {
                event["text"] = text.into();
            }
            self.wire
                .session(&self.tab, "Input.dispatchKeyEvent", event)
                .await?;
        }
        Ok(())
    }

    /// Types text at the place that has the keyboard.
    pub async fn type_text(&self, text: &str) -> Tried<()> {
        self.wire
            .session(&self.tab, "Input.insertText", json!({ "text": text }))
            .await?;
        Ok(())
    }

    /// Types one letter, as a key that a list or a button understands too.
    pub async fn type_key(&self, letter: char) -> Tried<()> {
        let text = letter.to_string();
        for kind in ["keyDown", "keyUp"] {
            let code = letter.to_ascii_uppercase();
            let mut event = json!({
                "type": kind, "key": text, "code": format!("Key{code}"), "windowsVirtualKeyCode": u32::from(code),
            });
            if kind == "keyDown" {
                event["text"] = text.as_str().into();
            }
            self.wire
                .session(&self.tab, "Input.dispatchKeyEvent", event)
                .await?;
        }
        Ok(())
    }

    async fn ask(&self, method: &str, parameters: Value) -> Tried<Value> {
        self.wire.session(&self.session, method, parameters).await
    }

    /// Where this session's document lies in the tab's view.
    async fn offset(&self) -> Tried<(f64, f64)> {
        let (mut x, mut y) = (0.0, 0.0);
        for (session, frame) in &self.way {
            let owner = self
                .wire
                .session(session, "DOM.getFrameOwner", json!({ "frameId": frame }))
                .await?;
            let place = json!({ "backendNodeId": owner["backendNodeId"] });
            let place = self.wire.session(session, "DOM.getBoxModel", place).await?;
            let corner = &place["model"]["content"];
            x += corner[0].as_f64().unwrap_or_default();
            y += corner[1].as_f64().unwrap_or_default();
        }
        Ok((x, y))
    }
}

impl Element<'_> {
    /// Presses and releases the mouse in its middle, once it has stopped moving.
    pub async fn click(&self) -> Tried<()> {
        let place = self.at_rest().await?;
        self.click_at(place).await
    }

    /// Waits until it stays where it is and nothing lies over it; the place of its middle in the tab.
    pub async fn at_rest(&self) -> Tried<(f64, f64)> {
        let before = std::cell::Cell::new(None);
        time::until(
            "an element to be at rest and uncovered",
            PATIENCE,
            || async {
                let Ok((place, uncovered)) = self.middle().await else {
                    return Ok(None);
                };
                let rests = before.replace(Some(place)) == Some(place);
                Ok((rests && uncovered).then_some(place))
            },
        )
        .await
    }

    /// Presses and releases the mouse at a place that [`Element::at_rest`] gave.
    pub async fn click_at(&self, (x, y): (f64, f64)) -> Tried<()> {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let pressed = kind != "mouseMoved";
            let event = json!({
                "type": kind, "x": x, "y": y,
                "button": if pressed { "left" } else { "none" },
                "clickCount": i32::from(pressed),
            });
            self.frame
                .wire
                .session(&self.frame.tab, "Input.dispatchMouseEvent", event)
                .await?;
        }
        Ok(())
    }

    /// Types `text` over what the field held.
    pub async fn fill(&self, text: &str) -> Tried<()> {
        let script = "function (text) {
            this.focus();
            this.select();
            if (text === '') document.execCommand('delete');
            else document.execCommand('insertText', false, text);
            return this.value;
        }";
        self.call(script, &json!(text)).await?;
        Ok(())
    }

    /// Chooses the option with this text in a list.
    pub async fn choose(&self, option: &str) -> Tried<()> {
        let script = "function (wanted) {
            const option = [...this.options].find((option) => option.text.trim() === wanted);
            if (!option) return false;
            this.value = option.value;
            this.dispatchEvent(new Event('input', { bubbles: true }));
            this.dispatchEvent(new Event('change', { bubbles: true }));
            return true;
        }";
        if self.call(script, &json!(option)).await? == json!(true) {
            return Ok(());
        }
        let there = self.call(
            "function () { return [...this.options].map((o) => o.text.trim()).join(', ') }",
            &json!(null),
        );
        Err(format!("no option “{option}”; there are: {}", there.await?).into())
    }

    /// Calls a function with the element as `this`.
    pub async fn call(&self, function: &str, argument: &Value) -> Tried<Value> {
        let wanted = json!({
            "objectId": self.object, "functionDeclaration": function, "arguments": [{ "value": argument }],
            "returnByValue": true, "awaitPromise": true,
        });
        let answer = self.frame.ask("Runtime.callFunctionOn", wanted).await?;
        if let Some(details) = answer.get("exceptionDetails") {
            return Err(details["exception"]["description"]
                .as_str()
                .unwrap_or("failed")
                .into());
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Its middle in the tab's view, and whether a click there would meet it.
    async fn middle(&self) -> Tried<((f64, f64), bool)> {
        let this = json!({ "objectId": self.object });
        self.frame
            .ask("DOM.scrollIntoViewIfNeeded", this.clone())
            .await?;
        let quads = self.frame.ask("DOM.getContentQuads", this).await?;
        let corners: Vec<f64> = quads["quads"][0]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        let [x1, y1, x2, y2, x3, y3, x4, y4] = corners[..] else {
            return Err("the element takes no room on the page".into());
        };
        let (left, top) = self.frame.offset().await?;
        let place = (
            left + (x1 + x2 + x3 + x4) / 4.0,
            top + (y1 + y2 + y3 + y4) / 4.0,
        );
        let met = "function () {
            const box = this.getBoundingClientRect();
            const top = this.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return !!top && (this === top || this.contains(top) || top.contains(this));
        }";
        Ok((place, self.call(met, &Value::Null).await? == true))
    }
}

fn shortened(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(600)
        .collect()
}

/// Decodes what the protocol sends as base64.
pub(super) fn from_base64(text: &str) -> Tried<Vec<u8>> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}
