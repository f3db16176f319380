-- What a calendar of ten thousand appointments and an inbox of a million leads are asked for all the time.

ALTER TABLE appointment ADD COLUMN seat BIGINT;     -- of its places, so that a calendar need not read every quarter
UPDATE appointment SET seat = (SELECT MIN(place.seat) FROM place WHERE place.appointment_id = appointment.id);
CREATE INDEX appointment_window ON appointment (business_id, window_start, window_end, seat, state, held_until, session_id);

CREATE INDEX lead_new ON lead (business_id) WHERE state = 'new';
