//! `cargo xtask e2e stories`: what people do with the product, each told once from beginning to end.

mod access;
mod booking;
mod newcomer;
mod returning;
mod settings;
mod silence;
mod work;

use std::future::Future;
use std::time::Instant;

use super::scene::Scene;
use crate::Tried;
use crate::tally::{Tally, spoken};

/// Tells every story (or those with `only` in their name).
pub async fn stories(scene: &Scene<'_>, only: Option<&str>) -> Tried<Tally> {
    let mut teller = Teller {
        scene,
        only,
        tally: Tally::default(),
    };
    teller
        .tell(
            "a visitor books on our own page",
            booking::on_our_own_page(scene),
        )
        .await;
    teller
        .tell(
            "a visitor books in a frame on another site",
            booking::in_a_frame(scene),
        )
        .await;
    teller
        .tell(
            "a visitor books without scripts",
            booking::without_scripts(scene),
        )
        .await;
    teller
        .tell(
            "a visitor books with the keyboard alone",
            booking::with_the_keyboard(scene),
        )
        .await;
    teller
        .tell(
            "a reloaded host page opens the scheduler where it was",
            returning::after_a_reload(scene),
        )
        .await;
    teller
        .tell(
            "a scheduler that does not answer has a number to call",
            silence::has_a_number_to_call(scene),
        )
        .await;
    teller
        .tell(
            "back within 15 s: one lead that says so, no text",
            returning::soon(scene),
        )
        .await;
    teller
        .tell(
            "a page that no server answered for 20 s is back within 8 s",
            returning::after_an_outage(scene),
        )
        .await;
    teller
        .tell(
            "without the ticked box no text, and the lead says why",
            returning::not_asked_for(scene),
        )
        .await;
    teller
        .tell(
            "the text's link brings them back in another browser",
            returning::by_the_link(scene),
        )
        .await;
    teller
        .tell(
            "staff keep a note, dismiss with a reason, cancel an appointment",
            work::at_a_lead(scene),
        )
        .await;
    teller
        .tell(
            "a newcomer comes from an empty folder to the first lead",
            newcomer::to_the_first_lead(scene),
        )
        .await;
    teller
        .tell(
            "a wrong field in the settings is found",
            settings::wrong_fields_are_found(scene),
        )
        .await;
    teller
        .tell(
            "nothing keeps anybody from using the scheduler",
            access::of_the_scheduler(scene),
        )
        .await;
    teller
        .tell(
            "nothing keeps anybody from using the office",
            access::of_the_office(scene),
        )
        .await;
    Ok(teller.tally)
}

struct Teller<'s, 'r> {
    scene: &'s Scene<'r>,
    only: Option<&'s str>,
    tally: Tally,
}

impl Teller<'_, '_> {
    async fn tell(&mut self, name: &str, story: impl Future<Output = Tried<()>>) {
        if self.only.is_some_and(|only| !name.contains(only)) {
            return;
        }
        let start = Instant::now();
        let told = story.await;
        let took = spoken(start.elapsed());
        match &told {
            Ok(()) => println!("   ok     {name}, {took}"),
            Err(error) => {
                let picture = self.scene.picture_of_last(&name.replace(' ', "-")).await;
                println!("   FAILED {name}, {took}\n          {error}\n          {picture}");
            }
        }
        self.tally.add(Tally::one(told.is_ok()));
    }
}
