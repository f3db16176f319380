-- The first tables. Columns are whole numbers, text and bytes only; times are UTC microseconds; JSON is text.
-- Every row belongs to a business, except `node` and the directory columns (public_id, token_hash, key_hash).

CREATE TABLE node (                      -- one running server; nodes meet only here
    id            TEXT    NOT NULL PRIMARY KEY,
    epoch         INTEGER NOT NULL,      -- grows at every start: rows of an older epoch belong to nobody
    until         INTEGER NOT NULL       -- renewed every few seconds; past it the node is taken for dead
) STRICT;

CREATE TABLE business (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    time_zone     TEXT    NOT NULL,      -- IANA name
    locale        TEXT    NOT NULL,
    phone         TEXT,                  -- the office's number, shown to visitors
    details       TEXT    NOT NULL,      -- JSON: BusinessDetails (opening hours, crews, legal name, privacy page)
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE staff (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    deactivated_at INTEGER
) STRICT;

CREATE TABLE sign_in (                   -- a signed-in browser of a staff member
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    staff_id      INTEGER NOT NULL REFERENCES staff (id),
    created_at    INTEGER NOT NULL,
    until         INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_until ON sign_in (until);

CREATE TABLE password_link (             -- with it somebody new sets a password, once
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    staff_id      INTEGER NOT NULL REFERENCES staff (id),
    created_at    INTEGER NOT NULL,
    until         INTEGER NOT NULL
) STRICT;

CREATE TABLE setup_link (                -- printed once by `serve` on an empty store
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    created_at    INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    used_at       INTEGER
) STRICT;

CREATE TABLE api_key (
    key_hash      BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    name          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;

CREATE TABLE scheduler (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    public_id     TEXT    NOT NULL UNIQUE,   -- in URLs and in the embed snippet
    name          TEXT    NOT NULL,
    settings      TEXT    NOT NULL,          -- JSON: SchedulerSettings
    version       INTEGER NOT NULL,          -- grows with every change; a stale form is refused
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX scheduler_business ON scheduler (business_id);

CREATE TABLE integration (               -- an outside system of a business: its settings and its secrets
    business_id   INTEGER NOT NULL REFERENCES business (id),
    kind          TEXT    NOT NULL,      -- servicetitan | texts
    settings      TEXT    NOT NULL,      -- JSON, nothing secret
    secret        BLOB,                  -- encrypted JSON
    checked_at    INTEGER,
    check_result  TEXT,                  -- JSON: what the last test call said
    PRIMARY KEY (business_id, kind)
) STRICT;

CREATE TABLE session (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    scheduler_id  INTEGER NOT NULL REFERENCES scheduler (id),
    state         TEXT    NOT NULL,      -- open | booked | abandoned | lapsed
    state_at      INTEGER NOT NULL,
    step          TEXT    NOT NULL,
    answers       TEXT    NOT NULL,      -- JSON: Answers
    came_from     TEXT    NOT NULL,      -- JSON: CameFrom (page, referrer, campaign tags, zone, locale, browser)
    lead_id       INTEGER,
    departure     TEXT,                  -- closed | left | lost | idle: how it went quiet, still in its grace or judged
    departed_at   INTEGER,
    due_at        INTEGER,               -- when the sweep looks at it
    page_requested_at INTEGER,           -- a reload announces itself
    touched_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX session_due ON session (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX session_lead ON session (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX session_old ON session (created_at);

CREATE TABLE session_token (             -- a browser's key to its session; the link in a text gives another browser one
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL,
    session_id    INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX session_token_session ON session_token (session_id);

CREATE TABLE page (                      -- presence: one open page of a session, and which node holds its line
    session_id    INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    business_id   INTEGER NOT NULL,
    page          TEXT    NOT NULL,      -- the page's own random id
    number        INTEGER NOT NULL,      -- of its last message that counted
    line          TEXT    NOT NULL,      -- socket | post | gone
    hidden        INTEGER NOT NULL,
    node          TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL,
    PRIMARY KEY (session_id, page)
) STRICT;
CREATE INDEX page_owner ON page (node, epoch) WHERE line = 'socket';

CREATE TABLE consent (                   -- append-only proof: what the box said when it was ticked or left
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    session_id    INTEGER NOT NULL,
    phone         TEXT    NOT NULL,
    given         INTEGER NOT NULL,
    wording       TEXT    NOT NULL,
    locale        TEXT    NOT NULL,
    page_url      TEXT    NOT NULL,
    address       TEXT    NOT NULL,      -- network address
    user_agent    TEXT    NOT NULL,
    at            INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_session ON consent (session_id, id);

CREATE TABLE lead (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    scheduler_id  INTEGER NOT NULL REFERENCES scheduler (id),
    session_id    INTEGER NOT NULL,      -- the latest session of this request
    reference     TEXT    NOT NULL,      -- R-7F3K: what people say on the phone and what every summary carries
    name          TEXT    NOT NULL,
    phone         TEXT,                  -- E.164
    email         TEXT,
    service       TEXT    NOT NULL,      -- key
    service_title TEXT    NOT NULL,
    last_step     TEXT    NOT NULL,
    departure     TEXT    NOT NULL,
    answers       TEXT    NOT NULL,      -- JSON: Answers as they stood when the person left
    state         TEXT    NOT NULL,      -- new | claimed | contacted | recovered | dismissed
    state_at      INTEGER NOT NULL,
    state_by      INTEGER,               -- staff
    state_note    TEXT,                  -- reason of a dismissal; how it was recovered
    back_since    INTEGER,
    request_number INTEGER NOT NULL,     -- "3rd request from this number"
    times_left    INTEGER NOT NULL,
    appointment_id INTEGER,
    text_note     TEXT,                  -- JSON: TextNote, why a text was or was not sent
    left_at       INTEGER NOT NULL,
    detected_by   TEXT    NOT NULL,
    lead_at       INTEGER NOT NULL,
    shown_at      INTEGER,
    crm_sent_at   INTEGER,
    crm_done_at   INTEGER,
    text_sent_at  INTEGER,
    text_delivered_at INTEGER,
    first_contact_at INTEGER,
    recovered_at  INTEGER,
    UNIQUE (business_id, reference)
) STRICT;
CREATE INDEX lead_inbox ON lead (business_id, left_at, id);
CREATE INDEX lead_phone ON lead (business_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX lead_email ON lead (business_id, email) WHERE email IS NOT NULL;

CREATE TABLE person (                    -- written before asking what leads somebody has, so that two at once come one after the other
    business_id   INTEGER NOT NULL REFERENCES business (id),
    who           TEXT    NOT NULL,      -- phone, or the email of somebody without one
    seen_at       INTEGER NOT NULL,
    PRIMARY KEY (business_id, who)
) STRICT;

CREATE TABLE lead_event (                -- the timeline
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    lead_id       INTEGER NOT NULL REFERENCES lead (id) ON DELETE CASCADE,
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    staff_id      INTEGER,
    detail        TEXT    NOT NULL       -- JSON
) STRICT;
CREATE INDEX lead_event_lead ON lead_event (lead_id, id);

CREATE TABLE delivery (                  -- the outbox
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    kind          TEXT    NOT NULL,      -- crm_abandoned | crm_booked | crm_dismiss_lead | text_follow_up | text_link
    session_id    INTEGER NOT NULL,
    lead_id       INTEGER,
    appointment_id INTEGER,
    state         TEXT    NOT NULL,      -- due | claimed | sending | done | refused | unknown | withdrawn | expired
    due_at        INTEGER,               -- when to look at it: due time, end of a lease, next look-up; NULL once settled
    fence         INTEGER NOT NULL,      -- grows with every claim; settling needs the current one
    node          TEXT,                  -- who claimed it
    epoch         INTEGER,
    attempt       INTEGER NOT NULL,
    lookups       INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    outside_id    TEXT,                  -- the outside's own id
    our_id        TEXT,                  -- ours, sent along (StatusCallback)
    why           TEXT,                  -- a sentence key for people, with what the outside said
    by_staff      INTEGER,
    created_at    INTEGER NOT NULL,
    first_sent_at INTEGER,
    settled_at    INTEGER
) STRICT;
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_lead ON delivery (lead_id, id) WHERE lead_id IS NOT NULL;
CREATE INDEX delivery_session ON delivery (session_id, id);
CREATE UNIQUE INDEX delivery_our_id ON delivery (our_id) WHERE our_id IS NOT NULL;

CREATE TABLE crm_record (                -- what stands in ServiceTitan for a session's request
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    session_id    INTEGER NOT NULL,
    lead_id       INTEGER,
    kind          TEXT    NOT NULL,      -- booking | lead
    external_id   TEXT    NOT NULL,      -- ours: externalId of a Booking in ST, reference of a Lead in ST
    outside_id    TEXT    NOT NULL,      -- theirs
    stage         TEXT    NOT NULL,      -- abandoned | booked | dismissed
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (business_id, kind, external_id)
) STRICT;
CREATE INDEX crm_record_lead ON crm_record (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX crm_record_session ON crm_record (session_id);

CREATE TABLE resume_link (
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    session_id    INTEGER NOT NULL,
    lead_id       INTEGER,
    delivery_id   INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    opened_at     INTEGER                -- by a person (a POST), not by a preview
) STRICT;
CREATE INDEX resume_link_until ON resume_link (until);
CREATE INDEX resume_link_delivery ON resume_link (delivery_id);
CREATE INDEX resume_link_opened ON resume_link (session_id) WHERE opened_at IS NOT NULL;

CREATE TABLE text_message (              -- both directions; a conversation is all with one phone number
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    direction     TEXT    NOT NULL,      -- out | in
    phone         TEXT    NOT NULL,      -- the other side
    body          TEXT    NOT NULL,      -- a link's token stands as {link}
    carrier_id    TEXT,
    status        TEXT    NOT NULL,
    error         TEXT,
    delivery_id   INTEGER,
    lead_id       INTEGER,
    at            INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX text_message_phone ON text_message (business_id, phone, id);
CREATE UNIQUE INDEX text_message_carrier ON text_message (business_id, carrier_id) WHERE carrier_id IS NOT NULL;

CREATE TABLE text_cap (                  -- the last follow-up text to a number; a conditional write decides who may send
    business_id   INTEGER NOT NULL REFERENCES business (id),
    phone         TEXT    NOT NULL,
    last_at       INTEGER NOT NULL,
    delivery_id   INTEGER NOT NULL,
    PRIMARY KEY (business_id, phone)
) STRICT;

CREATE TABLE opt_out (                   -- append-only ledger; the newest row of a number decides
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    phone         TEXT    NOT NULL,
    opted_out     INTEGER NOT NULL,      -- 1 STOP, 0 START
    source        TEXT    NOT NULL,      -- inbound_text | carrier | staff | link
    said          TEXT    NOT NULL,
    at            INTEGER NOT NULL
) STRICT;
CREATE INDEX opt_out_phone ON opt_out (business_id, phone, id);

CREATE TABLE appointment (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    scheduler_id  INTEGER NOT NULL REFERENCES scheduler (id),
    session_id    INTEGER NOT NULL,
    lead_id       INTEGER,
    state         TEXT    NOT NULL,      -- held | agreed | rescheduled | cancelled
    held_until    INTEGER,
    window_start  INTEGER NOT NULL,
    window_end    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    phone         TEXT,                  -- who has agreed it, E.164
    service       TEXT,                  -- and for what: its key
    agreed_at     INTEGER
) STRICT;
CREATE INDEX appointment_session ON appointment (session_id);
CREATE INDEX appointment_phone ON appointment (business_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX appointment_agreed ON appointment (business_id, window_end) WHERE state = 'agreed';
CREATE INDEX appointment_held ON appointment (held_until) WHERE held_until IS NOT NULL;

CREATE TABLE place (                     -- one quarter of an hour of one seat; the primary key is the promise
    business_id   INTEGER NOT NULL REFERENCES business (id),
    seat          INTEGER NOT NULL,
    quarter       INTEGER NOT NULL,      -- quarters of an hour since 1970 UTC
    appointment_id INTEGER NOT NULL REFERENCES appointment (id) ON DELETE CASCADE,
    PRIMARY KEY (business_id, seat, quarter)
) STRICT;
CREATE INDEX place_appointment ON place (appointment_id);
CREATE INDEX place_quarter ON place (business_id, quarter);

CREATE TABLE task (
    id            INTEGER PRIMARY KEY,
    business_id   INTEGER NOT NULL REFERENCES business (id),
    lead_id       INTEGER REFERENCES lead (id) ON DELETE CASCADE,
    title         TEXT    NOT NULL,
    assignee_id   INTEGER REFERENCES staff (id),
    due_at        INTEGER,
    created_by    INTEGER NOT NULL REFERENCES staff (id),
    created_at    INTEGER NOT NULL,
    done_at       INTEGER,
    done_by       INTEGER REFERENCES staff (id)
) STRICT;
CREATE INDEX task_open ON task (business_id, due_at) WHERE done_at IS NULL;
CREATE INDEX task_lead ON task (lead_id) WHERE lead_id IS NOT NULL;
