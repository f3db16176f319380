-- An appointment that the office has called off: by whom and when. They have a list of their own.

ALTER TABLE appointment ADD COLUMN cancelled_by INTEGER;
ALTER TABLE appointment ADD COLUMN cancelled_at INTEGER;
CREATE INDEX appointment_cancelled ON appointment (business_id, window_end) WHERE state = 'cancelled';
