//! Follow-up tasks.

use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_server::on_both_engines;
use ringback_server::seed::{DANA, SAM};
use ringback_server::store::task::{self, NewTask};
use ringback_server::store::{Order, staff};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody, just_left, open_tasks};

on_both_engines!(
    server: a_task_is_made_assigned_comes_due_and_is_closed,
    a_task_that_makes_no_sense_is_refused_with_a_sentence,
    a_task_is_changed_and_deleted_and_the_lead_says_by_whom,
    a_long_list_goes_on_below,
);

async fn a_task_is_made_assigned_comes_due_and_is_closed(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let mut sam = Browser::of(&world, SAM).await;
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    let sams = page
        .split("<option value=\"")
        .find(|o| o.contains("Sam Okafor"))
        .unwrap();
    let assignee = sams.split('"').next().unwrap();
    let phoenix = jiff::tz::TimeZone::get("America/Phoenix").unwrap();
    let in_an_hour = world.clock.now().to_zoned_datetime(phoenix) + SignedDuration::from_hours(1);
    let due = in_an_hour.strftime("%Y-%m-%dT%H:%M").to_string();
    let lead = id.to_string();
    let made = dana
        .posts(
            "/office/tasks",
            &[
                ("title", "Call back with the price"),
                ("assignee", assignee),
                ("due", &due),
                ("lead", &lead),
            ],
        )
        .await;
    assert_eq!(
        made.to,
        format!("/office/leads/{id}?did=task-made&lead={id}")
    );
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains("Dana Ruiz added a task") && page.contains("Call back with the price"));

    assert!(
        !dana
            .opens("/office/tasks")
            .await
            .text
            .contains("Call back with the price")
    );
    let list = sam.opens("/office/tasks").await.text;
    assert!(list.contains("Call back with the price") && list.contains("Maria Alvarez"));
    assert!(!list.contains("is-overdue"));
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], "0");

    world.clock.advance(SignedDuration::from_mins(61));
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], "1");
    assert_eq!(dana.script_asks("/office/counts").await["overdue"], "0");
    assert!(
        sam.opens("/office/tasks?show=overdue")
            .await
            .text
            .contains("is-overdue")
    );

    let task = open_tasks(&world).await[0].task.id;
    let back = [("back", "/office/tasks?show=mine")];
    let closed = sam
        .posts(&format!("/office/tasks/{task}/done"), &back)
        .await;
    assert_eq!(closed.to, "/office/tasks?show=mine&did=task-done");
    assert!(open_tasks(&world).await.is_empty());
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], "0");
    assert!(
        sam.opens("/office/tasks?show=done")
            .await
            .text
            .contains("done by Sam Okafor")
    );
    assert!(
        dana.opens(&format!("/office/leads/{id}"))
            .await
            .text
            .contains("Sam Okafor finished a task")
    );

    sam.posts(&format!("/office/tasks/{task}/reopen"), &back)
        .await;
    assert_eq!(open_tasks(&world).await.len(), 1);
}

async fn a_task_is_changed_and_deleted_and_the_lead_says_by_whom(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let lead = format!("/office/leads/{id}");
    let mut dana = Browser::of(&world, DANA).await;
    let fields = [("title", "Call bak"), ("lead", &id.to_string())];
    dana.posts("/office/tasks", &fields).await;
    let task = open_tasks(&world).await[0].task.clone();
    assert_eq!(task.assignee, None);

    let page = dana.opens(&lead).await.text;
    let edit = format!("/office/tasks/{}", task.id);
    assert!(page.contains(&format!("href=\"{edit}?back=%2Foffice%2Fleads%2F{id}\"")));
    let page = dana.opens(&format!("{edit}?back={lead}")).await.text;
    assert!(page.contains("value=\"Call bak\"") && page.contains(">Maria Alvarez</a>"));
    let sams = page
        .split("<option value=\"")
        .find(|o| o.contains("Sam Okafor"));
    let sam = sams.unwrap().split('"').next().unwrap().to_owned();

    let new = [
        ("title", "Call back"),
        ("assignee", &sam),
        ("due", "2030-01-02T09:30"),
        ("back", &lead),
    ];
    let changed = dana.posts(&edit, &new).await;
    assert_eq!(changed.to, format!("{lead}?did=task-changed"));
    let same = open_tasks(&world).await[0].task.clone();
    assert_eq!((same.id, same.title.as_str()), (task.id, "Call back"));
    assert_eq!(same.assignee.unwrap().to_string(), sam);
    assert_eq!(same.due_at, Some("2030-01-02T16:30:00Z".parse().unwrap()));
    // What is saved as it stands is no news.
    dana.posts(&edit, &new).await;
    let page = dana.opens(&lead).await.text;
    assert_eq!(page.matches("Dana Ruiz changed a task").count(), 1);
    let page = dana.opens(&edit).await.text;
    assert!(page.contains("value=\"2030-01-02T09:30\""));
    let told = dana.posts(&edit, &[("title", " ")]).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Who was asked and has left since may stay; nobody new can be asked who has left.
    let gone = |tx: &mut ringback_server::store::Tx<'_>| {
        let (sam, _) = staff::by_email(tx, SAM)?.unwrap();
        staff::deactivate(tx, &sam)
    };
    world.app().store.write(Order::Any, gone).await.unwrap();
    assert_eq!(dana.posts(&edit, &new).await.status, StatusCode::SEE_OTHER);

    let deleted = dana.posts(&format!("{edit}/delete"), &[]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER);
    assert!(open_tasks(&world).await.is_empty());
    assert!(
        dana.opens(&lead)
            .await
            .text
            .contains("Dana Ruiz deleted a task")
    );
    for told in [dana.opens(&edit).await, dana.posts(&edit, &new).await] {
        assert_eq!(told.status, StatusCode::NOT_FOUND);
    }
}

async fn a_long_list_goes_on_below(world: TestServer) {
    hire_everybody(&world).await;
    let business = world.seeded.business;
    // Fifty are due, some of them at once; three whenever.
    let many = move |tx: &mut ringback_server::store::Tx<'_>| {
        let (dana, _) = staff::by_email(tx, DANA)?.unwrap();
        for n in 0..53 {
            let due_at = (n < 50).then(|| tx.now() + SignedDuration::from_mins(n / 4));
            let new = NewTask {
                business,
                lead: None,
                title: format!("task {n}."),
                assignee: None,
                due_at,
                by: dana.id,
            };
            let id = task::create(tx, &new)?;
            if n % 2 == 0 {
                let mut copy = task::get(tx, business, id)?.unwrap();
                copy.id = task::create(tx, &new)?;
                copy.close(dana.id, tx.now());
                task::save(tx, &copy)?;
            }
        }
        Ok(())
    };
    world.app().store.write(Order::Any, many).await.unwrap();
    let mut dana = Browser::of(&world, DANA).await;
    let page = dana.opens("/office/tasks?show=all").await.text;
    assert_eq!(page.matches("data-task=").count(), 50);
    assert!(page.contains("task 49.") && !page.contains("task 50."));
    let below = dana.opens(&more(&page)).await.text;
    assert_eq!(below.matches("data-task=").count(), 3);
    assert!(
        below.contains("task 50.") && below.contains("task 52.") && !below.contains("More tasks")
    );
    let done = dana.opens("/office/tasks?show=done").await.text;
    assert_eq!(done.matches("data-task=").count(), 27);
    let bent = dana.opens("/office/tasks?after=x").await.status;
    assert_eq!(bent, StatusCode::UNPROCESSABLE_ENTITY);
}

/// Where a list goes on.
pub fn more(page: &str) -> String {
    let (_, link) = page
        .split_once("id=\"more\" data-live><a class=\"button\" href=\"")
        .unwrap();
    link.split('"').next().unwrap().replace("&#38;", "&")
}

async fn a_task_that_makes_no_sense_is_refused_with_a_sentence(world: TestServer) {
    hire_everybody(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    for (fields, sentence) in [
        ([("title", ""), ("due", "")], "Say what is to be done."),
        (
            [("title", "x"), ("due", "soon")],
            "That is not a day and a time.",
        ),
        (
            [("title", "x"), ("assignee", "99")],
            "Choose somebody who still works here.",
        ),
    ] {
        let told = sam.posts("/office/tasks", &fields).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(told.text.contains(sentence), "{}", told.text);
    }
    let nowhere = sam
        .posts("/office/tasks", &[("title", "x"), ("lead", "12345")])
        .await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert!(open_tasks(&world).await.is_empty());
}
