//! Who came, who went, how and when; held against the leads, and against what ServiceTitan was given.

use std::collections::HashMap;
use std::time::Duration;

use super::cluster::Cluster;
use crate::Tried;
use crate::faults::ledger::under_way;
use crate::tally::Tally;
use crate::time::Deadline;

/// How a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They press close.
    Closes,
    /// The page says goodbye.
    Leaves,
    /// The page's process dies.
    Vanishes,
}

const WAYS: [Way; 3] = [Way::Closes, Way::Leaves, Way::Vanishes];

/// A departure that met a server's death is a lead within 20 s: 10 s of silence until the server is taken for dead, 1 s
/// until somebody looks, 8 s in which its pages may come back, 1 s until the sweep comes round. And 2 s more for a
/// machine that runs all three servers, their database and all their visitors.
const LATEST: Duration = Duration::from_secs(10 + 1 + 8 + 1 + 2);
/// Everything is a lead, and ServiceTitan has it, within this after the last departure. What a dead server had on
/// the wire takes the longest: its lease has to end, and ServiceTitan is given two minutes to show it.
const SETTLES: Duration = Duration::from_secs(300);

#[derive(Clone)]
struct Visitor {
    name: String,
    attached: bool,
    gone: Option<(Way, f64)>,
}

/// All of them.
#[derive(Clone, Default)]
pub struct Ledger {
    visitors: Vec<Visitor>,
}

/// A lead as its row has it.
struct Lead {
    name: String,
    lead_at_ms: f64,
    times_left: String,
    back: bool,
}

impl Ledger {
    /// Through the contact step; the number is for the other calls.
    pub fn arrived(&mut self, name: &str) -> usize {
        self.visitors.push(Visitor {
            name: name.to_owned(),
            attached: false,
            gone: None,
        });
        self.visitors.len() - 1
    }

    /// Their page has a line.
    pub fn attached(&mut self, visitor: usize) {
        self.visitors[visitor].attached = true;
    }

    /// They go, at this moment of the machine's clock.
    pub fn departs(&mut self, visitor: usize, way: Way, at_ms: f64) {
        self.visitors[visitor].gone = Some((way, at_ms));
    }

    /// How many are there with an open page.
    pub fn present(&self) -> usize {
        self.visitors
            .iter()
            .filter(|visitor| visitor.attached && visitor.gone.is_none())
            .count()
    }

    fn departed(&self) -> impl Iterator<Item = (&Visitor, Way, f64)> {
        self.visitors
            .iter()
            .filter_map(|visitor| visitor.gone.map(|(way, at)| (visitor, way, at)))
    }

    /// Waits until everybody who went is a lead, and nothing is under way any more; what still is when patience
    /// ends.
    pub async fn settled(&self, cluster: &Cluster<'_>) -> Tried<Vec<String>> {
        let deadline = Deadline::after(SETTLES);
        loop {
            let mut left = under_way(&cluster.rows()).await?;
            let (leads, departed) = (leads(cluster).await?.len(), self.departed().count());
            if leads < departed {
                left.push(format!("{leads} leads of {departed} departures"));
            }
            if left.is_empty() || deadline.passed() {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Compares, and prints each verdict, and these, which were found by others.
    pub async fn verdict(
        &self,
        cluster: &Cluster<'_>,
        others: impl IntoIterator<Item = (&str, Vec<String>)>,
    ) -> Tried<Tally> {
        let leads = leads(cluster).await?;
        let mut by_name: HashMap<&str, Vec<&Lead>> = HashMap::new();
        for lead in &leads {
            by_name.entry(&lead.name).or_default().push(lead);
        }
        let mut tally = Tally::default();
        let mut tell = |what: &str, wrong: Vec<String>| {
            println!(
                "   {} {what}",
                if wrong.is_empty() { "ok    " } else { "BROKEN" }
            );
            for finding in wrong.iter().take(10) {
                println!("          {finding}");
            }
            if wrong.len() > 10 {
                println!("          and {} more", wrong.len() - 10);
            }
            tally.add(Tally::one(wrong.is_empty()));
        };
        tell(
            "every departure is exactly one lead",
            self.departed()
                .filter_map(|(visitor, way, _)| {
                    let count = by_name.get(visitor.name.as_str()).map_or(0, Vec::len);
                    (count != 1).then(|| format!("{} ({way:?}) is {count} leads", visitor.name))
                })
                .collect(),
        );
        tell(
            "nobody was taken for gone who was there",
            self.called_gone(&by_name),
        );
        tell(
            &format!("no departure took longer than {} s", LATEST.as_secs()),
            self.late(&by_name),
        );
        tell(
            "every departure is exactly one Booking in ST",
            self.not_one_booking(cluster).await?,
        );
        tell("no server reported an error", cluster.complaints());
        for (what, wrong) in others {
            tell(what, wrong);
        }
        let few = (self.departed().count() == 0).then(|| "nobody has departed".to_owned());
        tell(
            "enough happened for the rest to mean something",
            few.into_iter().collect(),
        );
        self.print_delays(&by_name);
        self.print_sizes(cluster).await?;
        Ok(tally)
    }

    /// One each for whoever departed, and none twice, whoever it is.
    async fn not_one_booking(&self, cluster: &Cluster<'_>) -> Tried<Vec<String>> {
        let state = cluster.world().state().await?;
        let (mut by_name, mut by_reference) = (HashMap::new(), HashMap::new());
        let bookings = state["servicetitan"]["bookings"].as_array();
        for booking in bookings.into_iter().flatten() {
            let text = |key: &str| booking[key].as_str().unwrap_or_default().to_owned();
            *by_name.entry(text("name")).or_insert(0) += 1;
            *by_reference.entry(text("externalId")).or_insert(0) += 1;
        }
        println!("          {} Bookings in ST", by_reference.len());
        let twice = by_reference.into_iter().filter(|(_, count)| *count > 1);
        let mut wrong: Vec<String> = twice
            .map(|(reference, count)| format!("{reference} stands {count} times"))
            .collect();
        wrong.extend(self.departed().filter_map(|(visitor, way, _)| {
            let name = &visitor.name;
            let count = by_name.get(name).copied().unwrap_or(0);
            (count != 1).then(|| format!("{name} ({way:?}) has {count} Bookings"))
        }));
        Ok(wrong)
    }

    fn called_gone(&self, by_name: &HashMap<&str, Vec<&Lead>>) -> Vec<String> {
        let wrong = self.visitors.iter().filter_map(|visitor| {
            let lead = by_name.get(visitor.name.as_str())?.first()?;
            match visitor.gone {
                None => Some(format!("{} is still there", visitor.name)),
                Some((way, at)) if lead.lead_at_ms < at || lead.times_left != "1" || lead.back => {
                    Some(format!(
                        "{} ({way:?}) was a lead {:.1} s after going, went {} times",
                        visitor.name,
                        (lead.lead_at_ms - at) / 1000.0,
                        lead.times_left
                    ))
                }
                Some(_) => None,
            }
        });
        wrong.collect()
    }

    fn late(&self, by_name: &HashMap<&str, Vec<&Lead>>) -> Vec<String> {
        self.delays(by_name)
            .filter(|(_, _, delay)| *delay > LATEST.as_secs_f64())
            .map(|(name, way, delay)| format!("{name} ({way:?}) took {delay:.1} s"))
            .collect()
    }

    /// Seconds from the departure to the lead.
    fn delays<'a>(
        &'a self,
        by_name: &'a HashMap<&str, Vec<&Lead>>,
    ) -> impl Iterator<Item = (&'a str, Way, f64)> {
        self.departed().filter_map(|(visitor, way, at)| {
            let lead = by_name.get(visitor.name.as_str())?.first()?;
            Some((visitor.name.as_str(), way, (lead.lead_at_ms - at) / 1000.0))
        })
    }

    fn print_delays(&self, by_name: &HashMap<&str, Vec<&Lead>>) {
        println!("          from the departure to the lead, in seconds:");
        for wanted in WAYS {
            let mut delays: Vec<f64> = self
                .delays(by_name)
                .filter(|(_, way, _)| *way == wanted)
                .map(|(_, _, delay)| delay)
                .collect();
            delays.sort_by(f64::total_cmp);
            let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
            if delays.is_empty() {
                continue;
            }
            println!(
                "          {wanted:?}: {} departures, p50 {:.2}, p95 {:.2}, p99 {:.2}, worst {:.2}",
                delays.len(),
                at(0.5),
                at(0.95),
                at(0.99),
                at(1.0)
            );
        }
        println!("          {} pages are still open", self.present());
    }

    /// What the tables weigh, with their indexes.
    async fn print_sizes(&self, cluster: &Cluster<'_>) -> Tried<()> {
        cluster.rows().find("VACUUM ANALYZE").await?;
        let sizes = "SELECT c.relname, c.reltuples::bigint, pg_total_relation_size(c.oid) FROM pg_class AS c
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.reltuples > 100 ORDER BY 3 DESC";
        println!("          rows and bytes each:");
        for row in cluster.rows().find(sizes).await? {
            let [table, rows, bytes] = row.as_slice() else {
                continue;
            };
            let each = bytes.parse::<f64>()? / rows.parse::<f64>()?.max(1.0);
            println!("          {table}: {rows} rows, {each:.0} bytes");
        }
        Ok(())
    }
}

async fn leads(cluster: &Cluster<'_>) -> Tried<Vec<Lead>> {
    let sql = "SELECT name, lead_at, times_left, back_since FROM lead";
    let rows = cluster.rows().find(sql).await?;
    let read = |row: Vec<String>| -> Tried<Lead> {
        let [name, lead_at, times_left, back] = <[String; 4]>::try_from(row)
            .map_err(|row| format!("a lead has four columns, not {}", row.len()))?;
        Ok(Lead {
            name,
            lead_at_ms: lead_at.parse::<f64>()? / 1000.0,
            times_left,
            back: !back.is_empty(),
        })
    };
    rows.into_iter().map(read).collect()
}
