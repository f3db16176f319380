//! The API, told as stories: keys, pages of leads, the three sections, clear answers to wrong requests.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

use ringback_domain::departure::Departure;
use ringback_domain::session::{Answers, CameFrom};
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::store::{Order, api_key, lead, scheduler, session};
use ringback_server::testing::TestServer;
use ringback_server::token;
use serde_json::{Value, json};

on_both_engines!(
    server: without_a_good_key_nothing_is_told,
    leads_come_newest_first_a_page_at_a_time,
    the_three_sections_are_read_and_changed,
    a_stale_change_is_refused,
    wrong_requests_are_told_what_to_do,
    another_business_is_not_there,
    the_description_names_every_path,
);

async fn key(world: &TestServer) -> String {
    let key = format!("rb_{}", random::token());
    let (hash, business) = (token::hash(&key), world.seeded.business);
    let kept = world.app().store.write(Order::Any, move |tx| {
        api_key::create(tx, business, "tests", &hash)
    });
    kept.await.unwrap();
    key
}

async fn get(world: &TestServer, key: &str, path: &str) -> (u16, Value) {
    let request = world
        .app()
        .calls
        .get(format!("{}{path}", world.url))
        .bearer_auth(key);
    answer(request.send().await.unwrap()).await
}

async fn put(world: &TestServer, key: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = world
        .app()
        .calls
        .put(format!("{}{path}", world.url))
        .bearer_auth(key)
        .json(body);
    answer(request.send().await.unwrap()).await
}

async fn answer(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let expected = if status < 400 {
        "application/json"
    } else {
        "application/problem+json"
    };
    assert_eq!(kind, expected);
    (status, response.json().await.unwrap())
}

async fn a_lead(world: &TestServer, phone: &str) {
    let (public_id, phone) = (world.seeded.public_id.clone(), phone.to_owned());
    let captured = world.app().store.write(Order::Any, move |tx| {
        let scheduler = scheduler::by_public_id(tx, &public_id)?.expect("the seeded scheduler");
        let mut session =
            session::start(tx, &scheduler, &random::bytes::<32>(), CameFrom::default())?;
        session.answers = Answers {
            name: "Ana Morales".into(),
            phone: phone.clone(),
            service: "cooling-repair".into(),
            ..Answers::default()
        };
        session
            .give_up(Departure::Closed, true, tx.now())
            .expect("an open session");
        session::save(tx, &session)?;
        let left_at = tx.now();
        let theirs = lead::of_visitor(tx, &session)?;
        lead::capture(
            tx,
            &mut session,
            &scheduler,
            theirs,
            Departure::Closed,
            left_at,
        )
    });
    captured.await.unwrap();
}

async fn without_a_good_key_nothing_is_told(world: TestServer) {
    for wrong in ["", "rb_guess"] {
        let (status, problem) = get(&world, wrong, "/api/v1/leads").await;
        assert_eq!(status, 401);
        assert_eq!(problem["status"], 401);
    }
    let good = key(&world).await;
    assert_eq!(get(&world, &good, "/api/v1/leads").await.0, 200);
    let (hash, business) = (token::hash(&good), world.seeded.business);
    world
        .app()
        .store
        .write(Order::Any, move |tx| api_key::revoke(tx, business, &hash))
        .await
        .unwrap();
    assert_eq!(get(&world, &good, "/api/v1/leads").await.0, 401);
}

async fn leads_come_newest_first_a_page_at_a_time(world: TestServer) {
    let key = key(&world).await;
    for number in 1..=3 {
        a_lead(&world, &format!("+1602555014{number}")).await;
    }
    let (_, first) = get(&world, &key, "/api/v1/leads?limit=2").await;
    let phones = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        data.iter()
            .map(|lead| lead["person"]["phone"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(phones(&first), ["+16025550143", "+16025550142"]);
    let lead = &first["data"][0];
    assert_eq!(lead["state"], "new");
    assert_eq!(lead["departure"], "closed");
    assert_eq!(lead["scheduler"], world.seeded.public_id);
    assert!(lead["stamps"]["left_at"].is_string());
    assert_eq!(lead["deliveries"], json!([]));
    let next = first["next"].as_str().unwrap();
    let (_, second) = get(&world, &key, &format!("/api/v1/leads?limit=2&after={next}")).await;
    assert_eq!(phones(&second), ["+16025550141"]);
    assert_eq!(second["next"], Value::Null);
    let (_, none) = get(&world, &key, "/api/v1/leads?state=recovered").await;
    assert_eq!(none["data"], json!([]));
}

async fn the_three_sections_are_read_and_changed(world: TestServer) {
    let key = key(&world).await;
    let path = format!("/api/v1/schedulers/{}/settings", world.seeded.public_id);
    let (_, mut settings) = get(&world, &key, &path).await;
    assert_eq!(settings["abandoned_sessions"]["scheduler_drop_off"], true);
    assert_eq!(
        settings["sync_to_servicetitan"]["send_abandoned_session_to_me_in_st"],
        "customer_closes"
    );
    settings["abandoned_sessions"]["scheduler_drop_off"] = json!(false);
    settings["sync_to_servicetitan"]["send_as"] = json!("lead");
    settings["follow_up_sms"]["send_message_after"] = json!("4_hours");
    let (status, changed) = put(&world, &key, &path, &settings).await;
    assert_eq!(status, 200);
    assert_eq!(changed["version"], json!(2));
    let (_, read) = get(&world, &key, &path).await;
    assert_eq!(read, changed);
    assert_eq!(read["follow_up_sms"]["send_message_after"], "4_hours");
}

async fn a_stale_change_is_refused(world: TestServer) {
    let key = key(&world).await;
    let path = format!("/api/v1/schedulers/{}/settings", world.seeded.public_id);
    let (_, settings) = get(&world, &key, &path).await;
    assert_eq!(put(&world, &key, &path, &settings).await.0, 200);
    let (status, problem) = put(&world, &key, &path, &settings).await;
    assert_eq!(status, 409);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("read them again")
    );
}

async fn wrong_requests_are_told_what_to_do(world: TestServer) {
    let key = key(&world).await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=many",
        "state=lost",
        "after=yesterday",
    ] {
        let (status, problem) = get(&world, &key, &format!("/api/v1/leads?{query}")).await;
        assert_eq!(status, 422, "{query}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains(query.split('=').next().unwrap()),
            "{problem}"
        );
    }
    let path = format!("/api/v1/schedulers/{}/settings", world.seeded.public_id);
    let (_, good) = get(&world, &key, &path).await;
    let mut late = good.clone();
    late["sync_to_servicetitan"]["send_abandoned_session_to_me_in_st"] = json!("24_hours");
    let mut slip = good.clone();
    slip["follow_up_sms"]["send"] = json!("never");
    for wrong in [json!({}), json!([]), late, slip] {
        assert_eq!(put(&world, &key, &path, &wrong).await.0, 422, "{wrong}");
    }
    assert_eq!(get(&world, &key, &path).await.1, good);
}

async fn another_business_is_not_there(world: TestServer) {
    let other = world
        .app()
        .store
        .write(Order::Any, ringback_server::seed::copperline)
        .await
        .unwrap();
    let key = key(&world).await;
    let path = format!("/api/v1/schedulers/{}/settings", other.public_id);
    assert_eq!(get(&world, &key, &path).await.0, 404);
    let (_, schedulers) = get(&world, &key, "/api/v1/schedulers").await;
    assert_eq!(schedulers["data"].as_array().unwrap().len(), 1);
    assert_eq!(schedulers["data"][0]["id"], world.seeded.public_id);
}

async fn the_description_names_every_path(world: TestServer) {
    let (_, description) = get(&world, "", "/openapi.json").await;
    for path in [
        "/api/v1/leads",
        "/api/v1/schedulers",
        "/api/v1/schedulers/{id}/settings",
        "/healthz",
        "/readyz",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let answer = world
            .app()
            .calls
            .get(format!("{}{path}", world.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
}
