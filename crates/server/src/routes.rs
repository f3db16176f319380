//! Every URL, with who may call it. A route cannot be written without its rule.

use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, any, get, post};
use axum::{Extension, Router};
use ringback_domain::staff::Permission::{self, ChangeSettings, SeeSettings, WorkLeads};

use crate::api::{self, health, leads, schedulers};
use crate::app::App;
use crate::assets;
use crate::capture::line;
use crate::demo::stage::{self, Stage};
use crate::error::Error;
use crate::http;
use crate::office::settings::{self, business, keys, servicetitan, staff, texts};
use crate::office::{
    self, acts, appointments, door, inbox, lead, scheduler as details, setup, sign_in, stream,
    tasks,
};
use crate::scheduler::{book, embed, link, page};
use crate::sms::hooks;

/// The whole product as a service.
pub fn routes(app: App) -> Router {
    product(app).with()
}

/// The product with the demo's stage beside it.
pub fn with_stage(app: App, stage: Stage) -> Router {
    product(app)
        .anybody("/stage", get(stage::page).layer(Extension(stage)))
        .anybody("/stage/clock", post(stage::clock))
        .anybody("/demo/stage.css", get(stage::style))
        .with()
}

fn product(app: App) -> Table {
    Table::new(app)
        // The visitor.
        .visitor("/s/{scheduler}", get(page::hosted).post(page::step))
        .visitor("/s/{scheduler}/embedded", get(page::embedded))
        .visitor("/s/{scheduler}/book", post(book::book))
        .visitor("/s/{scheduler}/close", post(page::close))
        .visitor("/s/{scheduler}/begin", post(page::begin))
        .visitor("/r/{token}", get(link::look).post(link::open))
        .visitor("/embed.js", get(embed::script))
        .visitor("/assets/{hash}/{*name}", get(assets::serve))
        .visitor("/line/{scheduler}", get(line::open))
        .visitor("/line/{scheduler}/say", post(line::say))
        // The bare address, which the server prints when it starts: the people who type it are staff.
        .anybody("/", get(async || Redirect::to("/office")))
        // Staff, before they are known.
        .stranger("/office/sign-in", get(sign_in::show).post(sign_in::enter))
        .stranger(
            "/office/password/{token}",
            get(sign_in::password_link).post(sign_in::set_password),
        )
        // Staff.
        .office("/office", WorkLeads, get(inbox::show).post(inbox::find))
        .office("/office/rows", WorkLeads, get(inbox::rows))
        .office("/office/counts", WorkLeads, get(inbox::counts))
        .office("/office/shown", WorkLeads, post(inbox::shown))
        .office("/office/stream", WorkLeads, get(stream::open))
        .office("/office/leads/{id}", WorkLeads, get(lead::show))
        .office("/office/leads/{id}/claim", WorkLeads, post(acts::claim))
        .office("/office/leads/{id}/call", WorkLeads, post(acts::call))
        .office(
            "/office/leads/{id}/contacted",
            WorkLeads,
            post(acts::contacted),
        )
        .office("/office/leads/{id}/booked", WorkLeads, post(acts::booked))
        .office("/office/leads/{id}/dismiss", WorkLeads, post(acts::dismiss))
        .office("/office/leads/{id}/reopen", WorkLeads, post(acts::reopen))
        .office("/office/leads/{id}/undo", WorkLeads, post(acts::undo))
        .office("/office/leads/{id}/note", WorkLeads, post(acts::note))
        .office("/office/leads/{id}/link", WorkLeads, post(acts::send_link))
        .office(
            "/office/leads/{id}/own-text",
            WorkLeads,
            post(acts::own_text),
        )
        // What somebody says on the phone is written down by whoever hears it, with their name.
        .office(
            "/office/leads/{id}/no-texts",
            WorkLeads,
            post(acts::no_texts),
        )
        .office(
            "/office/leads/{id}/texts-again",
            WorkLeads,
            post(acts::texts_again),
        )
        .office("/office/leads/{id}/retry", WorkLeads, post(acts::retry))
        .office(
            "/office/tasks",
            WorkLeads,
            get(tasks::show).post(tasks::create),
        )
        .office(
            "/office/tasks/{id}",
            WorkLeads,
            get(tasks::edit).post(tasks::change),
        )
        .office("/office/tasks/{id}/delete", WorkLeads, post(tasks::delete))
        .office("/office/tasks/{id}/done", WorkLeads, post(tasks::close))
        .office("/office/tasks/{id}/reopen", WorkLeads, post(tasks::reopen))
        .office("/office/appointments", WorkLeads, get(appointments::show))
        .office(
            "/office/appointments/{id}/cancel",
            WorkLeads,
            post(appointments::cancel),
        )
        .office(
            "/office/appointments/{id}/undo",
            WorkLeads,
            post(appointments::put_back),
        )
        .office(
            "/office/deliveries/{id}/retry",
            WorkLeads,
            post(appointments::retry),
        )
        .office("/office/sign-out", WorkLeads, post(sign_in::leave))
        .office(
            "/office/{*rest}",
            WorkLeads,
            any(office::page::nothing_here),
        )
        // What the Administrator sets up.
        .stranger("/setup/{token}", get(setup::show).post(setup::make))
        .office("/office/welcome", SeeSettings, get(setup::welcome))
        .office("/office/settings", SeeSettings, get(settings::show))
        .office(
            "/office/settings/schedulers",
            ChangeSettings,
            post(settings::add_scheduler),
        )
        .office(
            "/office/settings/schedulers/{public_id}",
            ChangeSettings,
            get(details::show).post(details::save),
        )
        .office(
            "/office/settings/schedulers/{public_id}/text",
            ChangeSettings,
            post(details::preview_text),
        )
        .office(
            "/office/settings/business",
            ChangeSettings,
            get(business::show).post(business::save),
        )
        .office(
            "/office/settings/servicetitan",
            ChangeSettings,
            get(servicetitan::show).post(servicetitan::save),
        )
        .office(
            "/office/settings/servicetitan/test",
            ChangeSettings,
            post(servicetitan::test),
        )
        .office(
            "/office/settings/servicetitan/send-open",
            ChangeSettings,
            post(servicetitan::send_open),
        )
        .office(
            "/office/settings/servicetitan/retry",
            ChangeSettings,
            post(servicetitan::retry),
        )
        .office(
            "/office/settings/servicetitan/disconnect",
            ChangeSettings,
            post(servicetitan::disconnect),
        )
        .office(
            "/office/settings/texts",
            ChangeSettings,
            get(texts::show).post(texts::save),
        )
        .office(
            "/office/settings/texts/test",
            ChangeSettings,
            post(texts::test),
        )
        .office(
            "/office/settings/texts/disconnect",
            ChangeSettings,
            post(texts::disconnect),
        )
        .office(
            "/office/settings/staff",
            ChangeSettings,
            get(staff::show).post(staff::add),
        )
        .office(
            "/office/settings/staff/{id}",
            ChangeSettings,
            get(staff::edit).post(staff::correct),
        )
        .office(
            "/office/settings/staff/{id}/role",
            ChangeSettings,
            post(staff::role),
        )
        .office(
            "/office/settings/staff/{id}/link",
            ChangeSettings,
            post(staff::link),
        )
        .office(
            "/office/settings/staff/{id}/deactivate",
            ChangeSettings,
            post(staff::deactivate),
        )
        .office(
            "/office/settings/staff/{id}/reactivate",
            ChangeSettings,
            post(staff::reactivate),
        )
        .office(
            "/office/settings/keys",
            ChangeSettings,
            get(keys::show).post(keys::make),
        )
        .office(
            "/office/settings/keys/{hash}/revoke",
            ChangeSettings,
            post(keys::revoke),
        )
        // The carrier.
        .hook("/hooks/texts/status", post(hooks::status))
        .hook("/hooks/texts/inbound", post(hooks::inbound))
        // Programs.
        .api("/api/v1/leads", get(leads::list))
        .api("/api/v1/schedulers", get(schedulers::list))
        .api(
            "/api/v1/schedulers/{id}/settings",
            get(schedulers::settings).put(schedulers::change_settings),
        )
        .anybody("/openapi.json", get(api::description))
        .anybody("/healthz", get(health::healthz))
        .anybody("/readyz", get(health::readyz))
}

/// Collects routes by rule.
struct Table {
    app: App,
    router: Router<App>,
}

impl Table {
    fn new(app: App) -> Self {
        let router = Router::new();
        Self { app, router }
    }

    /// Anybody with a browser: handlers ask for the session's token themselves.
    fn visitor(self, path: &str, handlers: MethodRouter<App>) -> Self {
        self.anybody(path, handlers)
    }

    /// Outside systems, who sign what they send: handlers check the signature before anything else.
    fn hook(self, path: &str, handlers: MethodRouter<App>) -> Self {
        self.anybody(path, handlers)
    }

    /// Staff who are signed in and whose role may do it; changes only from our own pages.
    fn office(self, path: &str, permission: Permission, handlers: MethodRouter<App>) -> Self {
        let guard = from_fn_with_state((self.app.clone(), permission), door::office);
        self.anybody(path, handlers.layer(guard))
    }

    /// Somebody who is about to say who they are; changes only from our own pages.
    fn stranger(self, path: &str, handlers: MethodRouter<App>) -> Self {
        let guard = from_fn_with_state(self.app.clone(), door::stranger);
        self.anybody(path, handlers.layer(guard))
    }

    /// Programs with a good key of the business.
    fn api(self, path: &str, handlers: MethodRouter<App>) -> Self {
        let guard = from_fn_with_state(self.app.clone(), api::guard);
        self.anybody(path, handlers.layer(guard))
    }

    /// Really anybody: nothing of any business is behind it.
    fn anybody(mut self, path: &str, handlers: MethodRouter<App>) -> Self {
        self.router = self.router.route(path, handlers);
        self
    }

    fn with(self) -> Router {
        let nothing_here = || async { Error::NotFound };
        let router = self.router.fallback(nothing_here);
        http::around(router.with_state(self.app.clone()), &self.app)
    }
}
