//! How one request becomes one record in the CRM and stays one: made once, found again after a doubt,
//! brought up to date, replaced when staff have acted, set aside when they booked. Here: the order of
//! questions and calls. What the CRM is and how it is called is behind [`Crm`]; when a delivery is tried
//! again is the outbox's.

use ringback_domain::delivery::DeliveryKind;

use super::{Crm, Hands, Record, RecordKind, Standing, Trouble};

/// One delivery, ready to be carried out.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which of the three.
    pub kind: DeliveryKind,
    /// What should stand there. Its `external_id` is the next free one of this request.
    pub record: Record,
    /// The same as the other kind of record: what it may have become before the setting was changed.
    pub otherwise: Option<Record>,
    /// What stands there as far as we know, oldest first.
    pub ours: Vec<Ours>,
    /// An earlier attempt may have taken effect: look before making anything.
    pub doubtful: bool,
}

/// A record of ours, as our own rows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Booking or Lead.
    pub kind: RecordKind,
    /// The id we gave it.
    pub external_id: String,
    /// The CRM's id.
    pub outside_id: String,
    /// How far it got.
    pub stage: Stage,
}

ringback_domain::coded! {
    /// What a record of ours says.
    Stage {
        /// Left without booking.
        Abandoned = "abandoned",
        /// Booked.
        Booked = "booked",
        /// Set aside by us, because they booked.
        Dismissed = "dismissed",
    }
}

/// A delivery carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The record it ended with.
    pub record: Ours,
    /// Staff had acted in the CRM already: what was done instead.
    pub acted_on: Option<Instead>,
}

/// What is done when staff have acted on our record before us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// A new record was made.
    MadeAnew,
    /// Nothing: they have it in hand.
    LeftAlone,
}

/// Carries out a delivery.
pub async fn carry_out(crm: &impl Crm, job: &Job) -> Result<Carried, Trouble> {
    match job.kind {
        DeliveryKind::CrmAbandoned => abandoned(crm, job).await,
        DeliveryKind::CrmBooked => booked(crm, job).await,
        DeliveryKind::CrmDismissLead => dismissed(crm, job).await,
        DeliveryKind::TextFollowUp | DeliveryKind::TextLink => Err(Trouble::Refused {
            said: "a text is no record".into(),
        }),
    }
}

/// What a look after an unknown outcome found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It took effect.
    There(Carried),
    /// Asking once more can do no harm: it changes a record that stands, or none.
    AskAgain,
    /// Not there, or not there yet.
    NotThere,
}

/// Looks whether an unknown outcome took effect.
pub async fn look(crm: &impl Crm, job: &Job) -> Result<Look, Trouble> {
    if job.kind == DeliveryKind::CrmDismissLead {
        return Ok(Look::AskAgain);
    }
    if let Some((record, standing)) = find(crm, job).await? {
        let made_instead = !job.ours.is_empty();
        return Ok(Look::There(Carried {
            record: made(job, record, standing.outside_id),
            acted_on: made_instead.then_some(Instead::MadeAnew),
        }));
    }
    let Some(ours) = job.to_update() else {
        return Ok(Look::NotThere);
    };
    match crm.look_at(ours.kind, &ours.outside_id).await? {
        Some(standing) if standing.hands == Hands::Untouched => Ok(Look::AskAgain),
        _ => Ok(Look::NotThere),
    }
}

impl Job {
    /// The record that this delivery brings up to date, when there is one.
    fn to_update(&self) -> Option<&Ours> {
        let stands = |ours: &&Ours| ours.stage == Stage::Abandoned;
        match self.kind {
            DeliveryKind::CrmAbandoned => self.ours.iter().rev().find(stands),
            // A Lead in ST cannot become a Booking: it is dismissed once the Booking stands.
            DeliveryKind::CrmBooked => self.ours.iter().rev().find(|ours| {
                ours.kind == RecordKind::Booking
                    && (ours.stage == Stage::Abandoned
                        || ours.external_id == self.record.external_id)
            }),
            _ => None,
        }
    }

    const fn stage(&self) -> Stage {
        match self.kind {
            DeliveryKind::CrmBooked => Stage::Booked,
            _ => Stage::Abandoned,
        }
    }
}

async fn abandoned(crm: &impl Crm, job: &Job) -> Result<Carried, Trouble> {
    let Some(ours) = job.to_update() else {
        return make(crm, job, None).await;
    };
    let hands = crm
        .look_at(ours.kind, &ours.outside_id)
        .await?
        .map(|standing| standing.hands);
    match hands {
        Some(Hands::Untouched) => match update(crm, job, ours).await {
            Err(Trouble::Conflict { .. }) => Ok(left_alone(ours)),
            done => done,
        },
        // Somebody is on it; what they left with now stands in our inbox.
        Some(Hands::Taken) => Ok(left_alone(ours)),
        // Set aside, and now they have asked again.
        Some(Hands::Dismissed) | None => make(crm, job, Some(Instead::MadeAnew)).await,
    }
}

async fn booked(crm: &impl Crm, job: &Job) -> Result<Carried, Trouble> {
    let Some(ours) = job.to_update() else {
        return make(crm, job, None).await;
    };
    let hands = crm
        .look_at(ours.kind, &ours.outside_id)
        .await?
        .map(|standing| standing.hands);
    if hands == Some(Hands::Untouched) {
        match update(crm, job, ours).await {
            Err(Trouble::Conflict { .. }) => {}
            done => return done,
        }
    }
    make(crm, job, Some(Instead::MadeAnew)).await
}

/// Every record that still says they left is set aside; one that staff have touched stays as they left it.
async fn dismissed(crm: &impl Crm, job: &Job) -> Result<Carried, Trouble> {
    let (mut last, mut stands_still) = (None, false);
    for ours in job.ours.iter().filter(|o| o.stage == Stage::Abandoned) {
        if is_untouched(crm, ours).await? {
            match crm.dismiss(ours.kind, &ours.outside_id, &job.record).await {
                // The answer says nothing: what stands there does.
                Ok(()) => stands_still |= is_untouched(crm, ours).await?,
                Err(Trouble::Conflict { .. }) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        last = Some(Ours {
            stage: Stage::Dismissed,
            ..ours.clone()
        });
    }
    if stands_still {
        return Err(Trouble::Unknown {
            answered: true,
            said: "it was to be set aside, and stands as before".into(),
        });
    }
    last.map(|record| Carried {
        record,
        acted_on: None,
    })
    .ok_or(Trouble::Refused {
        said: "there is nothing left to dismiss".into(),
    })
}

async fn is_untouched(crm: &impl Crm, ours: &Ours) -> Result<bool, Trouble> {
    let standing = crm.look_at(ours.kind, &ours.outside_id).await?;
    Ok(standing.is_some_and(|standing| standing.hands == Hands::Untouched))
}

async fn update(crm: &impl Crm, job: &Job, ours: &Ours) -> Result<Carried, Trouble> {
    let record = Record {
        kind: ours.kind,
        external_id: ours.external_id.clone(),
        // It was written for the record that would have been made.
        summary: job
            .record
            .summary
            .replace(as_told(&job.record.external_id), as_told(&ours.external_id)),
        ..job.record.clone()
    };
    crm.update(&ours.outside_id, &record).await?;
    Ok(Carried {
        record: Ours {
            stage: job.stage(),
            ..ours.clone()
        },
        acted_on: None,
    })
}

async fn make(crm: &impl Crm, job: &Job, acted_on: Option<Instead>) -> Result<Carried, Trouble> {
    let carried = |record, outside_id| Carried {
        record: made(job, record, outside_id),
        acted_on,
    };
    if job.doubtful
        && let Some((record, standing)) = find(crm, job).await?
    {
        // It may say what an earlier delivery had to say.
        if standing.hands == Hands::Untouched {
            crm.update(&standing.outside_id, record).await?;
        }
        return Ok(carried(record, standing.outside_id));
    }
    match crm.create(&job.record).await {
        Ok(outside_id) => Ok(carried(&job.record, outside_id)),
        // It has answered, so it has finished: whether the record stands can be seen at once.
        Err(Trouble::Unknown {
            answered: true,
            said,
        }) => match crm.find(&job.record).await {
            Ok(Some(standing)) => Ok(carried(&job.record, standing.outside_id)),
            Ok(None) => Err(Trouble::TryLater { after: None, said }),
            Err(_) => Err(Trouble::Unknown {
                answered: true,
                said,
            }),
        },
        // Nothing of ours stands there yet that staff could have changed.
        Err(Trouble::Conflict { said }) => Err(Trouble::Refused { said }),
        Err(trouble) => Err(trouble),
    }
}

/// What an earlier attempt may have made, as either kind of record.
async fn find<'j>(crm: &impl Crm, job: &'j Job) -> Result<Option<(&'j Record, Standing)>, Trouble> {
    for record in std::iter::once(&job.record).chain(&job.otherwise) {
        match crm.find(record).await {
            Ok(Some(standing)) => return Ok(Some((record, standing))),
            Ok(None) => {}
            // Where nothing could be made, nothing was.
            Err(Trouble::Unset(_)) if record.kind != job.record.kind => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(None)
}

fn made(job: &Job, record: &Record, outside_id: String) -> Ours {
    Ours {
        kind: record.kind,
        external_id: record.external_id.clone(),
        outside_id,
        stage: job.stage(),
    }
}

/// The reference that people and summaries use, of an external id.
pub fn as_told(external_id: &str) -> &str {
    external_id.trim_start_matches("ringback-")
}

fn left_alone(ours: &Ours) -> Carried {
    Carried {
        record: ours.clone(),
        acted_on: Some(Instead::LeftAlone),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ringback_domain::scheduler::Audience;

    use super::*;
    use crate::crm::{Choices, Filing, Place};

    /// A CRM of two words: what stands there, and what it was asked.
    #[derive(Default)]
    struct Pretend {
        stands: Option<Standing>,
        answers_creation_with: Option<Trouble>,
        asked: Mutex<Vec<&'static str>>,
    }

    impl Pretend {
        fn with(hands: Hands) -> Self {
            let outside_id = "1".to_owned();
            Self {
                stands: Some(Standing { outside_id, hands }),
                ..Self::default()
            }
        }

        fn asked(&self, what: &'static str) {
            self.asked.lock().unwrap().push(what);
        }

        fn was_asked(&self) -> Vec<&'static str> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Crm for Pretend {
        async fn find(&self, _: &Record) -> Result<Option<Standing>, Trouble> {
            self.asked("find");
            Ok(self.stands.clone())
        }

        async fn look_at(&self, _: RecordKind, _: &str) -> Result<Option<Standing>, Trouble> {
            let set_aside = self.was_asked().contains(&"dismiss");
            self.asked("look at");
            Ok(self.stands.clone().map(|standing| Standing {
                hands: if set_aside {
                    Hands::Dismissed
                } else {
                    standing.hands
                },
                ..standing
            }))
        }

        async fn create(&self, _: &Record) -> Result<String, Trouble> {
            self.asked("create");
            self.answers_creation_with
                .clone()
                .map_or(Ok("2".into()), Err)
        }

        async fn update(&self, _: &str, _: &Record) -> Result<(), Trouble> {
            self.asked("update");
            Ok(())
        }

        async fn dismiss(&self, _: RecordKind, _: &str, _: &Record) -> Result<(), Trouble> {
            self.asked("dismiss");
            Ok(())
        }

        async fn choices(&self) -> Result<Choices, Trouble> {
            Ok(Choices::default())
        }
    }

    fn job(kind: DeliveryKind, doubtful: bool, ours: Vec<Ours>) -> Job {
        let record = Record {
            kind: RecordKind::Booking,
            external_id: "ringback-R-7F3K".into(),
            reference: "R-7F3K".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
            not_before: jiff::Timestamp::UNIX_EPOCH,
            name: "Ana Morales".into(),
            phone: None,
            email: None,
            summary: String::new(),
            audience: Audience::Residential,
            place: Place::default(),
            start: None,
            urgent: false,
            first_time: true,
            filing: Filing::default(),
        };
        Job {
            kind,
            record,
            otherwise: None,
            ours,
            doubtful,
        }
    }

    fn stood() -> Vec<Ours> {
        vec![Ours {
            kind: RecordKind::Booking,
            external_id: "ringback-R-7F3K".into(),
            outside_id: "1".into(),
            stage: Stage::Abandoned,
        }]
    }

    #[tokio::test]
    async fn the_first_asking_does_not_look() {
        let crm = Pretend::default();
        let carried = carry_out(&crm, &job(DeliveryKind::CrmAbandoned, false, vec![])).await;
        assert_eq!(carried.unwrap().record.outside_id, "2");
        assert_eq!(crm.was_asked(), ["create"]);
    }

    #[tokio::test]
    async fn a_doubtful_one_looks_first_and_makes_nothing_that_stands() {
        let crm = Pretend::with(Hands::Untouched);
        let carried = carry_out(&crm, &job(DeliveryKind::CrmBooked, true, vec![])).await;
        assert_eq!(carried.unwrap().record.outside_id, "1");
        assert_eq!(crm.was_asked(), ["find", "update"]);
        let crm = Pretend::default();
        let carried = carry_out(&crm, &job(DeliveryKind::CrmBooked, true, vec![])).await;
        assert_eq!(carried.unwrap().record.stage, Stage::Booked);
        assert_eq!(crm.was_asked(), ["find", "create"]);
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_not_made() {
        struct Blind;
        impl Crm for Blind {
            async fn find(&self, _: &Record) -> Result<Option<Standing>, Trouble> {
                Err(Trouble::TryLater {
                    after: None,
                    said: "blind".into(),
                })
            }
            async fn look_at(&self, _: RecordKind, _: &str) -> Result<Option<Standing>, Trouble> {
                unreachable!("nothing of ours is known")
            }
            async fn create(&self, _: &Record) -> Result<String, Trouble> {
                unreachable!("it might stand there")
            }
            async fn update(&self, _: &str, _: &Record) -> Result<(), Trouble> {
                unreachable!("nothing was found")
            }
            async fn dismiss(&self, _: RecordKind, _: &str, _: &Record) -> Result<(), Trouble> {
                unreachable!("nothing was found")
            }
            async fn choices(&self) -> Result<Choices, Trouble> {
                unreachable!("nobody asks")
            }
        }
        let carried = carry_out(&Blind, &job(DeliveryKind::CrmAbandoned, true, vec![])).await;
        assert!(matches!(carried, Err(Trouble::TryLater { .. })));
    }

    #[tokio::test]
    async fn an_error_that_answered_is_seen_through_or_tried_again() {
        let failed = Trouble::Unknown {
            answered: true,
            said: "status 500".into(),
        };
        for (stands, asked_again) in [(true, false), (false, true)] {
            let mut crm = Pretend::default();
            if stands {
                crm = Pretend::with(Hands::Untouched);
            }
            crm.answers_creation_with = Some(failed.clone());
            let carried = carry_out(&crm, &job(DeliveryKind::CrmAbandoned, false, vec![])).await;
            let tried_again = matches!(carried, Err(Trouble::TryLater { .. }));
            assert_eq!(tried_again, asked_again);
            assert_eq!(crm.was_asked(), ["create", "find"]);
        }
    }

    #[tokio::test]
    async fn staffs_hands_decide_what_becomes_of_a_record() {
        use DeliveryKind::{CrmAbandoned, CrmBooked, CrmDismissLead};
        for (kind, hands, asked) in [
            (CrmAbandoned, Hands::Untouched, vec!["look at", "update"]),
            (CrmAbandoned, Hands::Taken, vec!["look at"]),
            (CrmAbandoned, Hands::Dismissed, vec!["look at", "create"]),
            (CrmBooked, Hands::Untouched, vec!["look at", "update"]),
            (CrmBooked, Hands::Taken, vec!["look at", "create"]),
            (CrmBooked, Hands::Dismissed, vec!["look at", "create"]),
            (
                CrmDismissLead,
                Hands::Untouched,
                vec!["look at", "dismiss", "look at"],
            ),
            (CrmDismissLead, Hands::Taken, vec!["look at"]),
            (CrmDismissLead, Hands::Dismissed, vec!["look at"]),
        ] {
            let crm = Pretend::with(hands);
            carry_out(&crm, &job(kind, false, stood())).await.unwrap();
            assert_eq!(crm.was_asked(), asked, "{kind} {hands:?}");
        }
    }

    #[tokio::test]
    async fn a_look_finds_it_or_says_whether_asking_again_is_harmless() {
        let new = job(DeliveryKind::CrmAbandoned, true, vec![]);
        let looked = look(&Pretend::with(Hands::Untouched), &new).await.unwrap();
        assert!(matches!(looked, Look::There(_)));
        assert_eq!(look(&Pretend::default(), &new).await, Ok(Look::NotThere));
    }
}
