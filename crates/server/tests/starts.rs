//! Every ready-made start in every region: set up, visited without JavaScript, left, come back to, booked.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

use std::collections::BTreeMap;

use jiff::civil::time;
use ringback_domain::business::{BusinessDetails, OpeningHours};
use ringback_domain::departure::Departure;
use ringback_domain::id::BusinessId;
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::region::Region;
use ringback_domain::region::address::AddressPart;
use ringback_domain::scheduler::{QuestionKind, SchedulerSettings};
use ringback_domain::session::Step;
use ringback_domain::starts::Start;
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::store::business::NewBusiness;
use ringback_server::store::lead::LeadFilter;
use ringback_server::store::{Order, business, lead, scheduler};
use ringback_server::testing::TestServer;
use ringback_server::words::Words;

on_both_engines!(server: every_start_in_every_region_is_left_and_booked);

async fn every_start_in_every_region_is_left_and_booked(world: TestServer) {
    for region in Region::ALL {
        for start in Start::ALL {
            let place = Place::set_up(&world, *region, *start).await;
            let mut visitor = Visitor::new(&world, &place);
            visitor.fills(Step::Service).await;
            visitor.fills(Step::Contact).await;
            visitor.presses_close().await;
            let left = place.leads(&world).await;
            assert_eq!(left.len(), 1, "{start} in {}", region.as_str());
            assert_eq!(left[0].departure, Departure::Closed);
            assert_eq!(left[0].last_step, Step::Time);
            assert_eq!(left[0].phone.as_deref(), Some(place.visitor().1));

            visitor.opens_the_page_again().await;
            visitor.fills(Step::Time).await;
            assert!(place.leads(&world).await[0].back_since.is_some());
            visitor.fills(Step::Place).await;
            visitor.presses_book_now().await;
            let booked = place.leads(&world).await;
            assert_eq!(booked.len(), 1);
            assert_eq!(
                booked[0].state.status(),
                LeadStatus::Recovered,
                "{start} in {}",
                region.as_str()
            );
            assert!(booked[0].appointment.is_some());
        }
    }
}

/// A business somewhere, with one scheduler from a start.
struct Place {
    region: Region,
    business: BusinessId,
    public_id: String,
    settings: SchedulerSettings,
}

impl Place {
    async fn set_up(world: &TestServer, region: Region, start: Start) -> Self {
        let locale = region.default_locale();
        let settings = Words::of(locale).begin(start, region);
        let public_id = random::token()[..12].to_owned();
        let new = NewBusiness {
            name: "Copperline Home Services".into(),
            region,
            time_zone: region.time_zones()[0].into(),
            locale: locale.into(),
            phone: None,
            details: BusinessDetails {
                hours: OpeningHours::weekdays(time(7, 0, 0, 0), time(19, 0, 0, 0)),
                ..BusinessDetails::default()
            },
        };
        let (kept, id) = (settings.clone(), public_id.clone());
        let business = world.app().store.write(Order::Any, move |tx| {
            let business = business::create(tx, &new)?;
            scheduler::create(tx, business, &id, "First", &kept)?;
            Ok(business)
        });
        Self {
            region,
            business: business.await.unwrap(),
            public_id,
            settings,
        }
    }

    /// A phone as people there type it, and as it is kept.
    fn visitor(&self) -> (&'static str, &'static str) {
        match self.region {
            Region::UnitedStates => ("(602) 555-0142", "+16025550142"),
            Region::Canada => ("604-555-0142", "+16045550142"),
            Region::UnitedKingdom => ("07400 123456", "+447400123456"),
            Region::Ireland => ("085 012 3456", "+353850123456"),
            Region::Australia => ("0412 345 678", "+61412345678"),
            Region::NewZealand => ("021 123 4567", "+64211234567"),
            Region::Other => ("+33 6 12 34 56 78", "+33612345678"),
        }
    }

    async fn leads(&self, world: &TestServer) -> Vec<Lead> {
        let business = self.business;
        let all = LeadFilter {
            limit: 10,
            ..LeadFilter::default()
        };
        world
            .app()
            .store
            .read(move |tx| lead::list(tx, business, &all))
            .await
            .unwrap()
    }
}

/// Somebody with a browser that runs no scripts.
struct Visitor<'a> {
    world: &'a TestServer,
    place: &'a Place,
    cookie: String,
    page: String,
}

impl<'a> Visitor<'a> {
    fn new(world: &'a TestServer, place: &'a Place) -> Self {
        Self {
            world,
            place,
            cookie: String::new(),
            page: String::new(),
        }
    }

    async fn fills(&mut self, step: Step) {
        let mut fields = self.answers(step);
        for question in self
            .place
            .settings
            .questions
            .iter()
            .filter(|q| q.step == step)
        {
            let answer = match &question.kind {
                QuestionKind::Text => "Something to know".to_owned(),
                QuestionKind::Choice(choices) => choices[0].clone(),
                QuestionKind::YesNo => "yes".to_owned(),
            };
            fields.insert(format!("q_{}", question.key), answer);
        }
        fields.insert("step".into(), step.to_string());
        fields.insert("go".into(), "continue".into());
        self.posts("", fields).await;
    }

    fn answers(&self, step: Step) -> BTreeMap<String, String> {
        let region = self.place.region;
        let pairs: Vec<(&str, String)> = match step {
            Step::Service => vec![
                ("zip", region.postal().example.into()),
                ("service", self.place.settings.services[0].key.clone()),
            ],
            Step::Contact => vec![
                ("name", "Ana Morales".into()),
                ("phone", self.place.visitor().0.into()),
            ],
            Step::Time => vec![("window", self.first_window())],
            Step::Place => {
                let state = region.address_field(AddressPart::State);
                let state = state.and_then(|field| field.choices.first().map(|choice| choice.code));
                vec![
                    ("street", "12 Saguaro Road".into()),
                    ("city", "Copper Springs".into()),
                    ("state", state.unwrap_or("Somewhere").into()),
                ]
            }
            Step::Review | Step::Booked => Vec::new(),
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn first_window(&self) -> String {
        let (_, after) = self
            .page
            .split_once("name=\"window\" value=\"")
            .expect("a window is offered");
        after.split('"').next().unwrap().to_owned()
    }

    async fn opens_the_page_again(&mut self) {
        let url = format!("{}/s/{}", self.world.url, self.place.public_id);
        let answer = self
            .world
            .app()
            .calls
            .get(url)
            .header("cookie", &self.cookie)
            .send()
            .await
            .unwrap();
        self.page = answer.text().await.unwrap();
    }

    async fn presses_close(&mut self) {
        self.posts("/close", BTreeMap::new()).await;
    }

    async fn presses_book_now(&mut self) {
        self.posts("/book", BTreeMap::from([("step".into(), "review".into())]))
            .await;
    }

    /// Posts a plain form and follows where the answer leads, as a browser does.
    async fn posts(&mut self, deed: &str, fields: BTreeMap<String, String>) {
        let url = format!("{}/s/{}{deed}", self.world.url, self.place.public_id);
        let client = &self.world.app().calls;
        let post = client
            .post(&url)
            .header("origin", &self.world.url)
            .header("cookie", &self.cookie)
            .form(&fields);
        let answer = post.send().await.unwrap();
        let status = answer.status();
        if let Some(set) = answer.headers().get("set-cookie") {
            self.cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        let next = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        self.page = answer.text().await.unwrap();
        // The first answer is the page itself: nobody knows yet whether the browser keeps the cookie.
        assert!(
            status.is_redirection() || status == 200,
            "{deed} {fields:?} answered {status}: {}",
            self.page
        );
        if let Some(next) = next {
            let next = self.world.app().config.public_url.join(&next).unwrap();
            let answer = client
                .get(next)
                .header("cookie", &self.cookie)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            self.page = answer.text().await.unwrap();
        }
    }
}
