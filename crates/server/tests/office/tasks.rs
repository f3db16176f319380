//! Follow-up tasks.

use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_server::on_both_engines;
use ringback_server::seed::{DANA, SAM};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody, just_left, open_tasks};

on_both_engines!(
    server: a_task_is_made_assigned_comes_due_and_is_closed,
    a_task_that_makes_no_sense_is_refused_with_a_sentence,
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
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], 0);

    world.clock.advance(SignedDuration::from_mins(61));
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], 1);
    assert_eq!(dana.script_asks("/office/counts").await["overdue"], 0);
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
    assert_eq!(sam.script_asks("/office/counts").await["overdue"], 0);
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
