//! A visitor reads the scheduler in their own language; the business reads their answers in its own.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

use ringback_domain::business::BusinessDetails;
use ringback_domain::region::Region;
use ringback_domain::starts::Start;
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::store::business::NewBusiness;
use ringback_server::store::lead::LeadFilter;
use ringback_server::store::{Order, business, lead, scheduler};
use ringback_server::testing::TestServer;
use ringback_server::words::Words;

on_both_engines!(server: an_english_start_is_spanish_to_whoever_asks_for_it, what_went_wrong_is_said_in_the_language_asked_for);

async fn what_went_wrong_is_said_in_the_language_asked_for(world: TestServer) {
    let client = &world.app().calls;
    let asks = |language: &'static str| {
        client
            .get(format!("{}/s/nowhere", world.url))
            .header("accept-language", language)
    };
    let spanish = asks("es").send().await.unwrap();
    assert_eq!(spanish.status(), 404);
    let spanish = spanish.text().await.unwrap();
    assert!(
        spanish.contains(r#"lang="es""#) && spanish.contains("No hay nada en esta dirección"),
        "{spanish}"
    );
    let other = asks("fr").send().await.unwrap().text().await.unwrap();
    assert!(
        other.contains(r#"lang="en""#) && other.contains("There is nothing at this address"),
        "{other}"
    );
    let program = client
        .get(format!("{}/api/v1/leads", world.url))
        .header("accept-language", "es")
        .send()
        .await
        .unwrap();
    assert_eq!(program.status(), 401);
    assert!(program.text().await.unwrap().contains("Sign in first"));
}

async fn an_english_start_is_spanish_to_whoever_asks_for_it(world: TestServer) {
    let region = Region::UnitedStates;
    let mut settings = Words::of("en").begin(Start::HeatingCooling, region);
    settings.services[0].title = "AC not cooling?".into();
    let public_id = random::token()[..12].to_owned();
    let new = NewBusiness {
        name: "Copperline Home Services".into(),
        region,
        time_zone: "America/Phoenix".into(),
        locale: "en".into(),
        phone: None,
        details: BusinessDetails::default(),
    };
    let id = public_id.clone();
    let business = world.app().store.write(Order::Any, move |tx| {
        let business = business::create(tx, &new)?;
        scheduler::create(tx, business, &id, "First", &settings)?;
        Ok(business)
    });
    let business = business.await.unwrap();
    let client = &world.app().calls;
    let url = format!("{}/s/{public_id}", world.url);

    let page = client
        .get(&url)
        .header("accept-language", "es-MX,es;q=0.9,en;q=0.8")
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains(r#"<html lang="es">"#));
    assert!(
        page.contains("¿Qué necesita?")
            && page.contains("Calefacción")
            && page.contains("Reserve una visita")
    );
    // What the business wrote itself stays as it wrote it; a choice is shown here and kept there.
    assert!(page.contains("AC not cooling?") && !page.contains("Furnace or heating repair"));
    assert!(
        page.contains(r#"<option value="Not sure">No lo sé</option>"#),
        "{page}"
    );

    let service = [
        ("step", "service"),
        ("go", "continue"),
        ("zip", "85004"),
        ("service", "heating-repair"),
        ("q_system-age", "Not sure"),
    ];
    let contact = [
        ("step", "contact"),
        ("go", "continue"),
        ("name", "Ana Morales"),
        ("phone", "602-555-0142"),
    ];
    let mut cookie = String::new();
    for fields in [&service[..], &contact[..]] {
        let post = client
            .post(&url)
            .header("origin", &world.url)
            .header("cookie", &cookie);
        let answer = post
            .header("accept-language", "es")
            .form(fields)
            .send()
            .await
            .unwrap();
        if let Some(set) = answer.headers().get("set-cookie") {
            cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        assert!(answer.status().is_success() || answer.status().is_redirection());
    }
    let close = client
        .post(format!("{url}/close"))
        .header("origin", &world.url)
        .header("cookie", &cookie);
    close.send().await.unwrap();

    let all = LeadFilter {
        limit: 10,
        ..LeadFilter::default()
    };
    let leads = world
        .app()
        .store
        .read(move |tx| lead::list(tx, business, &all))
        .await
        .unwrap();
    assert_eq!(leads.len(), 1);
    assert_eq!(leads[0].service_title, "Furnace or heating repair");
    assert_eq!(leads[0].answers.questions["system-age"], "Not sure");
}
