-- Which schema the program of a running server knows: one that knows less than a step asks for is stopped first.
-- And whether a life that is over (`until` is negative) has ended in good order.

ALTER TABLE node ADD COLUMN knows BIGINT NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN ended BIGINT NOT NULL DEFAULT 0;
