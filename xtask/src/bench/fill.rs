//! Databases of a size: rows put in raw and fast, under the product's own tables and indexes, each like one
//! that the product has written itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, named_params};

use super::stage::Stage;
use super::visitors::Scheduler;
use super::{departure::begin_visits, floor::Raw};
use crate::Tried;

/// What past sessions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Still open, to be looked at in a day.
    pub open: i64,
    /// Of these: gone with a grace that ended a minute ago, nobody having judged them.
    pub overdue: i64,
    /// Long over, nobody to be reached.
    pub lapsed: i64,
    /// Long over and a lead: all but the newest two hundred have been worked.
    pub leads: i64,
}

/// A template of that size, made once in a folder `name` of the run; copy it before use.
pub async fn filled(stage: &Stage, name: &str, size: Size) -> Tried<std::path::PathBuf> {
    let data = stage.run.folder().join(name);
    if data.exists() {
        return Ok(data);
    }
    // One session and one lead that the product has made itself, to be like.
    let like = stage.fresh("like")?;
    let server = stage.serve(&like).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, 2).await?;
    let mut wire = super::wire::Wire::connect(server.address, None).await?;
    wire.ask(&scheduler.say(0, &cookies[0], "closed", 1))
        .await?;
    server.until_leads(1, Duration::from_secs(10)).await?;
    server.kill().await?;
    let (root, made) = (stage.root.clone(), like.clone());
    tokio::task::spawn_blocking(move || fill(&root, &made, size)).await??;
    fs::rename(&like, &data)?;
    Ok(data)
}

fn fill(root: &Path, data: &Path, size: Size) -> Tried<()> {
    let raw = Raw::open(root, data, false)?;
    let connection = &raw.connection;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    sessions(connection, size)?;
    leads(connection, size)?;
    raw.commit()?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// The product's own session that nobody has left is the model, its number replaced; each gets a token, in the order of
/// their time.
fn sessions(connection: &Connection, size: Size) -> Tried<()> {
    let all = size.open + size.lapsed + size.leads;
    // A table of its own: what is read from the table that is written would be kept aside whole, ten million rows.
    connection.execute_batch(
        "CREATE TEMP TABLE model AS SELECT * FROM session WHERE lead_id IS NULL LIMIT 1",
    )?;
    let now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000";
    connection.execute(
        &format!(
            "INSERT INTO session (id, business_id, scheduler_id, state, state_at, step, answers, came_from, lead_id,
                                  departure, departed_at, due_at, touched_at, created_at)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :all)
             SELECT 1000 + i, business_id, scheduler_id,
                    CASE WHEN i > :past THEN 'open' WHEN i > :lapsed THEN 'abandoned' ELSE 'lapsed' END,
                    {now} - (:all - i) * 1000, step,
                    replace(answers, json_extract(answers, '$.phone'), printf('+1602%07d', 3000000 + i)), came_from,
                    CASE WHEN i > :lapsed AND i <= :past THEN 1000 + i - :lapsed END,
                    CASE WHEN i > :past AND i <= :past + :overdue OR i > :lapsed AND i <= :past THEN 'left' END,
                    CASE WHEN i > :past AND i <= :past + :overdue THEN {now} - 61000000 END,
                    CASE WHEN i > :past AND i <= :past + :overdue THEN {now} - 60000000 + i
                         WHEN i > :past THEN {now} + 86400000000 + i * 100 END,
                    {now} - (:all - i) * 1000, {now} - (:all - i) * 1000
             FROM n, model"
        ),
        named_params! {
            ":all": all,
            ":lapsed": size.lapsed,
            ":past": size.lapsed + size.leads,
            ":overdue": size.overdue,
        },
    )?;
    connection.execute(
        "INSERT INTO session_token (token_hash, business_id, session_id, created_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :all)
         SELECT CAST(printf('%016d', i * (10000000000000000 / (:all + 1))) || hex(randomblob(8)) AS BLOB),
                business_id, 1000 + i, created_at
         FROM n, model",
        named_params! { ":all": all },
    )?;
    Ok(())
}

/// The product's own first lead is the model; its timeline and its delivery come along.
fn leads(connection: &Connection, size: Size) -> Tried<()> {
    let columns = |table: &str| -> Tried<Vec<String>> {
        let mut statement =
            connection.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    };
    // Everything like the model but these.
    let copies = [
        (
            "lead",
            vec![
                ("id", "1000 + i"),
                ("session_id", "1000 + :lapsed + i"),
                ("reference", "printf('R-%08d', i)"),
                ("phone", "printf('+1602%07d', 2000000 + i)"),
                ("left_at", "left_at - (:count - i) * 1000000"),
                (
                    "state",
                    "CASE WHEN i > :count - 200 THEN 'new' ELSE 'recovered' END",
                ),
                (
                    "state_note",
                    "CASE WHEN i > :count - 200 THEN NULL ELSE 'themselves' END",
                ),
            ],
        ),
        (
            "lead_event",
            vec![("id", "1000 + i"), ("lead_id", "1000 + i")],
        ),
        (
            "delivery",
            vec![
                ("id", "1000 + i"),
                ("lead_id", "1000 + i"),
                ("session_id", "1000 + :lapsed + i"),
                ("state", "'done'"),
                ("due_at", "NULL"),
                ("our_id", "NULL"),
            ],
        ),
    ];
    for (table, changed) in copies {
        let names = columns(table)?;
        let values: Vec<&str> = names
            .iter()
            .map(|name| {
                let found = changed.iter().find(|(column, _)| column == name);
                found.map_or(name.as_str(), |(_, value)| value)
            })
            .collect();
        connection.execute(
            &format!(
                "INSERT INTO {table} ({})
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
                 SELECT {} FROM n, (SELECT * FROM {table} ORDER BY id LIMIT 1) WHERE :count > 0 AND :lapsed >= 0",
                names.join(", "),
                values.join(", ")
            ),
            named_params! { ":count": size.leads, ":lapsed": size.lapsed },
        )?;
    }
    Ok(())
}
