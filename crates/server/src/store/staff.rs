//! Staff, the browsers they are signed in with, and the links with which somebody new sets a password.
//! Tokens and passwords come in hashed; nothing here knows the secret itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ringback_domain::id::{BusinessId, StaffId};
use ringback_domain::staff::{Role, Staff};

use super::{Row, StoreError, Tx, sql};

/// What it takes to add somebody.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Whose they are.
    pub business: BusinessId,
    /// As colleagues call them.
    pub name: String,
    /// Sign-in name, lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Argon2 string; empty until they have set a password, and nobody signs in with an empty one.
    pub password_hash: String,
}

/// Somebody on the staff page.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub staff: Staff,
    /// Whether they have a password.
    pub has_password: bool,
    /// Since when they may not sign in any more.
    pub deactivated_at: Option<Timestamp>,
}

/// Adds somebody; `None` when the email is taken.
pub fn create(tx: &mut Tx<'_>, new: &NewStaff) -> Result<Option<StaffId>, StoreError> {
    tx.insert_new(
        sql!(
            "INSERT INTO staff (business_id, name, email, role, password_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING RETURNING id"
        ),
        &[
            &new.business,
            &new.name,
            &new.email,
            &new.role.as_str(),
            &new.password_hash,
            &tx.now(),
        ],
    )
}

/// Everybody, those who have left included, in the order they came.
pub fn list(tx: &mut Tx<'_>, business: BusinessId) -> Result<Vec<Member>, StoreError> {
    tx.rows(
        sql!("SELECT * FROM staff WHERE business_id = $1 ORDER BY id"),
        &[&business],
        read_member,
    )
}

/// Everybody's name, those who have left included: leads and timelines still speak of them.
pub fn names(
    tx: &mut Tx<'_>,
    business: BusinessId,
) -> Result<BTreeMap<StaffId, String>, StoreError> {
    let rows = tx.rows(
        sql!("SELECT id, name FROM staff WHERE business_id = $1"),
        &[&business],
        |row| Ok((row.get("id")?, row.get("name")?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// One of a business's staff.
pub fn get(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: StaffId,
) -> Result<Option<Member>, StoreError> {
    tx.first(
        sql!("SELECT * FROM staff WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        read_member,
    )
}

/// Who signs in with this email, and the password's hash; a directory query, not bound to a business.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<(Staff, String)>, StoreError> {
    tx.first(
        sql!("SELECT * FROM staff WHERE email = $1 AND deactivated_at IS NULL"),
        &[&email],
        |row| Ok((read(row)?, row.get("password_hash")?)),
    )
}

/// Sets a password and ends every sign-in made with the one before.
pub fn set_password(tx: &mut Tx<'_>, staff: &Staff, password_hash: &str) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE staff SET password_hash = $3 WHERE business_id = $1 AND id = $2"),
        &[&staff.business, &staff.id, &password_hash],
    )?;
    end_sign_ins(tx, staff)
}

/// Corrects a name and a sign-in name; false, and nothing changed, when somebody else has the email.
pub fn correct(
    tx: &mut Tx<'_>,
    staff: &Staff,
    name: &str,
    email: &str,
) -> Result<bool, StoreError> {
    let corrected = tx.execute(
        sql!(
            "UPDATE staff SET name = $3, email = $4 WHERE business_id = $1 AND id = $2
             AND NOT EXISTS (SELECT 1 FROM staff other WHERE other.email = $4 AND other.id <> $2)"
        ),
        &[&staff.business, &staff.id, &name, &email],
    )?;
    Ok(corrected == 1)
}

/// What became of a change to somebody's role or standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It stands.
    Done,
    /// Nobody could set anything up any more.
    LastAdministrator,
}

/// Gives somebody another role. The last Administrator stays one.
pub fn set_role(tx: &mut Tx<'_>, staff: &Staff, role: Role) -> Result<Changed, StoreError> {
    if role != Role::Administrator && is_last_administrator(tx, staff)? {
        return Ok(Changed::LastAdministrator);
    }
    tx.execute(
        sql!("UPDATE staff SET role = $3 WHERE business_id = $1 AND id = $2"),
        &[&staff.business, &staff.id, &role.as_str()],
    )?;
    Ok(Changed::Done)
}

/// Ends somebody's access at once. The last Administrator stays.
pub fn deactivate(tx: &mut Tx<'_>, staff: &Staff) -> Result<Changed, StoreError> {
    if is_last_administrator(tx, staff)? {
        return Ok(Changed::LastAdministrator);
    }
    tx.execute(
        sql!("UPDATE staff SET deactivated_at = $3 WHERE business_id = $1 AND id = $2"),
        &[&staff.business, &staff.id, &tx.now()],
    )?;
    end_sign_ins(tx, staff)?;
    Ok(Changed::Done)
}

/// Lets somebody in again.
pub fn reactivate(tx: &mut Tx<'_>, staff: &Staff) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE staff SET deactivated_at = NULL WHERE business_id = $1 AND id = $2"),
        &[&staff.business, &staff.id],
    )?;
    Ok(())
}

/// Locks the Administrators: two who demote one another at the same moment must not both succeed.
fn is_last_administrator(tx: &mut Tx<'_>, staff: &Staff) -> Result<bool, StoreError> {
    let administrators: Vec<StaffId> = tx.rows(
        sql!(
            "SELECT id FROM staff WHERE business_id = $1 AND role = 'administrator' AND deactivated_at IS NULL
             ORDER BY id /* FOR UPDATE */"
        ),
        &[&staff.business],
        |row| row.get("id"),
    )?;
    Ok(administrators == [staff.id])
}

/// Signs a browser in until then.
pub fn sign_in(
    tx: &mut Tx<'_>,
    staff: &Staff,
    token_hash: &[u8],
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO sign_in (token_hash, business_id, staff_id, created_at, until)
             VALUES ($1, $2, $3, $4, $5)"
        ),
        &[&token_hash, &staff.business, &staff.id, &tx.now(), &until],
    )?;
    Ok(())
}

/// Who is signed in with this token; a directory query, not bound to a business.
pub fn signed_in(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Option<Staff>, StoreError> {
    tx.first(
        sql!(
            "SELECT staff.* FROM sign_in JOIN staff ON staff.id = sign_in.staff_id
             WHERE sign_in.token_hash = $1 AND sign_in.until > $2 AND staff.deactivated_at IS NULL"
        ),
        &[&token_hash, &tx.now()],
        read,
    )
}

/// Signs a browser out.
pub fn sign_out(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM sign_in WHERE token_hash = $1"),
        &[&token_hash],
    )?;
    Ok(())
}

/// Signs every browser of somebody out.
fn end_sign_ins(tx: &mut Tx<'_>, staff: &Staff) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM sign_in WHERE business_id = $1 AND staff_id = $2"),
        &[&staff.business, &staff.id],
    )?;
    Ok(())
}

/// Makes a link with which somebody sets a password, once; earlier ones of theirs end.
pub fn invite(
    tx: &mut Tx<'_>,
    staff: &Staff,
    token_hash: &[u8],
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM password_link WHERE business_id = $1 AND staff_id = $2"),
        &[&staff.business, &staff.id],
    )?;
    tx.execute(
        sql!(
            "INSERT INTO password_link (token_hash, business_id, staff_id, created_at, until)
             VALUES ($1, $2, $3, $4, $5)"
        ),
        &[&token_hash, &staff.business, &staff.id, &tx.now(), &until],
    )?;
    Ok(())
}

/// Who a password link is for, while it is good; a directory query, not bound to a business.
pub fn invited(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Option<Staff>, StoreError> {
    tx.first(
        sql!(
            "SELECT staff.* FROM password_link JOIN staff ON staff.id = password_link.staff_id
             WHERE password_link.token_hash = $1 AND password_link.until > $2 AND staff.deactivated_at IS NULL"
        ),
        &[&token_hash, &tx.now()],
        read,
    )
}

/// Uses a password link up; false when somebody was quicker.
pub fn use_invite(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<bool, StoreError> {
    let used = tx.execute(
        sql!("DELETE FROM password_link WHERE token_hash = $1"),
        &[&token_hash],
    )?;
    Ok(used == 1)
}

fn read(row: &Row<'_>) -> Result<Staff, StoreError> {
    Ok(Staff {
        id: row.get("id")?,
        business: row.get("business_id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        role: row.word("role")?,
    })
}

fn read_member(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        staff: read(row)?,
        has_password: !row.get::<String>("password_hash")?.is_empty(),
        deactivated_at: row.get("deactivated_at")?,
    })
}
