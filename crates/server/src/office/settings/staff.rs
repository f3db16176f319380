//! Settings, *Staff*: who may sign in and as what. Somebody new gets a link to set their own password; it is
//! shown once, to be passed on. A name and an email are corrected on a page of their own. The last Administrator
//! can neither leave nor become anything less.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use ringback_domain::id::StaffId;
use ringback_domain::person::{clean_name, email};
use ringback_domain::staff::{Role, Staff};

use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::error::Error;
use crate::office::door::{self, Caller};
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::office::sign_in::PASSWORD_LINK_LIVES_FOR;
use crate::random;
use crate::store::staff::{self, Changed, Member, NewStaff};
use crate::store::{Order, StoreError, Tx};
use crate::words::Words;

const PAGE: &str = "/office/settings/staff";

#[derive(Template)]
#[template(path = "office/settings/staff.html")]
struct StaffPage {
    shell: Shell,
    done: Option<Done>,
    sheet: Sheet,
    members: Vec<Member>,
    link: Option<Link>,
    /// Why a change of somebody's role or standing was refused.
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "office/settings/member.html")]
struct MemberPage {
    shell: Shell,
    staff: Staff,
    sheet: Sheet,
}

/// A link to set a password, shown once.
struct Link {
    name: String,
    url: String,
}

impl StaffPage {
    fn roles(&self) -> Vec<(String, String)> {
        let roles = Role::ALL.iter();
        roles
            .map(|role| (role.to_string(), self.shell.w.say(&format!("role-{role}"))))
            .collect()
    }

    fn is_me(&self, member: &Member) -> bool {
        member.staff.id == self.shell.me.staff.id
    }

    fn hours(&self) -> i64 {
        PASSWORD_LINK_LIVES_FOR.as_hours()
    }
}

/// `GET /office/settings/staff`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let mut page = load(&app, &me).await?;
    page.done = Done::read(&asked);
    page::html(&page)
}

/// `POST /office/settings/staff`: somebody new.
pub async fn add(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let page = load(&app, &me).await?;
    let w = page.shell.w;
    let mut sheet = Sheet::sent(fields);
    let Some((name, email)) = read_person(&mut sheet, w, "name", "email") else {
        return again(page, sheet);
    };
    let Ok(role) = sheet.value("role").parse() else {
        sheet.wrong("role", w.say("wrong-role"));
        return again(page, sheet);
    };
    let new = NewStaff {
        business: me.business(),
        name,
        email,
        role,
        password_hash: String::new(),
    };
    let invite = Invite::fresh();
    let (hash, business) = (invite.hash.clone(), me.business());
    let added = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            let Some(id) = staff::create(tx, &new)? else {
                return Ok(None);
            };
            let added = one(tx, business, id)?;
            send(tx, &added, &hash)?;
            Ok(Some(added))
        })
        .await?;
    match added {
        Some(added) => with_link(&app, &me, &added, invite).await,
        None => {
            sheet.wrong("email", w.say("wrong-email-taken"));
            again(page, sheet)
        }
    }
}

/// `GET /office/settings/staff/{id}`: somebody's name and email, to be corrected.
pub async fn edit(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Error> {
    page::html(&member(&app, &me, id).await?)
}

/// `POST /office/settings/staff/{id}`. Whoever is signed in stays so.
pub async fn correct(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response, Error> {
    let mut page = member(&app, &me, id).await?;
    page.sheet = Sheet::sent(fields);
    let w = page.shell.w;
    let Some((name, email)) = read_person(&mut page.sheet, w, "name", "email") else {
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let business = me.business();
    let corrected = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            let staff = one(tx, business, StaffId::new(id))?;
            staff::correct(tx, &staff, &name, &email)
        })
        .await?;
    if corrected {
        return Ok(saved(PAGE, Done::Saved));
    }
    page.sheet.wrong("email", w.say("wrong-email-taken"));
    page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn member(app: &App, me: &Caller, id: i64) -> Result<MemberPage, Error> {
    let me = me.clone();
    let page = app.store.read(move |tx| {
        let staff = one(tx, me.business(), StaffId::new(id))?;
        let fields = [("name", &staff.name), ("email", &staff.email)];
        Ok(MemberPage {
            shell: Shell::load(tx, &me, At::Settings)?,
            sheet: Sheet::filled(fields.map(|(field, value)| (field.to_owned(), value.clone()))),
            staff,
        })
    });
    Ok(page.await?)
}

/// `POST /office/settings/staff/{id}/link`: a fresh link to set a password; earlier ones end.
pub async fn link(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Error> {
    let invite = Invite::fresh();
    let (hash, business) = (invite.hash.clone(), me.business());
    let invited = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            let member = staff::get(tx, business, StaffId::new(id))?.ok_or(StoreError::NoRow)?;
            if member.deactivated_at.is_some() {
                return Ok(None);
            }
            send(tx, &member.staff, &hash)?;
            Ok(Some(member.staff))
        })
        .await?;
    match invited {
        Some(staff) => with_link(&app, &me, &staff, invite).await,
        None => refused(&app, &me, "refused-deactivated").await,
    }
}

/// `POST /office/settings/staff/{id}/role`.
pub async fn role(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response, Error> {
    let Ok(role) = fields.one("role").parse::<Role>() else {
        return refused(&app, &me, "wrong-role").await;
    };
    let change = move |tx: &mut Tx<'_>, staff: &Staff| staff::set_role(tx, staff, role);
    change_one(&app, &me, id, Done::Role, change).await
}

/// `POST /office/settings/staff/{id}/deactivate`: signed out everywhere, at once.
pub async fn deactivate(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Error> {
    change_one(&app, &me, id, Done::Deactivated, staff::deactivate).await
}

/// `POST /office/settings/staff/{id}/reactivate`.
pub async fn reactivate(
    State(app): State<App>,
    me: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Error> {
    let change = |tx: &mut Tx<'_>, staff: &Staff| {
        staff::reactivate(tx, staff)?;
        Ok(Changed::Done)
    };
    change_one(&app, &me, id, Done::Reactivated, change).await
}

async fn change_one(
    app: &App,
    me: &Caller,
    id: i64,
    done: Done,
    change: impl Fn(&mut Tx<'_>, &Staff) -> Result<Changed, StoreError> + Send + 'static,
) -> Result<Response, Error> {
    let business = me.business();
    let changed = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            let staff = one(tx, business, StaffId::new(id))?;
            change(tx, &staff)
        })
        .await?;
    match changed {
        Changed::Done => Ok(saved(PAGE, done)),
        Changed::LastAdministrator => refused(app, me, "refused-last-administrator").await,
    }
}

fn one(
    tx: &mut Tx<'_>,
    business: ringback_domain::id::BusinessId,
    id: StaffId,
) -> Result<Staff, StoreError> {
    let member = staff::get(tx, business, id)?.ok_or(StoreError::NoRow)?;
    Ok(member.staff)
}

async fn load(app: &App, me: &Caller) -> Result<StaffPage, Error> {
    let me = me.clone();
    let page = app.store.read(move |tx| {
        Ok(StaffPage {
            shell: Shell::load(tx, &me, At::Settings)?,
            members: staff::list(tx, me.business())?,
            done: None,
            sheet: Sheet::default(),
            link: None,
            refused: None,
        })
    });
    Ok(page.await?)
}

fn again(mut page: StaffPage, sheet: Sheet) -> Result<Response, Error> {
    page.sheet = sheet;
    page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn refused(app: &App, me: &Caller, key: &str) -> Result<Response, Error> {
    let mut page = load(app, me).await?;
    page.refused = Some(page.shell.w.say(key));
    page::html_as(StatusCode::CONFLICT, &page)
}

async fn with_link(
    app: &App,
    me: &Caller,
    staff: &Staff,
    invite: Invite,
) -> Result<Response, Error> {
    let mut page = load(app, me).await?;
    page.link = Some(Link {
        name: staff.name.clone(),
        url: format!("{}/office/password/{}", app.config.origin(), invite.token),
    });
    page::html(&page)
}

/// A link before it is kept: the token goes to the person, its hash into the store.
struct Invite {
    token: String,
    hash: Vec<u8>,
}

impl Invite {
    fn fresh() -> Self {
        let token = random::token();
        let hash = door::hash(&token);
        Self { token, hash }
    }
}

fn send(tx: &mut Tx<'_>, staff: &Staff, hash: &[u8]) -> Result<(), StoreError> {
    let until = tx.now() + PASSWORD_LINK_LIVES_FOR;
    staff::invite(tx, staff, hash, until)
}

/// A name and a sign-in name, or what is wrong with them.
pub fn read_person(
    sheet: &mut Sheet,
    w: &Words,
    name_field: &str,
    email_field: &str,
) -> Option<(String, String)> {
    let name = clean_name(&sheet.value(name_field));
    if name.is_empty() {
        sheet.wrong(name_field, w.say("wrong-person-name"));
    }
    let email = email(&sheet.value(email_field)).map(|email| email.to_lowercase());
    match &email {
        Ok(email) if email.is_empty() => sheet.wrong(email_field, w.say("wrong-person-email")),
        Ok(_) => {}
        Err(_) => sheet.wrong(email_field, w.say("wrong-person-email")),
    }
    sheet.is_right().then_some((name, email.ok()?))
}
