-- What the pruner looks for has an index of its own, and so has a booking that ServiceTitan did not take.
-- A business has a version, so that two people do not overwrite each other.

DROP INDEX session_old;
CREATE INDEX session_forgettable ON session (created_at) WHERE state = 'lapsed' AND lead_id IS NULL;
CREATE INDEX person_seen ON person (seen_at);
CREATE INDEX text_cap_last ON text_cap (last_at);
CREATE INDEX opt_out_start ON opt_out (at) WHERE opted_out = 0;
CREATE INDEX task_done ON task (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX delivery_booking_not_taken ON delivery (business_id)
    WHERE kind = 'crm_booked' AND lead_id IS NULL AND state IN ('refused', 'expired');

ALTER TABLE business ADD COLUMN version BIGINT NOT NULL DEFAULT 1;   -- grows with every change; a stale form is refused
