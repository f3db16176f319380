//! The doctor beside a running server: the whole chain well, and each link broken in turn.

use ringback_domain::staff::Role;
use ringback_server::config::Config;
use ringback_server::store::{self, Engine, Order, StoreConfig};
use ringback_server::{doctor, seed};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::world::World;

/// Lines of a healthy server. Its address is this machine alone, and the test's clock is its own business.
const WELL: &[&str] = &[
    "ok      configuration: understood",
    "ok      key_file: ",
    "ok      database: can be read, and its tables are up to date",
    "ok      Copperline Home Services: 1 scheduler(s)",
    "ok      Copperline Home Services: 1 Administrator(s) can sign in",
    "answers, and is this installation",
    "ok      presence: connections get through",
    "warn    callbacks: work on this machine",
    "ok      clock: agrees with ServiceTitan's",
    "ok      Copperline Home Services: ServiceTitan lets us in; tenant",
    "ok      Copperline Home Services: booking provider \"",
    "ok      Copperline Home Services: the carrier lets us in",
    "ok      Copperline Home Services: the From number sends texts, and what is sent to it comes here",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_server_is_found_healthy_on_sqlite() {
    let world = staffed(Engine::Sqlite).await.unwrap();
    let report = healthy(&world).await;
    assert!(report.contains("disk: "), "{report}");
    assert!(
        report.contains("warn    backup: none has been made yet"),
        "{report}"
    );
    let place: StoreConfig = world.config().database_url.expose_secret().parse().unwrap();
    let copies = TempDir::new().unwrap();
    store::backup(&place, &copies.path().join("copy.db")).unwrap();
    let report = healthy(&world).await;
    assert!(
        report.contains("ok      backup: the last one is 0 hour(s) old"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_server_is_found_healthy_on_postgresql() {
    if let Some(world) = staffed(Engine::Postgres).await {
        healthy(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_link_is_named() {
    let world = staffed(Engine::Sqlite).await.unwrap();
    let elsewhere = TempDir::new().unwrap();
    let nobody = "http://127.0.0.1:9";
    // Another key file: nothing that was sealed opens, and whoever answers is another installation.
    let other_key = |config: &mut Config| {
        config.key_file = elsewhere.path().join("ringback.key");
        ringback_server::vault::Vault::open(&config.key_file).unwrap();
    };
    broken(&world, other_key, "another installation answers").await;
    broken(
        &world,
        other_key,
        "the saved keys of ServiceTitan do not open",
    )
    .await;
    broken(
        &world,
        other_key,
        "the saved keys of the carrier do not open",
    )
    .await;
    let no_st = |config: &mut Config| config.servicetitan_auth_url = nobody.parse().unwrap();
    broken(&world, no_st, "ServiceTitan does not answer as it should").await;
    let no_carrier = |config: &mut Config| config.twilio_url = nobody.parse().unwrap();
    broken(
        &world,
        no_carrier,
        "the carrier does not answer as it should",
    )
    .await;
    world.sandbox.carrier().set_inbound_url(None);
    broken(
        &world,
        |_| {},
        "texts that people send to the From number do not come here",
    )
    .await;
    let no_tls = |config: &mut Config| config.public_url = "http://book.invalid".parse().unwrap();
    broken(&world, no_tls, "has no TLS").await;
    broken(&world, no_tls, "/healthz cannot be reached").await;
    let other_program = world.sandbox.url();
    let strange = |config: &mut Config| config.public_url = other_program.parse().unwrap();
    broken(&world, strange, "/healthz says 404").await;
    let no_folder =
        |config: &mut Config| config.database_url = "sqlite:/nowhere/x.db".to_owned().into();
    broken(&world, no_folder, "/nowhere cannot be looked at").await;
    let no_database = |config: &mut Config| {
        config.database_url = "postgres://postgres@127.0.0.1:9/x".to_owned().into();
    };
    broken(&world, no_database, "BROKEN  database: ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_without_an_administrator_is_named() {
    let world = World::begin(Engine::Sqlite).await.unwrap();
    broken(&world, |_| {}, "no Administrator can sign in").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_named() {
    let world = staffed(Engine::Sqlite).await.unwrap();
    // A ServiceTitan whose answers carry a date of long ago.
    let late = old_date().await;
    let config = |config: &mut Config| config.servicetitan_api_url = late.parse().unwrap();
    broken(
        &world,
        config,
        "BROKEN  clock: this machine's differs from ServiceTitan's by",
    )
    .await;
}

async fn staffed(engine: Engine) -> Option<World> {
    let world = World::begin(engine).await?;
    let replies = format!("{}/hooks/texts/inbound", world.server.url);
    world.sandbox.carrier().set_inbound_url(Some(&replies));
    let business = world.server.seeded.business;
    let hired = world.server.app().store.write(Order::Any, move |tx| {
        seed::hire(
            tx,
            business,
            "Dana Ruiz",
            seed::DANA,
            Role::Administrator,
            "set",
        )
    });
    hired.await.unwrap();
    Some(world)
}

async fn healthy(world: &World) -> String {
    let (report, well) = doctor::examine(world.config()).await;
    for line in WELL {
        assert!(report.contains(line), "{line:?} is not in\n{report}");
    }
    // A temporary folder may be in memory, which the doctor rightly calls broken.
    let broken: Vec<_> = report
        .lines()
        .filter(|line| line.contains("BROKEN"))
        .collect();
    assert!(
        broken.iter().all(|line| line.contains("is in memory")),
        "{report}"
    );
    assert_eq!(well, broken.is_empty());
    report
}

async fn broken(world: &World, change: impl Fn(&mut Config), told: &str) {
    let mut config = world.config();
    change(&mut config);
    let (report, well) = doctor::examine(config).await;
    assert!(!well, "{report}");
    let line = report.lines().find(|line| line.contains(told));
    let line = line.unwrap_or_else(|| panic!("{told:?} is not in\n{report}"));
    assert!(line.trim_start().starts_with("BROKEN"), "{line}");
}

async fn old_date() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let answer = b"HTTP/1.1 404 X\r\nDate: Sat, 01 Jan 2022 00:00:00 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = socket.write_all(answer).await;
        }
    });
    url
}
