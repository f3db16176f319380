//! `slow_phone`: the scheduler's first page in a real Chromium whose processor and line are those of a slow phone, with
//! nothing in its cache. Interactive is the moment at which the page has been painted, the script has attached its
//! listeners, the first card can be chosen, and a digit typed into the first line of the form stands there.
//!
//! The browser delays each request by the round trip and holds bytes back to the line's speed; connections on loopback
//! open at once, so the round trips of TCP and TLS are not in it.

use std::time::Duration;

use super::report::{Goal, Sample, median};
use super::stage::{Server, Stage};
use crate::browser::{Browser, Manner, Slow, Viewport};
use crate::{Tried, time};

const PAGES: usize = 10;
const PHONE: Viewport = Viewport {
    width: 390,
    height: 844,
    dark: false,
};
/// Lighthouse's slow phone: its processor, and its slow 4G.
const SLOW: Slow = Slow {
    processor: 6.0,
    round_trip: Duration::from_millis(150),
    down: 1_600_000 / 8,
    up: 750_000 / 8,
};
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs before the page's own script, whose last act on arriving is to write its step into the history: from then on
/// its listeners are attached. A task later, when the page can do something else again, a card is clicked, and a digit
/// typed as a keyboard would. Times count from the start of the navigation.
const PROBE: &str = "
    window.probe = {};
    const replace = history.replaceState;
    history.replaceState = (...said) => {
      delete history.replaceState;
      replace.apply(history, said);
      probe.attached = performance.now();
      setTimeout(() => {
        const card = document.querySelector('main input[type=radio]');
        const field = document.querySelector('main .field input');
        card.click();
        field.focus();
        document.execCommand('insertText', false, '8');
        if (card.checked && field.value === '8') probe.typed = performance.now();
      });
    };";
/// Everything that is looked at, once it is there.
const FOUND: &str = "(() => {
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    const { attached, typed } = window.probe ?? {};
    if (document.readyState !== 'complete' || !painted || !attached || !typed) return null;
    return [painted, attached, typed, performance.getEntriesByType('resource').length];
  })()";

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("slow-phone")?;
    let server = stage.serve(&data).await?;
    let browser = Browser::launch(&stage.run, Manner::default()).await?;
    let mut looks = Vec::new();
    for _ in 0..PAGES {
        looks.push(look(stage, &server, &browser).await?);
    }
    drop(browser);
    server.kill().await?;
    let all = |of: fn(&Look) -> f64| looks.iter().map(of).collect::<Vec<f64>>();
    let (interactive, bytes) = (all(|look| look.interactive), all(|look| look.bytes));
    let most = |found: &[f64]| found.iter().copied().fold(0.0, f64::max);
    let line = format!(
        "processor {} times slower, {} ms, {} kbit/s down, {} kbit/s up, nothing cached",
        SLOW.processor,
        SLOW.round_trip.as_millis(),
        SLOW.down * 8 / 1000,
        SLOW.up * 8 / 1000,
    );
    Ok(vec![
        Sample {
            p50_ms: Some(median(interactive.clone())),
            load: format!("the longest of {PAGES} first pages until interactive; {line}"),
            goal: Goal::AtMost(1000.0),
            more: vec![
                ("painted_p50_ms", median(all(|look| look.painted))),
                ("attached_p50_ms", median(all(|look| look.attached))),
            ],
            ..Sample::new("slow_phone", most(&interactive), "ms")
        },
        Sample {
            load: "everything the first page loads, as it comes over the wire, heads too".into(),
            goal: Goal::AtMost(30.0),
            more: vec![("requests", most(&all(|look| look.requests)))],
            ..Sample::new("slow_phone_bytes", most(&bytes) / 1000.0, "KB")
        },
    ])
}

/// One first page.
struct Look {
    painted: f64,
    attached: f64,
    interactive: f64,
    bytes: f64,
    requests: f64,
}

/// A person of their own each time: nothing is cached, no connection is open.
async fn look(stage: &Stage, server: &Server, browser: &Browser) -> Tried<Look> {
    let person = browser.person().await?;
    let tab = person.window().await?;
    tab.look(PHONE).await?;
    tab.focused().await?;
    tab.slow(SLOW).await?;
    tab.before_every_page(PROBE).await?;
    let name = stage.ready.scheduler_name();
    tab.go(&format!("http://{}/s/{name}", server.address))
        .await?;
    let (page, tab) = (&tab.page(), &tab);
    let look = time::until("an interactive page", PATIENCE, || async move {
        let found = page.evaluate(FOUND).await?;
        let number = |at: usize| found[at].as_f64();
        let (Some(painted), Some(attached), Some(typed), Some(others)) =
            (number(0), number(1), number(2), number(3))
        else {
            return Ok(None);
        };
        // The page itself is none of its resources.
        let (requests, bytes) = tab.received();
        Ok((requests as f64 > others).then_some(Look {
            painted,
            attached,
            interactive: typed.max(painted),
            bytes: bytes as f64,
            requests: requests as f64,
        }))
    })
    .await?;
    person.leave().await?;
    Ok(look)
}
