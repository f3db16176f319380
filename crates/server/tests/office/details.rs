//! Scheduler Details.

use std::sync::Arc;

use reqwest::StatusCode;
use ringback_domain::scheduler::{Scheduler, SendAfter, SyncAs};
use ringback_server::on_both_engines;
use ringback_server::seed::DANA;
use ringback_server::store::{Order, scheduler};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody};

on_both_engines!(
    server: the_three_sections_are_read_and_saved,
    a_form_that_was_overtaken_is_refused_and_keeps_what_was_typed,
    a_wrong_field_keeps_what_was_typed,
    everything_wrong_is_listed_at_the_head_and_leads_to_its_sentence,
    the_text_is_shown_with_its_cost,
);

async fn as_saved(world: &TestServer) -> Arc<Scheduler> {
    let seeded = world.seeded.clone();
    let get = move |tx: &mut ringback_server::store::Tx<'_>| {
        scheduler::get(tx, seeded.business, seeded.scheduler)
    };
    world.app().store.read(get).await.unwrap()
}

/// Every field of the page's form as a browser would send it, with these changed.
fn form(page: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let form = page.split("data-details").nth(1).unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(unescaped(value.split('"').next()?))
    };
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1) {
        let tag = tag.split('>').next().unwrap();
        let ticked = !tag.contains("type=\"checkbox\"") || tag.contains(" checked");
        if let (Some(name), true) = (attribute(tag, "name"), ticked) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    for select in form.split("<select").skip(1) {
        let (tag, options) = select.split_once('>').unwrap();
        let options = options.split("</select>").next().unwrap();
        let chosen = options
            .split("<option")
            .find(|option| option.contains(" selected"));
        let option = chosen.or(options.split("<option").nth(1)).unwrap();
        fields.push((
            attribute(tag, "name").unwrap(),
            attribute(option, "value").unwrap(),
        ));
    }
    for area in form.split("<textarea").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        let value = rest.split("</textarea>").next().unwrap();
        fields.push((attribute(tag, "name").unwrap(), unescaped(value)));
    }
    for (name, value) in changes {
        fields.retain(|(field, _)| field != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect()
}

async fn the_three_sections_are_read_and_saved(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let path = format!("/office/settings/schedulers/{}", world.seeded.public_id);
    let page = dana.opens(&path).await.text;
    for name in [
        "Abandoned Sessions",
        "Scheduler Drop-off",
        "Sync to ServiceTitan",
        "Send abandoned session to me in ST",
        "Follow-Up SMS",
        "Send message after",
        "Customer closes scheduler",
    ] {
        assert!(page.contains(name), "{name}");
    }
    let before = as_saved(&world).await;
    let unchanged = form(&page, &[]);
    let saved = dana.posts(&path, &pairs(&unchanged)).await;
    assert_eq!(saved.to, format!("{path}?did=saved"), "{}", saved.text);
    let same = as_saved(&world).await;
    assert_eq!(
        (&same.settings, same.version),
        (&before.settings, before.version + 1)
    );

    let page = dana.opens(&path).await.text;
    let mut changed = form(
        &page,
        &[
            ("sync_send", "15_minutes"),
            ("sync_as", "lead"),
            ("text_send", "never"),
            (
                "text",
                "{business}: still there, {name}? {link} STOP to opt out",
            ),
        ],
    );
    changed.retain(|(name, _)| name != "drop_off");
    dana.posts(&path, &pairs(&changed)).await;
    let after = as_saved(&world).await;
    let after = &after.settings;
    assert!(!after.abandoned.scheduler_drop_off);
    assert_eq!(
        (after.sync.send, after.sync.send_as),
        (SendAfter::Minutes15, SyncAs::Lead)
    );
    assert_eq!(after.follow_up.send, SendAfter::Never);
    assert!(after.follow_up.text.starts_with("{business}: still there"));
}

async fn a_form_that_was_overtaken_is_refused_and_keeps_what_was_typed(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let path = format!("/office/settings/schedulers/{}", world.seeded.public_id);
    let page = dana.opens(&path).await.text;
    let scheduler = as_saved(&world).await;
    let meanwhile = move |tx: &mut ringback_server::store::Tx<'_>| {
        let (id, version) = (scheduler.id, scheduler.version);
        scheduler::save(
            tx,
            scheduler.business,
            id,
            version,
            "Renamed",
            &scheduler.settings,
        )
    };
    assert!(
        world
            .app()
            .store
            .write(Order::Any, meanwhile)
            .await
            .unwrap()
    );

    let typed = form(&page, &[("headline", "Come to us")]);
    let told = dana.posts(&path, &pairs(&typed)).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(
        told.text
            .contains("Somebody else has changed this scheduler")
    );
    assert!(told.text.contains("Come to us"));
    let stands = as_saved(&world).await;
    assert_eq!(
        (stands.name.as_str(), stands.settings.headline.as_str()),
        ("Renamed", "")
    );

    let again = form(&told.text, &[]);
    assert_eq!(
        dana.posts(&path, &pairs(&again)).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(as_saved(&world).await.settings.headline, "Come to us");
}

async fn a_wrong_field_keeps_what_was_typed(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let path = format!("/office/settings/schedulers/{}", world.seeded.public_id);
    let page = dana.opens(&path).await.text;
    let typed = form(
        &page,
        &[("text", "Finish: {link}"), ("thanks", "See you <soon>")],
    );
    let told = dana.posts(&path, &pairs(&typed)).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told.text.contains("See you &#60;soon&#62;") && told.text.contains("Finish: {link}"));
    assert!(told.text.contains("a text must say whom it is from"));
    assert_eq!(as_saved(&world).await.version, 1);
    let nobodys = dana.opens("/office/settings/schedulers/none").await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
}

async fn everything_wrong_is_listed_at_the_head_and_leads_to_its_sentence(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let path = format!("/office/settings/schedulers/{}", world.seeded.public_id);
    let page = dana.opens(&path).await.text;
    let wrong = [
        ("horizon", "0", "horizon"),
        ("consent", "No way out", "consent"),
        ("window-0-capacity", "0", "window-0-capacity"),
        ("service-1-minutes", "long", "service-1-minutes"),
        ("window-1-to", "01:00", "window-1-from"),
        ("name", "", "name"),
    ];
    let changes: Vec<_> = wrong
        .iter()
        .map(|(field, typed, _)| (*field, *typed))
        .collect();
    let told = dana.posts(&path, &pairs(&form(&page, &changes))).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    let head = told.text.split("data-troubles").nth(1).unwrap();
    let head = head.split("</ul>").next().unwrap();
    assert_eq!(head.matches("<a href=").count(), wrong.len(), "{head}");
    for (_, _, at) in wrong {
        let id = format!("{at}-wrong");
        assert!(head.contains(&format!("href=\"#{id}\"")), "{id} in {head}");
        assert_eq!(
            told.text.matches(&format!("id=\"{id}\"")).count(),
            1,
            "{id}"
        );
        let described = told.text.matches("aria-describedby=\"").count();
        assert!(
            described > 0 && told.text.contains(&format!("aria-describedby=\"{id}")),
            "{id}"
        );
    }
}

async fn the_text_is_shown_with_its_cost(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let path = format!(
        "/office/settings/schedulers/{}/text",
        world.seeded.public_id
    );
    let words = "{business}: Hi {name}, {link} STOP to opt out";
    let answer = dana.script_posts(&path, &[("text", words)]).await;
    let seen: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert!(
        seen["shown"]
            .as_str()
            .unwrap()
            .starts_with("Copperline Home Services: Hi Maria, ")
    );
    assert!(seen["cost"].as_str().unwrap().ends_with("one part"));
    assert_eq!(seen["wrong"], "");
}
