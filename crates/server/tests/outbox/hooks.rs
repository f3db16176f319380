//! What the carrier tells us: believed when signed, counted once, in whatever order it comes.

use std::pin::pin;
use std::time::Duration;

use jiff::SignedDuration;
use ringback_domain::delivery::DeliveryKind::TextFollowUp;
use ringback_domain::delivery::DeliveryState;
use ringback_domain::delivery::DeliveryStatus::{Done, Unknown};
use ringback_domain::follow_up::TextNote;
use ringback_domain::lead::LeadEvent;
use ringback_sandbox::{Delivery, Fault, FaultKind, signature};
use ringback_server::sms::twilio;
use ringback_server::store::integration::TEXTS;
use ringback_server::store::outbox::{self, Channel};
use ringback_server::store::{opt_out, text_message};
use tokio::time::timeout;

use crate::faults::leaves;
use crate::stories;
use crate::world::World;

stories!(
    reports_in_any_order_and_twice_end_the_same,
    a_report_that_overtakes_the_answer_settles_the_text,
    a_report_clears_up_an_unknown_at_any_time,
    an_unsigned_or_wrongly_signed_call_changes_nothing,
    the_next_auth_token_is_believed_beside_the_old,
    a_reply_is_for_people_to_read_and_told_once,
    the_carriers_own_word_for_stop_counts,
    a_stop_waits_for_a_text_that_was_claimed_while_it_was_noted,
    a_report_about_a_text_we_do_not_know_is_no_mistake,
    nonsense_is_no_fault_of_ours,
);

const ANA: &str = "+16025550142";
const HOLD: SignedDuration = SignedDuration::from_secs(21);

async fn reports_in_any_order_and_twice_end_the_same(w: World) {
    for (phone, reversed, duplicated) in [
        (ANA, true, false),
        ("+16025550143", false, true),
        ("+16025550144", true, true),
    ] {
        w.sandbox.carrier().set_delivery(Delivery {
            reversed,
            duplicated,
            pause_ms: 5,
            ..Default::default()
        });
        let lead = w.visitor(phone, true).await.leaves().await;
        w.passes(HOLD);
        w.until(lead, TextFollowUp, Done).await;
        w.sandbox.settled().await;
        w.until_holds("delivered", || async {
            w.lead(lead).await.text_note == Some(TextNote::Delivered)
        })
        .await;
        let told = w.events(lead).await;
        let times = |kind| told.iter().filter(|event| event.kind == kind).count();
        assert_eq!(times(LeadEvent::TextSent), 1);
        assert_eq!(times(LeadEvent::TextDelivered), 1);
    }
    for webhook in w.sandbox.carrier().webhooks() {
        assert_eq!(webhook.status, Some(204), "{webhook:?}");
        assert!(webhook.url.ends_with("#rc=5&rp=all"), "{}", webhook.url);
    }
}

async fn a_report_that_overtakes_the_answer_settles_the_text(w: World) {
    w.sandbox.carrier().set_delivery(Delivery {
        early: true,
        pause_ms: 0,
        ..Default::default()
    });
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    let done = w.until(lead, TextFollowUp, Done).await;
    w.quiet().await;
    assert_eq!(done.outside_id, Some(w.texts()[0].sid.clone()));
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Delivered));
    assert_eq!(w.texts().len(), 1);
}

async fn a_report_clears_up_an_unknown_at_any_time(w: World) {
    let carrier = w.sandbox.carrier();
    carrier.set_delivery(Delivery {
        lost: true,
        ..Default::default()
    });
    carrier.set_fault(Fault::new(FaultKind::DroppedAfterEffect).times(1));
    carrier.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    let unknown = w.until(lead, TextFollowUp, Unknown).await;
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Unknown));
    // Two days on, when nobody looks any more.
    w.passes(SignedDuration::from_hours(50));
    w.quiet().await;
    let sid = w.texts()[0].sid.clone();
    let path = format!("/hooks/texts/status?m={}", unknown.our_id.unwrap());
    let fields = [
        ("AccountSid", w.credentials().account_sid.as_str()),
        ("MessageSid", &sid),
        ("MessageStatus", "delivered"),
        ("To", ANA),
    ];
    let token = w.credentials().auth_token.clone();
    assert_eq!(w.posts(&path, &fields, Some(&token)).await, 204);
    let done = w.until(lead, TextFollowUp, Done).await;
    assert_eq!(done.outside_id, Some(sid));
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Delivered));
    assert_eq!(w.texts().len(), 1);
}

async fn an_unsigned_or_wrongly_signed_call_changes_nothing(w: World) {
    let business = w.server.seeded.business;
    let account = w.credentials().account_sid.clone();
    let fields = [
        ("AccountSid", account.as_str()),
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("From", ANA),
        ("To", "+16025550100"),
        ("Body", "STOP"),
    ];
    let inbound = "/hooks/texts/inbound";
    assert_eq!(w.posts(inbound, &fields, None).await, 422);
    assert_eq!(w.posts(inbound, &fields, Some("another token")).await, 403);
    let mut other = fields;
    other[0].1 = "AC00000000000000000000000000000000";
    let token = w.credentials().auth_token.clone();
    assert_eq!(w.posts(inbound, &other, Some(&token)).await, 403);
    assert!(!w.write(move |tx| opt_out::is_out(tx, business, ANA)).await);
    assert_eq!(w.posts(inbound, &fields, Some(&token)).await, 200);
    assert!(w.write(move |tx| opt_out::is_out(tx, business, ANA)).await);
}

async fn the_next_auth_token_is_believed_beside_the_old(w: World) {
    let known = w.credentials().clone();
    let settings = twilio::Settings {
        account_sid: known.account_sid.clone(),
        api_key_sid: known.api_key,
        from: known.from_number,
        messaging_service_sid: String::new(),
    };
    let secrets = twilio::Secrets {
        api_key_secret: known.api_secret,
        auth_token: known.auth_token.clone(),
        auth_token_secondary: "the next one".into(),
    };
    w.connect(TEXTS, &settings, &secrets).await;
    let fields = [("AccountSid", known.account_sid.as_str()), ("From", ANA)];
    for token in [known.auth_token.as_str(), "the next one"] {
        let status = w.posts("/hooks/texts/inbound", &fields, Some(token)).await;
        assert_eq!(status, 200, "{token}");
    }
}

async fn a_reply_is_for_people_to_read_and_told_once(w: World) {
    w.inbound_is_connected();
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    let reply = w
        .sandbox
        .carrier()
        .reply(ANA, "Can you come at 5?")
        .await
        .unwrap();
    assert!(reply.answers.is_empty(), "we answer by phone, not by robot");
    let webhook = reply.webhook.unwrap();
    // The carrier tells it once more.
    let fields: Vec<_> = webhook
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let token = w.credentials().auth_token.clone();
    let again = w.posts("/hooks/texts/inbound", &fields, Some(&token)).await;
    assert_eq!(again, 200);
    let business = w.server.seeded.business;
    let said = w
        .write(move |tx| text_message::conversation(tx, business, ANA, 10))
        .await;
    let bodies: Vec<_> = said.iter().map(|text| text.body.as_str()).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[1], "Can you come at 5?");
    let told = w.events(lead).await;
    let received = told.iter().filter(|e| e.kind == LeadEvent::TextReceived);
    assert_eq!(received.count(), 1);
    assert!(!w.write(move |tx| opt_out::is_out(tx, business, ANA)).await);
}

async fn the_carriers_own_word_for_stop_counts(w: World) {
    let business = w.server.seeded.business;
    let account = w.credentials().account_sid.clone();
    let token = w.credentials().auth_token.clone();
    for (n, kind, out) in [
        ("1", "STOP", true),
        ("2", "HELP", true),
        ("3", "START", false),
    ] {
        let sid = format!("SM0000000000000000000000000000000{n}");
        let fields = [
            ("AccountSid", account.as_str()),
            ("MessageSid", &sid),
            ("From", ANA),
            ("To", "+16025550100"),
            ("Body", "amigos"),
            ("OptOutType", kind),
        ];
        let status = w.posts("/hooks/texts/inbound", &fields, Some(&token)).await;
        assert_eq!(status, 200);
        let is_out = w.write(move |tx| opt_out::is_out(tx, business, ANA)).await;
        assert_eq!(is_out, out, "after {kind}");
    }
}

/// Two transactions that do not see each other: one notes the STOP, the other asks the rules whether a text that
/// was made and claimed meanwhile may go. It may be on the wire an instant later.
async fn a_stop_waits_for_a_text_that_was_claimed_while_it_was_noted(w: World) {
    w.set(|s| s.holds.text_seconds = 0).await;
    let (business, owner) = (w.server.seeded.business, w.app().owner());
    let ana = w.visitor(ANA, true).await.session;
    let sid = "SM00000000000000000000000000000001";
    let claimed = w.write(move |tx| {
        leaves(tx, business, ana)?;
        let claimed = outbox::claim(tx, &owner, business, Channel::Text, 10)?;
        text_message::came_in(tx, business, ANA, "STOP", sid, None)?;
        opt_out::note(
            tx,
            business,
            ANA,
            true,
            opt_out::Source::InboundText,
            "STOP",
        )?;
        Ok(claimed)
    });
    let claimed = claimed.await.remove(0);
    let credentials = w.credentials();
    let fields = [
        ("AccountSid", credentials.account_sid.as_str()),
        ("MessageSid", sid),
        ("From", ANA),
        ("To", credentials.from_number.as_str()),
        ("Body", "STOP"),
    ];
    let token = credentials.auth_token.as_str();
    let mut stop = pin!(w.posts("/hooks/texts/inbound", &fields, Some(token)));
    let waits = Duration::from_millis(300);
    let told = timeout(waits, &mut stop).await;
    assert!(told.is_err(), "while it is claimed: {told:?}");
    let going = claimed.clone();
    let goes = w.write(move |tx| outbox::put_on_wire(tx, &going, Some("our-id")));
    assert!(goes.await);
    let told = timeout(waits, &mut stop).await;
    assert!(told.is_err(), "while it is on the wire: {told:?}");
    let done = DeliveryState::Done {
        outside_id: "SM00000000000000000000000000000002".into(),
    };
    assert!(
        w.write(move |tx| outbox::settle(tx, &claimed, &done, 0, None))
            .await
    );
    assert_eq!(stop.await, 200);
}

async fn a_report_about_a_text_we_do_not_know_is_no_mistake(w: World) {
    let account = w.credentials().account_sid.clone();
    let token = w.credentials().auth_token.clone();
    for status in ["delivered", "teleported"] {
        let fields = [
            ("AccountSid", account.as_str()),
            ("MessageSid", "SM00000000000000000000000000000001"),
            ("MessageStatus", status),
        ];
        for path in ["/hooks/texts/status?m=nobody", "/hooks/texts/status"] {
            assert_eq!(w.posts(path, &fields, Some(&token)).await, 204);
        }
    }
}

async fn nonsense_is_no_fault_of_ours(w: World) {
    let account = w.credentials().account_sid.clone();
    let token = w.credentials().auth_token.clone();
    let long = "x".repeat(100_000);
    for body in ["\0\0STOP\0", "\u{202e}", "", long.as_str()] {
        let fields = [
            ("AccountSid", account.as_str()),
            ("MessageSid", "SM\0"),
            ("From", "12345"),
            ("Body", body),
        ];
        let status = w.posts("/hooks/texts/inbound", &fields, Some(&token)).await;
        assert!(status < 500, "{status}");
    }
    let raw = reqwest::Client::new()
        .post(format!("{}/hooks/texts/status?m=%ff%00", w.server.url))
        .header("x-twilio-signature", "\u{e9}")
        .body(vec![0xff; 1000])
        .send()
        .await
        .unwrap();
    assert!(raw.status().is_client_error(), "{}", raw.status());
}

impl World {
    /// The carrier knows where to tell us of replies.
    pub fn inbound_is_connected(&self) {
        let url = format!("{}/hooks/texts/inbound", self.server.url);
        self.sandbox.carrier().set_inbound_url(Some(&url));
    }

    /// Posts a form as the carrier would; `token` signs it.
    pub async fn posts(&self, path: &str, fields: &[(&str, &str)], token: Option<&str>) -> u16 {
        let url = format!("{}{path}", self.server.url);
        let mut request = reqwest::Client::new().post(&url).form(fields);
        if let Some(token) = token {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            request = request.header("x-twilio-signature", signature::sign(token, &url, &fields));
        }
        request.send().await.expect("an answer").status().as_u16()
    }
}
