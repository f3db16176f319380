//! Ringback's words and rules. Pure: time, ids and chance come in as arguments; nothing here reads,
//! writes, sends or waits. Moves change a value and say what must follow; `server` carries it out.
//!
//! # The words
//!
//! | we say | it means |
//! |---|---|
//! | Business | one company; owns everything below it |
//! | Staff | a person at the business: Administrator or Office employee |
//! | Scheduler | one configured online scheduler of a business |
//! | Start | a ready-made scheduler for a trade: its services, questions, words |
//! | Visitor | somebody in a browser |
//! | Session | one visitor's visit to one scheduler, across reloads, tabs and the link in a text |
//! | Step | where the visitor is: service, contact, time, place, review, booked |
//! | Presence | the open connection from a visitor's page |
//! | Line | what carries presence: a socket, or posts where sockets are blocked |
//! | Departure | how a session went quiet: closed, left, lost, idle |
//! | Grace | the silence we allow before a departure counts |
//! | Hold | what waits a moment because it cannot be taken back |
//! | Lead | one request by a person we can reach who left without booking |
//! | Reference | what a lead is called on the phone and in ServiceTitan, such as R-7F3K |
//! | Appointment | an agreed arrival window |
//! | Place | one quarter of an hour of one seat; a taken one is a row under a primary key |
//! | Booking in ST, Lead in ST | ServiceTitan's own two record kinds |
//! | Delivery | one fact on its way to one outside system; waits in the Outbox |
//! | Outcome | what the outside said: Done, Try later, Refused, Unknown |
//! | Follow-up | the planned text for one lead |
//! | Opt-out | a number that wants no texts: by its own STOP, or as staff were told; START takes it back |
//! | Ruling | what the rules of texts say at this moment: send, not before, never |
//! | Task | a follow-up task for staff, with a due time |
//! | Conversation | the texts both ways with one phone number |
//! | Region | decides phone, postal-code, address and date rules |

pub mod code;
pub mod id;

pub mod business;
pub mod person;
pub mod phone;
pub mod region;
pub mod staff;

pub mod scheduler;
pub mod session;
pub mod starts;

pub mod departure;
pub mod jump;
pub mod lead;
pub mod reference;

pub mod consent;
pub mod conversation;
pub mod delivery;
pub mod follow_up;
pub mod opt_out;
pub mod segments;
pub mod wording;

pub mod appointment;
pub mod places;
pub mod task;
