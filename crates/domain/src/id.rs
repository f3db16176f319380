//! Identifiers: whole numbers of the store, one type per noun so that none stands in for another.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Names the row with this number.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The row's number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A [`crate::business::Business`].
    BusinessId,
    /// A [`crate::staff::Staff`].
    StaffId,
    /// A [`crate::scheduler::Scheduler`].
    SchedulerId,
    /// A [`crate::session::Session`].
    SessionId,
    /// A [`crate::lead::Lead`].
    LeadId,
    /// A [`crate::delivery::Delivery`].
    DeliveryId,
    /// An [`crate::appointment::Appointment`].
    AppointmentId,
    /// A [`crate::task::Task`].
    TaskId,
}
