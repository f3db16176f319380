//! Which texts go, when, to whom, and how often: once.

use jiff::SignedDuration;
use ringback_domain::delivery::DeliveryKind::{TextFollowUp, TextLink};
use ringback_domain::delivery::DeliveryStatus::{self, Done, Due, Expired, Refused, Withdrawn};
use ringback_domain::departure::Departure;
use ringback_domain::follow_up::{TextNote, WhyNot};
use ringback_domain::id::{LeadId, StaffId};
use ringback_domain::lead::LeadEvent;
use ringback_domain::scheduler::SendAfter;
use ringback_sandbox::{Ending, Fault, FaultKind};
use ringback_server::outbox::by_hand::{self, Again, ByHand};
use ringback_server::store::integration::{self, TEXTS};
use ringback_server::store::{Tx, lead, opt_out, resume_link, text_message};
use sha2::{Digest as _, Sha256};

use crate::stories;
use crate::world::{World, is_about};

stories!(
    a_ticked_box_gets_one_text_and_the_lead_says_so,
    the_links_token_is_in_the_text_and_nowhere_else,
    without_the_box_no_text_goes_and_the_lead_says_why,
    a_box_unticked_later_holds,
    the_text_waits_for_its_hold_and_not_longer,
    five_minutes_is_five_minutes_for_a_text_too,
    at_night_it_waits_for_the_morning,
    what_the_carrier_has_not_passed_on_by_the_night_it_drops,
    a_morning_more_than_two_days_off_is_no_morning,
    never_is_never_also_when_it_is_switched_meanwhile,
    who_is_never_sent_to_servicetitan_gets_the_text_all_the_same,
    who_comes_back_gets_no_text_and_leaving_again_gets_one,
    who_books_gets_no_text,
    leaving_again_is_no_second_text,
    a_link_by_hand_was_the_leads_text_and_leaving_again_leaves_it_told,
    one_number_gets_one_text_in_a_day,
    of_two_leads_at_once_one_text_goes,
    a_stop_at_the_last_moment_holds,
    a_stop_is_acknowledged_once_nothing_is_on_the_wire,
    a_stop_is_for_every_lead_of_the_number_and_start_takes_it_back,
    what_the_carrier_knows_of_a_stop_we_know_too,
    who_tells_staff_to_stop_gets_nothing_that_waits_and_may_think_better_of_it,
    a_slip_of_a_reply_is_mended_by_staff_unless_the_carrier_took_it_for_stop,
    a_lead_that_staff_have_contacted_gets_no_text,
    staff_send_a_link_by_hand_under_the_same_rules,
    a_night_of_theirs_alone_is_told_from_the_first_moment,
    a_toll_free_number_gets_no_text,
    without_a_sender_no_text_is_planned,
    with_wrong_credentials_texts_wait_until_they_are_mended,
    credentials_that_stay_wrong_are_a_text_too_late,
    no_connection_means_later_and_once,
    a_text_that_never_went_takes_nobodys_turn,
    a_report_about_a_text_that_seemed_not_to_have_left_stops_it,
    an_undelivered_text_says_what_the_carrier_said,
);

const ANA: &str = "+16025550142";
const HOLD: SignedDuration = SignedDuration::from_secs(21);

async fn note(w: &World, lead: LeadId) -> TextNote {
    w.lead(lead).await.text_note.expect("a note")
}

/// The text was settled without going, and the lead says why.
async fn does_not_go(w: &World, lead: LeadId, status: DeliveryStatus, why: WhyNot) {
    let text = w.until(lead, TextFollowUp, status).await;
    assert_eq!(text.why, Some(format!("not-{why}")));
    assert_eq!(note(w, lead).await, TextNote::Not { why });
    w.quiet().await;
}

async fn a_ticked_box_gets_one_text_and_the_lead_says_so(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    let planned = note(&w, lead).await;
    assert!(matches!(planned, TextNote::Planned { night: false, .. }));
    w.passes(HOLD);
    let done = w.until(lead, TextFollowUp, Done).await;
    let texts = w.texts();
    let [text] = texts.as_slice() else {
        panic!("one text, not {}", texts.len())
    };
    assert_eq!(done.outside_id.as_ref(), Some(&text.sid));
    assert_eq!(text.to, ANA);
    assert!(text.body.starts_with("Copperline Home Services: "));
    assert!(text.body.contains("Ana") && text.body.contains("STOP"));
    assert!(text.body.contains(&format!("{}/r/", w.server.url)));
    assert_eq!(text.segments, 1, "{}", text.body);
    w.until_holds("it is delivered", || async {
        note(&w, lead).await == TextNote::Delivered
    })
    .await;
    let stamps = w.lead(lead).await.stamps;
    assert!(stamps.text_sent_at.is_some() && stamps.text_delivered_at.is_some());
    assert!(w.has_event(lead, LeadEvent::TextSent).await);
    assert!(w.has_event(lead, LeadEvent::TextDelivered).await);
    w.passes(SignedDuration::from_hours(30));
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
}

async fn the_links_token_is_in_the_text_and_nowhere_else(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    let body = w.texts()[0].body.clone();
    let token: String = body
        .split("/r/")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    assert_eq!(token.len(), 22);
    let business = w.server.seeded.business;
    let kept = w
        .write(move |tx| text_message::conversation(tx, business, ANA, 10))
        .await;
    assert_eq!(kept.len(), 1);
    assert!(kept[0].body.contains("{link}") && !kept[0].body.contains(&token));
    let link = w
        .write(move |tx| resume_link::find(tx, &Sha256::digest(&token)))
        .await
        .expect("the link opens");
    assert_eq!((link.session, link.lead), (ana.session, Some(lead)));
    let lives = link.until.duration_since(w.now());
    assert!(lives > SignedDuration::from_hours(71) && lives <= SignedDuration::from_hours(72));
}

async fn without_the_box_no_text_goes_and_the_lead_says_why(w: World) {
    let lead = w.visitor(ANA, false).await.leaves().await;
    let why = WhyNot::NoConsent;
    assert_eq!(note(&w, lead).await, TextNote::Not { why });
    w.passes(SignedDuration::from_hours(30));
    w.quiet().await;
    assert!(w.texts().is_empty());
}

async fn a_box_unticked_later_holds(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    ana.unticks().await;
    w.passes(HOLD);
    does_not_go(&w, lead, Refused, WhyNot::NoConsent).await;
    assert!(w.texts().is_empty());
}

async fn the_text_waits_for_its_hold_and_not_longer(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(SignedDuration::from_secs(10));
    w.quiet().await;
    assert!(w.texts().is_empty());
    w.passes(SignedDuration::from_secs(10));
    w.until(lead, TextFollowUp, Done).await;
    is_about(waited(&w, lead).await, SignedDuration::from_secs(20));
}

async fn five_minutes_is_five_minutes_for_a_text_too(w: World) {
    w.set(|s| s.follow_up.send = SendAfter::Minutes5).await;
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(SignedDuration::from_secs(4 * 60));
    w.quiet().await;
    assert!(w.texts().is_empty());
    w.passes(SignedDuration::from_secs(60));
    w.until(lead, TextFollowUp, Done).await;
    is_about(waited(&w, lead).await, SignedDuration::from_mins(5));
}

/// How long after the departure the carrier got the first text.
async fn waited(w: &World, lead: LeadId) -> SignedDuration {
    let left_at = w.lead(lead).await.stamps.left_at;
    w.texts()[0].date_created.duration_since(left_at)
}

async fn at_night_it_waits_for_the_morning(w: World) {
    let waits_until = |at| TextNote::Planned {
        at,
        night: true,
        there: None,
    };
    w.it_is("2026-11-24T04:30:00Z"); // 21:30 in Phoenix
    let lead = w.visitor(ANA, true).await.leaves().await;
    let at = "2026-11-24T15:00:00Z".parse().unwrap(); // 8:00 in Phoenix
    assert_eq!(note(&w, lead).await, waits_until(at), "said beforehand");
    w.passes(HOLD);
    w.until_holds("it waits", || async {
        let text = w.delivery(lead, TextFollowUp).await.unwrap();
        (text.status, text.due_at) == (Due, Some(at))
    })
    .await;
    assert_eq!(note(&w, lead).await, waits_until(at), "and when asked");
    w.it_is("2026-11-24T14:59:00Z");
    w.quiet().await;
    assert!(w.texts().is_empty());
    w.it_is("2026-11-24T15:00:00Z");
    w.until(lead, TextFollowUp, Done).await;
    assert_eq!(w.texts().len(), 1);
    is_about(
        w.texts()[0].date_created.duration_since(at),
        SignedDuration::ZERO,
    );
}

async fn what_the_carrier_has_not_passed_on_by_the_night_it_drops(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    w.it_is("2026-11-24T03:54:30Z"); // 20:54:30 in Phoenix
    let late = w.visitor("+16025550143", true).await.leaves().await;
    w.passes(HOLD);
    w.until(late, TextFollowUp, Done).await;
    let (by_day, by_night) = (4 * 60 * 60, 330 - 20);
    let asked = seconds_at_the_carrier(&w);
    assert_eq!((asked.len(), asked[0]), (2, by_day));
    assert!((by_night - 10..by_night).contains(&asked[1]), "{asked:?}");
}

/// How long the carrier was told to try, of each text.
fn seconds_at_the_carrier(w: &World) -> Vec<i64> {
    let requests = w.sandbox.requests();
    let texts = requests.iter().filter(|request| request.method == "POST");
    texts
        .filter_map(|request| request.body["ValidityPeriod"].as_str()?.parse().ok())
        .collect()
}

async fn a_morning_more_than_two_days_off_is_no_morning(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.sandbox.hang_up().await;
    w.passes(SignedDuration::from_hours(49));
    let text = w.until(lead, TextFollowUp, Expired).await;
    assert_eq!(text.why.as_deref(), Some("not-too_late"));
    w.sandbox.pick_up().await;
    w.quiet().await;
    assert!(w.texts().is_empty());
}

async fn never_is_never_also_when_it_is_switched_meanwhile(w: World) {
    w.set(|s| s.follow_up.send = SendAfter::Never).await;
    let lead = w.visitor(ANA, true).await.leaves().await;
    let why = WhyNot::SwitchedOff;
    assert_eq!(note(&w, lead).await, TextNote::Not { why });
    assert!(w.delivery(lead, TextFollowUp).await.is_none());
    w.set(|s| s.follow_up.send = SendAfter::Minutes5).await;
    let lead = w.visitor("+16025550143", true).await.leaves().await;
    w.set(|s| s.follow_up.send = SendAfter::Never).await;
    w.passes(SignedDuration::from_mins(6));
    does_not_go(&w, lead, Withdrawn, why).await;
    assert!(w.texts().is_empty());
    // Only the text was off.
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 2);
}

async fn who_is_never_sent_to_servicetitan_gets_the_text_all_the_same(w: World) {
    w.set(|s| s.sync.send = SendAfter::Never).await;
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    assert_eq!(w.texts().len(), 1);
    assert!(w.sandbox.servicetitan().requests().is_empty());
}

async fn who_comes_back_gets_no_text_and_leaving_again_gets_one(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves_by(Departure::Left).await.unwrap();
    w.passes(SignedDuration::from_secs(10));
    ana.comes_back().await;
    w.passes(SignedDuration::from_mins(1));
    w.quiet().await;
    assert!(w.texts().is_empty());
    assert_eq!(ana.leaves().await, lead);
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    assert_eq!(w.texts().len(), 1);
}

async fn who_books_gets_no_text(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    ana.books().await;
    w.passes(HOLD);
    w.quiet().await;
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!(text.status, Withdrawn);
    assert!(w.texts().is_empty());
}

async fn leaving_again_is_no_second_text(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    for _ in 0..3 {
        ana.comes_back().await;
        ana.leaves().await;
        w.passes(SignedDuration::from_hours(9));
        w.quiet().await;
    }
    assert_eq!(w.texts().len(), 1);
}

async fn a_link_by_hand_was_the_leads_text_and_leaving_again_leaves_it_told(w: World) {
    w.set(|s| s.follow_up.send = SendAfter::Never).await;
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    by_hand(&w, lead).await;
    w.until_holds("the link is delivered", || async {
        note(&w, lead).await == TextNote::Delivered
    })
    .await;
    w.set(|s| s.follow_up.send = SendAfter::Minutes5).await;
    ana.comes_back().await;
    assert_eq!(ana.leaves().await, lead);
    assert_eq!(note(&w, lead).await, TextNote::Delivered);
    assert!(w.delivery(lead, TextFollowUp).await.is_none());
    w.passes(SignedDuration::from_mins(6));
    w.quiet().await;
    assert_eq!(note(&w, lead).await, TextNote::Delivered);
    assert_eq!(w.texts().len(), 1);
}

async fn one_number_gets_one_text_in_a_day(w: World) {
    let first = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(first, TextFollowUp, Done).await;
    let other = w.visitor(ANA, true).await;
    other.asks_for_something_else().await;
    let second = other.leaves().await;
    assert_ne!(second, first);
    w.passes(HOLD);
    does_not_go(&w, second, Refused, WhyNot::RecentlyTexted).await;
    assert_eq!(w.texts().len(), 1);
    w.it_is("2026-11-24T18:00:00Z");
    let third = w.visitor(ANA, true).await;
    third.asks_for_something_else().await;
    let third = third.leaves().await;
    w.passes(HOLD);
    w.until(third, TextFollowUp, Done).await;
    assert_eq!(w.texts().len(), 2);
}

async fn of_two_leads_at_once_one_text_goes(w: World) {
    let other = w.visitor(ANA, true).await;
    other.asks_for_something_else().await;
    let leads = [
        w.visitor(ANA, true).await.leaves().await,
        other.leaves().await,
    ];
    assert_ne!(leads[0], leads[1]);
    w.passes(HOLD);
    w.until_holds("both are settled", || async {
        let mut settled = 0;
        for lead in leads {
            let text = w.delivery(lead, TextFollowUp).await.unwrap();
            settled += usize::from(text.status.is_settled());
        }
        settled == 2
    })
    .await;
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
}

async fn a_stop_at_the_last_moment_holds(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(SignedDuration::from_secs(10));
    w.inbound_is_connected();
    let reply = w.sandbox.carrier().reply(ANA, "STOP").await.unwrap();
    assert_eq!(reply.webhook.unwrap().status, Some(200));
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!(text.status, Withdrawn, "in the transaction of the STOP");
    let why = WhyNot::OptedOut;
    assert_eq!(note(&w, lead).await, TextNote::Not { why });
    assert!(w.has_event(lead, LeadEvent::OptedOut).await);
    assert!(w.has_event(lead, LeadEvent::TextReceived).await);
    w.passes(HOLD);
    w.quiet().await;
    assert!(w.texts().is_empty());
}

async fn a_stop_is_acknowledged_once_nothing_is_on_the_wire(w: World) {
    w.inbound_is_connected();
    let lead = w.visitor(ANA, true).await.leaves().await;
    let slow = Fault::new(FaultKind::Slow { ms: 800 }).method("POST");
    w.sandbox.carrier().set_fault(slow);
    w.passes(HOLD);
    // The carrier has it, and has not said so yet.
    w.until_holds("the text is out", || async { !w.texts().is_empty() })
        .await;
    let reply = w.sandbox.carrier().reply(ANA, "STOP").await.unwrap();
    assert_eq!(reply.webhook.unwrap().status, Some(200));
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!(text.status, Done, "it had left before the STOP was heard");
}

async fn a_stop_is_for_every_lead_of_the_number_and_start_takes_it_back(w: World) {
    w.inbound_is_connected();
    let carrier = w.sandbox.carrier();
    carrier.reply(ANA, "please stop texting me").await.unwrap();
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    does_not_go(&w, lead, Refused, WhyNot::OptedOut).await;
    carrier.reply(ANA, "START").await.unwrap();
    let ana = w.visitor(ANA, true).await;
    ana.asks_for_something_else().await;
    let lead = ana.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    assert_eq!(w.texts().len(), 1);
}

async fn what_the_carrier_knows_of_a_stop_we_know_too(w: World) {
    // The carrier hears of it, we do not: no inbound webhook is set.
    let carrier = w.sandbox.carrier();
    let first = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(first, TextFollowUp, Done).await;
    carrier.reply(ANA, "STOP").await.unwrap();
    w.it_is("2026-11-25T17:00:00Z");
    let ana = w.visitor(ANA, true).await;
    ana.asks_for_something_else().await;
    let lead = ana.leaves().await;
    w.passes(HOLD);
    let refused = w.until(lead, TextFollowUp, Refused).await;
    assert!(refused.why.unwrap().starts_with("text-opted-out"));
    let business = w.server.seeded.business;
    let line = w
        .write(move |tx| opt_out::last(tx, business, ANA))
        .await
        .unwrap();
    assert_eq!(
        (line.opted_out, line.source),
        (true, opt_out::Source::Carrier)
    );
    assert_eq!(w.texts().len(), 1);
}

async fn who_tells_staff_to_stop_gets_nothing_that_waits_and_may_think_better_of_it(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    let other = w.visitor(ANA, true).await;
    other.asks_for_something_else().await;
    let other = other.leaves().await;
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let lead = lead::get(tx, business, lead)?.expect("the lead");
        assert!(by_hand::no_texts(tx, &lead, StaffId::new(1))?);
        Ok(())
    })
    .await;
    // Of every lead of the number, in the same transaction.
    for lead in [lead, other] {
        let text = w.delivery(lead, TextFollowUp).await.unwrap();
        assert_eq!(text.status, Withdrawn);
        let why = WhyNot::OptedOut;
        assert_eq!(note(&w, lead).await, TextNote::Not { why });
    }
    assert!(w.has_event(lead, LeadEvent::OptedOut).await);
    assert_eq!(by_hand(&w, lead).await, ByHand::Never(WhyNot::OptedOut));
    w.passes(HOLD);
    w.quiet().await;
    assert!(w.texts().is_empty());

    assert_eq!(texts_again(&w, lead).await, Again::Welcome);
    assert_eq!(texts_again(&w, lead).await, Again::NotOut);
    assert!(w.has_event(lead, LeadEvent::OptedIn).await);
    assert!(matches!(by_hand(&w, lead).await, ByHand::Planned { .. }));
    w.until(lead, TextLink, Done).await;
}

async fn texts_again(w: &World, lead: LeadId) -> Again {
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let lead = lead::get(tx, business, lead)?.expect("the lead");
        by_hand::texts_again(tx, &lead, StaffId::new(1), "Do text me, she said.")
    })
    .await
}

async fn a_slip_of_a_reply_is_mended_by_staff_unless_the_carrier_took_it_for_stop(w: World) {
    w.inbound_is_connected();
    let carrier = w.sandbox.carrier();
    let ana = w.visitor(ANA, true).await.leaves().await;
    carrier.reply(ANA, "wrong number, I think").await.unwrap();
    assert_eq!(texts_again(&w, ana).await, Again::Welcome);

    let ben = "+16025550143";
    let lead = w.visitor(ben, true).await.leaves().await;
    carrier.reply(ben, "Cancel").await.unwrap();
    assert_eq!(texts_again(&w, lead).await, Again::CarrierBlocks);
    carrier.reply(ben, "START").await.unwrap();
    assert_eq!(texts_again(&w, lead).await, Again::NotOut);
    // Nor is it forgotten over what staff write down later.
    carrier.reply(ben, "Stop").await.unwrap();
    let (business, by) = (w.server.seeded.business, opt_out::Source::Staff);
    w.write(move |tx| opt_out::note(tx, business, ben, true, by, ""))
        .await;
    assert_eq!(texts_again(&w, lead).await, Again::CarrierBlocks);
}

async fn a_lead_that_staff_have_contacted_gets_no_text(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    contacted(&w, lead).await;
    w.passes(HOLD);
    does_not_go(&w, lead, Withdrawn, WhyNot::StaffHasIt).await;
    assert!(w.texts().is_empty());
}

async fn contacted(w: &World, lead: LeadId) {
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let mut lead = lead::get(tx, business, lead)?.expect("the lead");
        lead.contacted(StaffId::new(1), tx.now()).expect("may be");
        lead::save(tx, &lead)
    })
    .await;
}

async fn by_hand(w: &World, lead: LeadId) -> ByHand {
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let lead = lead::get(tx, business, lead)?.expect("the lead");
        by_hand::send_link(tx, &lead, StaffId::new(1))
    })
    .await
}

async fn staff_send_a_link_by_hand_under_the_same_rules(w: World) {
    w.set(|s| s.follow_up.send = SendAfter::Never).await;
    let lead = w.visitor(ANA, true).await.leaves().await;
    contacted(&w, lead).await;
    assert!(matches!(
        by_hand(&w, lead).await,
        ByHand::Planned { night: false, .. } | ByHand::AlreadyWaiting
    ));
    w.until(lead, TextLink, Done).await;
    assert_eq!(w.texts().len(), 1);
    // One for a lead, by hand too, and after a day too; and one for a number in a day.
    let had_one = ByHand::Never(WhyNot::AlreadyTexted);
    assert_eq!(by_hand(&w, lead).await, had_one);
    let again = w.visitor(ANA, true).await;
    again.asks_for_something_else().await;
    let again = again.leaves().await;
    let recently = ByHand::Never(WhyNot::RecentlyTexted);
    assert_eq!(by_hand(&w, again).await, recently);
    w.passes(SignedDuration::from_hours(25));
    assert_eq!(by_hand(&w, lead).await, had_one);
    // Nobody without the box.
    let unticked = w.visitor("+16025550143", false).await.leaves().await;
    let no_consent = ByHand::Never(WhyNot::NoConsent);
    assert_eq!(by_hand(&w, unticked).await, no_consent);
    // Not at night.
    w.it_is("2026-11-26T04:30:00Z");
    let late = w.visitor("+16025550144", true).await.leaves().await;
    let planned = by_hand(&w, late).await;
    assert!(matches!(planned, ByHand::Planned { night: true, .. }));
    assert_eq!(by_hand(&w, late).await, ByHand::AlreadyWaiting);
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
}

async fn a_night_of_theirs_alone_is_told_from_the_first_moment(w: World) {
    w.it_is("2026-11-23T22:47:00Z"); // 15:47 in Phoenix, 22:47 in Reykjavik
    let ana = w.visitor(ANA, true).await;
    ana.is_in("Atlantic/Reykjavik").await;
    let lead = ana.leaves().await;
    let first = note(&w, lead).await;
    let TextNote::Planned {
        at,
        night: true,
        there: Some(there),
    } = first.clone()
    else {
        panic!("{first:?}")
    };
    let morning = "2026-11-24T15:00:00Z"; // 8:00 in Phoenix, 15:00 in Reykjavik
    assert_eq!(at, morning.parse().unwrap());
    assert_eq!(there.zone, "Atlantic/Reykjavik");
    w.passes(HOLD);
    w.until_holds("the rules have been asked", || async {
        let text = w.delivery(lead, TextFollowUp).await.unwrap();
        (text.status, text.due_at) == (Due, Some(at))
    })
    .await;
    let asked = note(&w, lead).await;
    assert!(
        matches!(&asked, TextNote::Planned { at: then, there: Some(_), .. } if *then == at),
        "{asked:?}"
    );
    // By hand it is the same night, and the timeline says who asked.
    let planned = by_hand(&w, lead).await;
    let waits = ByHand::Planned {
        at,
        night: true,
        there: true,
    };
    assert_eq!(planned, waits);
    assert!(w.has_event(lead, LeadEvent::LinkAsked).await);
    assert!(w.texts().is_empty());
}

async fn a_toll_free_number_gets_no_text(w: World) {
    let lead = w.visitor("+18005550142", true).await.leaves().await;
    w.passes(HOLD);
    does_not_go(&w, lead, Refused, WhyNot::NotTextable).await;
    assert!(w.sandbox.carrier().requests().is_empty());
}

async fn without_a_sender_no_text_is_planned(w: World) {
    let business = w.server.seeded.business;
    w.write(move |tx| integration::disconnect(tx, business, TEXTS))
        .await;
    let lead = w.visitor(ANA, true).await.leaves().await;
    let why = WhyNot::NoSender;
    assert_eq!(note(&w, lead).await, TextNote::Not { why });
    w.connect_texts().await;
    // Taken away between planning and sending.
    let lead = w.visitor("+16025550143", true).await.leaves().await;
    w.write(move |tx| integration::disconnect(tx, business, TEXTS))
        .await;
    w.passes(HOLD);
    does_not_go(&w, lead, Refused, why).await;
    assert!(w.texts().is_empty());
}

async fn with_wrong_credentials_texts_wait_until_they_are_mended(w: World) {
    let fault = Fault::new(FaultKind::ExpiredToken);
    w.sandbox.carrier().set_fault(fault);
    let business = w.server.seeded.business;
    let refused = || async {
        let read =
            move |tx: &mut Tx<'_>| integration::get::<serde_json::Value>(tx, business, TEXTS);
        let checked = w.read(read).await.unwrap().checked;
        checked.is_some_and(|(_, check)| check.refused)
    };
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until_holds("the credentials were refused", refused).await;
    let waits = w.until(lead, TextFollowUp, Due).await;
    assert_eq!(waits.why.as_deref(), Some("text-credentials"));
    // Others are tried, too: one of them will tell that it works again.
    w.sandbox.carrier().clear_faults();
    let next = w.visitor("+16025550143", true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    w.until(next, TextFollowUp, Done).await;
    assert!(!refused().await);
    assert_eq!(w.texts().len(), 2);
}

async fn credentials_that_stay_wrong_are_a_text_too_late(w: World) {
    let fault = Fault::new(FaultKind::ExpiredToken);
    w.sandbox.carrier().set_fault(fault);
    let lead = w.visitor(ANA, true).await.leaves().await;
    for _ in 0..50 {
        w.passes(SignedDuration::from_hours(1));
        w.quiet().await;
    }
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!(text.status, Expired);
    assert!(matches!(
        note(&w, lead).await,
        TextNote::Not { .. } | TextNote::Failed { .. }
    ));
    assert!(w.texts().is_empty());
}

async fn no_connection_means_later_and_once(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.until(
        lead,
        ringback_domain::delivery::DeliveryKind::CrmAbandoned,
        Done,
    )
    .await;
    w.sandbox.hang_up().await;
    w.passes(HOLD);
    w.until_holds("it was tried twice", || async {
        w.passes(SignedDuration::from_secs(1));
        w.delivery(lead, TextFollowUp).await.unwrap().attempt > 1
    })
    .await;
    w.sandbox.pick_up().await;
    w.until_holds("it goes", || async {
        w.passes(SignedDuration::from_secs(1));
        w.delivery(lead, TextFollowUp).await.unwrap().status == Done
    })
    .await;
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
}

/// The carrier asks for patience: the text is due again after its first try.
async fn tried_in_vain(w: &World, lead: LeadId) {
    let patience = FaultKind::RateLimited { retry_after: 600 };
    w.sandbox.carrier().set_fault(Fault::new(patience).times(1));
    w.passes(HOLD);
    w.until_holds("it was tried", || async {
        let text = w.delivery(lead, TextFollowUp).await.unwrap();
        text.status == Due && text.attempt == 1
    })
    .await;
}

async fn a_text_that_never_went_takes_nobodys_turn(w: World) {
    let ana = w.visitor(ANA, true).await;
    let lead = ana.leaves().await;
    tried_in_vain(&w, lead).await;
    ana.comes_back().await;
    w.passes(SignedDuration::from_mins(5));
    ana.leaves().await;
    w.passes(SignedDuration::from_mins(10));
    w.until(lead, TextFollowUp, Done).await;
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
}

async fn a_report_about_a_text_that_seemed_not_to_have_left_stops_it(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    tried_in_vain(&w, lead).await;
    let our_id = w
        .delivery(lead, TextFollowUp)
        .await
        .unwrap()
        .our_id
        .unwrap();
    let (account, token) = (&w.credentials().account_sid, &w.credentials().auth_token);
    let report = [
        ("AccountSid", account.as_str()),
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("MessageStatus", "sent"),
    ];
    let path = format!("/hooks/texts/status?m={our_id}");
    assert_eq!(w.posts(&path, &report, Some(token)).await, 204);
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!((text.status, text.attempt), (Done, 1));
    assert_eq!(note(&w, lead).await, TextNote::Sent);
    w.passes(SignedDuration::from_hours(1));
    w.quiet().await;
    assert!(w.texts().is_empty());
}

async fn an_undelivered_text_says_what_the_carrier_said(w: World) {
    w.sandbox
        .carrier()
        .set_delivery(ringback_sandbox::Delivery {
            ending: Ending::Undelivered(30006),
            ..Default::default()
        });
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    w.until_holds("the failure is told", || async {
        matches!(note(&w, lead).await, TextNote::Failed { .. })
    })
    .await;
    let TextNote::Failed { said } = note(&w, lead).await else {
        unreachable!("just seen")
    };
    assert!(said.starts_with("text-bad-number"), "{said}");
    assert!(w.has_event(lead, LeadEvent::TextNot).await);
}
