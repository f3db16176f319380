//! Staff: who at the business may do what.

use crate::coded;

coded! {
    /// What a person at the business is.
    Role {
        /// Sets everything up.
        Administrator = "administrator",
        /// Works the inbox.
        OfficeEmployee = "office_employee",
    }
}

coded! {
    /// What a route asks of whoever calls it. Every office route names one; one without does not start.
    Permission {
        /// See and work leads, tasks and conversations.
        WorkLeads = "work_leads",
        /// Read the settings.
        SeeSettings = "see_settings",
        /// Change schedulers, integrations, staff and keys.
        ChangeSettings = "change_settings",
    }
}

impl Role {
    /// Whether somebody of this role may do it.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Administrator => true,
            Self::OfficeEmployee => matches!(permission, Permission::WorkLeads),
        }
    }
}

/// A person at the business, signed in or named on a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// Their row.
    pub id: crate::id::StaffId,
    /// Whose they are.
    pub business: crate::id::BusinessId,
    /// As colleagues call them.
    pub name: String,
    /// Sign-in name, lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_employee_works_leads_and_nothing_else() {
        for permission in Permission::ALL {
            assert!(Role::Administrator.may(*permission));
            assert_eq!(
                Role::OfficeEmployee.may(*permission),
                *permission == Permission::WorkLeads
            );
        }
    }
}
